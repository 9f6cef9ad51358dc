-- Replies emits the rows of proof that an opt-out wrote, with their hashes.
set local role equity_owner;
grant select (row_hash) on app.lead_consent_audit to svc_replies;
reset role;
