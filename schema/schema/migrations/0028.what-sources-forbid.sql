-- Ingest applies the prohibitions of a source: it suppresses emails and closes leads (docs/protective-columns.md).
set local role equity_owner;

grant insert on app.suppressions to svc_ingest;
update pipeline.lead_moves
set roles = roles || '{svc_ingest}'::text[]
where to_status = 'do_not_contact';
reset role;
