do $$
begin
  execute format('alter database %I reset search_path', current_database());
end
$$;

alter default privileges for role equity_owner grant execute on functions to public;
alter default privileges for role equity_owner grant usage on types to public;

do $$
begin
  if obj_description(to_regprocedure('auth.uid()'), 'pg_proc') = 'equity-connect' then
    drop function auth.uid();
    revoke usage on schema auth from authenticated, anon, equity_owner;
    drop schema if exists auth;
  end if;
exception when dependent_objects_still_exist then
  null;
end
$$;

revoke usage on schema extensions from equity_owner, pipeline_writer;
drop schema pipeline;
drop schema app;
-- Roles belong to the whole server, where another database may use them. They stay, and so does pgcrypto.
