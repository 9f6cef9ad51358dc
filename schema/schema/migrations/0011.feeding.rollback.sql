drop function app.refresh_contactable_leads;
drop view app.contactable_leads, pipeline.due_adds;
drop materialized view app.mv_contactable_leads;
drop index app.leads_unqueued_idx;
drop trigger trg_remove_suppressed_members on app.suppressions;
drop trigger trg_remove_stopped_members on app.leads;
drop trigger trg_remove_litigator_members on app.lead_contacts;
drop function app.remove_suppressed_members, app.remove_stopped_members, app.remove_litigator_members, app.is_excluded_from_campaigns;
drop table app.vendor_memberships, app.feed_skips, app.feed_slots, app.campaigns, app.personas;
