set local role equity_owner;
revoke select (row_hash) on app.lead_consent_audit from svc_replies;
reset role;
