drop table app.lead_contacts, app.leads, pipeline.leads_staging, pipeline.lead_transitions;
drop type pipeline.contact_candidate;
drop function
  app.transition_lead, app.guard_campaign_status, pipeline.may_transition, app.count_lead_version, app.set_added_to_campaign_at,
  app.encrypt_email, app.decrypt_email, app.hash_email, pipeline.stamp_of, pipeline.last_stamp_of_today,
  pipeline.wins, pipeline.wins_text;
drop type app.campaign_status;
