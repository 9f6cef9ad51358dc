-- Operators read the proof of consents, without what identifies the signer, to show and verify it.
set local role equity_owner;
create policy operator_read on app.lead_consent_audit for select to equity_operator using (true);
grant select (
  id, lead_id, seq, action, value_hash, hash_key_id, broker_id, text_version, covers, reason, token_id, text_hash, page_hash,
  signer_hash, evidence_hash, at, recorded_at, previous_hash, row_hash
) on app.lead_consent_audit to equity_operator;
reset role;
