-- Roles, schemas and default privileges. Runs as a superuser, or as a role that may create roles and schemas (Supabase's
-- `postgres`).

create function pg_temp.ensure_role(name text, options text) returns void
language plpgsql as $$
begin
  if not exists (select from pg_roles where rolname = name) then
    execute format('create role %I %s', name, options);
  end if;
exception when duplicate_object or unique_violation then
  null;  -- another database of this server was migrated at the same moment
end
$$;

do $$
declare
  service text;
begin
  perform pg_temp.ensure_role(name, 'nologin')
  from unnest(array['equity_owner', 'anon', 'authenticated', 'service_role', 'pipeline_writer']) as name;
  if not pg_has_role(current_user, 'equity_owner', 'member') then
    execute format('grant equity_owner to %I', current_user);
  end if;
  foreach service in array array[
    'gateway', 'ingest', 'recorder', 'skiptrace', 'feeder', 'replies', 'consent', 'voice', 'billing', 'notify', 'dashboard'
  ] loop
    perform pg_temp.ensure_role('svc_' || service, 'login');
    if not pg_has_role('svc_' || service, 'pipeline_writer', 'member') then
      execute format('grant pipeline_writer to %I', 'svc_' || service);
    end if;
    execute format('alter role %I in database %I set statement_timeout = %L', 'svc_' || service, current_database(), '55s');
    execute format('alter role %I in database %I set lock_timeout = %L', 'svc_' || service, current_database(), '20s');
    execute format(
      'alter role %I in database %I set idle_in_transaction_session_timeout = %L',
      'svc_' || service, current_database(), '30s');
    execute format('alter role %I in database %I set tcp_keepalives_idle = 10', 'svc_' || service, current_database());
    execute format('alter role %I in database %I set tcp_keepalives_interval = 5', 'svc_' || service, current_database());
    execute format('alter role %I in database %I set tcp_keepalives_count = 3', 'svc_' || service, current_database());
    execute format('alter role %I in database %I set log_parameter_max_length = 0', 'svc_' || service, current_database());
  end loop;
exception
  when insufficient_privilege then
    raise notice 'some role settings need a superuser and were left as they are';
end
$$;

create schema if not exists extensions;
create schema app authorization equity_owner;
create schema pipeline authorization equity_owner;
do $$
begin
  if not exists (select from pg_extension where extname = 'pgcrypto') then
    create extension pgcrypto with schema extensions;
  end if;
end
$$;

-- Supabase has these two functions. Elsewhere they read the claims that the API sets for a request.
create schema if not exists auth;
do $$
begin
  if to_regprocedure('auth.uid()') is null then
    create function auth.uid() returns uuid
    language sql stable as $f$
      select nullif(
        coalesce(
          nullif(current_setting('request.jwt.claim.sub', true), ''),
          nullif(current_setting('request.jwt.claims.sub', true), ''),
          nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
        ), '')::uuid
    $f$;
    comment on function auth.uid() is 'equity-connect';
  end if;
end
$$;

grant usage on schema auth to authenticated, anon, equity_owner;
grant usage on schema extensions to equity_owner, pipeline_writer;
grant usage on schema app to authenticated, service_role, pipeline_writer;
grant usage on schema pipeline to pipeline_writer;

-- Objects that later migrations create start closed, even if the platform grants privileges on new objects.
alter default privileges for role equity_owner revoke all on tables from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on functions from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on types from public, anon, authenticated, service_role;

do $$
begin
  execute format('alter database %I set search_path = app, pipeline, public, extensions', current_database());
end
$$;
