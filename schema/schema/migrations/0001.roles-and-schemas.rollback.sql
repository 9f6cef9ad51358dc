-- Roles belong to the whole server, where another database may use them. They stay, and so does pgcrypto.
do $$
begin
  execute format('alter database %I reset search_path', current_database());
  if obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = 'equity-connect' then
    drop function auth.uid();
    revoke usage on schema auth from authenticated, anon, equity_owner;
    drop schema if exists auth;
  end if;
exception when dependent_objects_still_exist then
  null;
end
$$;

alter default privileges for role equity_owner grant execute on functions to public;
alter default privileges for role equity_owner grant usage on types to public;
revoke usage on schema extensions from
  equity_owner, svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice,
  svc_billing, svc_notify;
drop schema pipeline, app;
drop schema provisioning cascade;
