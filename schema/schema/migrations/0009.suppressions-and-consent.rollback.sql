drop function
  pipeline.delete_old_decisions, pipeline.log_contact_decisions, pipeline.log_contact_decision, app.cleanup_old_consent_tokens;
drop table
  pipeline.contact_decisions, app.lead_consent_audit, app.consent_tokens, app.consent_texts, app.suppressions;
