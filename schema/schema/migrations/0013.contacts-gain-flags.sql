-- A record may say more of a phone that is known: that it must not be called above all. Ingest writes it down.
set local role equity_owner;

grant update (dnc, line_type) on app.lead_contacts to svc_ingest;
reset role;
