drop trigger trg_remove_decided_members on app.lead_consent_audit;
drop trigger trg_remove_uncallable_members on app.suppressions;
drop function
  app.remove_decided_members, app.remove_uncallable_members, app.is_excluded_from_campaigns(uuid), app.has_decided_on_calls;
