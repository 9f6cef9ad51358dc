drop function app.refresh_contactable_leads();
drop view app.contactable_leads;
drop materialized view app.mv_contactable_leads;
drop function pipeline.log_contact_decision(uuid, text, bytea, boolean, text);
drop table pipeline.contact_decisions;
drop table app.lead_consent_audit, app.consent_tokens, app.consent_texts, app.suppressions, app.vendor_memberships,
  app.feed_slots, app.campaigns, app.personas, app.verification_code_map, app.skip_trace_attempts, app.skip_trace_requests;
