drop table pipeline.leads_staging;
drop type pipeline.contact_candidate;
drop table app.lead_conflicts, app.lead_contacts, app.leads;
drop function app.count_lead_version();
drop function app.set_added_to_campaign_at();
drop type app.campaign_status;
