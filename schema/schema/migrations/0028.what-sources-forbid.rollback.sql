set local role equity_owner;
revoke insert on app.suppressions from svc_ingest;
update pipeline.lead_moves
set roles = array_remove(roles, 'svc_ingest')
where to_status = 'do_not_contact';
reset role;
