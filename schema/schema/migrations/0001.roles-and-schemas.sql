-- Roles, schemas and default privileges. Runs as a superuser, or as a role that may create roles and schemas (Supabase's
-- `postgres`). docs/adr/0034 gives the reasons for the memberships.

-- Functions that a migration calls to add a service. Only the role that migrates may use this schema.
create schema provisioning;

create function provisioning.change_roles(statement text, needed_if text) returns void
language plpgsql as $$
-- Run a statement on roles if it is needed. Roles belong to the server, and another database may be migrated at the same
-- moment. PostgreSQL then reports a duplicate or a concurrent update after that migration has committed.
declare
  needed boolean;
begin
  for attempt in 1..50 loop
    execute 'select ' || needed_if into needed;
    exit when not needed;
    begin
      execute statement;
    exception when duplicate_object or unique_violation or internal_error then
      if attempt = 50 then
        raise;
      end if;
    end;
  end loop;
end
$$;

create function provisioning.ensure_role(name text, options text) returns void
language sql as $$
  select provisioning.change_roles(
    format('create role %I %s', name, options), format('not exists (select from pg_roles where rolname = %L)', name))
$$;

create function provisioning.ensure_member(member text, role text) returns void
language plpgsql as $$
-- Allow *member* to act as *role* by `set role`. It inherits nothing: PostgreSQL 15 decides that by an attribute of the member,
-- later versions by an option of the membership.
begin
  if current_setting('server_version_num')::integer >= 160000 then
    perform provisioning.change_roles(
      format('grant %I to %I with inherit false, set true', role, member),
      format(
        'not exists (select from pg_auth_members where roleid = %L::regrole and member = %L::regrole'
          || ' and not inherit_option and set_option)', role, member));
  else
    perform provisioning.change_roles(format('grant %I to %I', role, member), format('not pg_has_role(%L, %L, ''member'')', member, role));
  end if;
end
$$;

create function provisioning.set_for_role(role text, setting text, value text) returns void
language plpgsql as $$
begin
  execute format('alter role %I in database %I set %s = %L', role, current_database(), setting, value);
exception when insufficient_privilege then
  raise notice 'setting % of % needs a superuser and was left as it is', setting, role;
end
$$;

create function provisioning.create_service_login(name text) returns void
language plpgsql as $$
-- Create the login role of a service. It inherits nothing and has time limits.
declare
  setting text[];
begin
  perform provisioning.ensure_role(name, 'login noinherit');
  perform provisioning.change_roles(
    format('alter role %I noinherit', name), format('rolinherit from pg_roles where rolname = %L', name));
  foreach setting slice 1 in array array[
    ['statement_timeout', '55s'],
    ['lock_timeout', '20s'],
    -- Longer than a relay waits for Kafka (15 s). The locks of a lost host are released within 30 seconds.
    ['idle_in_transaction_session_timeout', '20s'],
    -- While PostgreSQL sends a result that the client does not read, neither keepalives nor the other limits help.
    ['tcp_user_timeout', '15s'],
    ['tcp_keepalives_idle', '10'],
    ['tcp_keepalives_interval', '5'],
    ['tcp_keepalives_count', '3'],
    ['log_parameter_max_length', '0']
  ] loop
    perform provisioning.set_for_role(name, setting[1], setting[2]);
  end loop;
  -- A command of `equity` logs in as the database's owner and takes the role of the service. A superuser may take any.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    perform provisioning.ensure_member(current_user, name);
  end if;
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['equity_owner', 'anon', 'authenticated', 'service_role', 'pipeline_writer'] loop
    perform provisioning.ensure_role(name, 'nologin');
  end loop;
  perform provisioning.change_roles(
    format('grant equity_owner to %I', current_user), 'not pg_has_role(current_user, ''equity_owner'', ''member'')');
  foreach name in array array[
    'svc_gateway', 'svc_ingest', 'svc_recorder', 'svc_skiptrace', 'svc_feeder', 'svc_pull', 'svc_replies', 'svc_consent',
    'svc_voice', 'svc_billing', 'svc_notify', 'svc_dashboard'
  ] loop
    perform provisioning.create_service_login(name);
  end loop;
  -- The dashboard acts as the signed-in broker by `set local role authenticated`, and sees no broker data before that.
  perform provisioning.ensure_member('svc_dashboard', 'authenticated');
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

-- Supabase has these two. Elsewhere the function reads the claims that the API sets for a request.
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
grant usage on schema extensions to equity_owner;
grant usage on schema app to authenticated, service_role;
grant usage on schema app, pipeline, extensions to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;
grant usage on schema pipeline to svc_dashboard;

-- Objects that later migrations create start closed, even if the platform grants privileges on new objects.
alter default privileges for role equity_owner revoke all on tables from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on sequences from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on functions from public, anon, authenticated, service_role;
alter default privileges for role equity_owner revoke all on types from public, anon, authenticated, service_role;

-- The tables of the migration tool are in `public`, which some platforms open to every role.
do $$
declare
  name text;
begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename ~ '^_?yoyo_' loop
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', name);
  end loop;
  execute format('alter database %I set search_path = app, pipeline, public, extensions', current_database());
end
$$;
