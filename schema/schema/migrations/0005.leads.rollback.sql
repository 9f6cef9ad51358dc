drop table app.lead_contacts, app.leads, pipeline.lead_moves;
drop type pipeline.contact_candidate;
drop function
  app.move_lead, app.guard_campaign_status, pipeline.may_move, app.count_lead_version, app.set_added_to_campaign_at,
  app.encrypt_email, app.decrypt_email, app.hash_email;
drop type app.campaign_status;
