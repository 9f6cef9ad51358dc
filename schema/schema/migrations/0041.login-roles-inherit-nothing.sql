-- Login roles inherit nothing: each service has direct grants and policies, and no login is a member of pipeline_writer.
-- svc_dashboard inherited `authenticated` and `pipeline_writer`. A query without `set local role` therefore read the leads
-- of all brokers. The role may now act as a broker by `set local role authenticated`, and sees no broker data before that.
-- docs/adr/0034 gives the reasons. A later migration grants to the services that need it, never to pipeline_writer.

create function pg_temp.change_roles(statement text, still_needed text) returns void
language plpgsql as $$
-- Run a statement on roles. Roles belong to the server, and another database may be migrated at the same moment. PostgreSQL
-- then reports a concurrent update of a tuple after that migration has committed.
declare
  needed boolean;
begin
  for attempt in 1..50 loop
    execute still_needed into needed;
    exit when not needed;
    begin
      execute statement;
    exception when internal_error then
      if attempt = 50 then
        raise;
      end if;
    end;
  end loop;
end
$$;

do $$
declare
  login text;
  membership record;
  keep_inherit_off text := '';
begin
  for login in
    select rolname from pg_roles join pg_namespace on nspname = rolname where rolname like 'svc\_%' and rolcanlogin order by 1
  loop
    perform pg_temp.change_roles(
      format('alter role %I noinherit', login),
      format('select rolinherit from pg_roles where rolname = %L', login));
    for membership in
      select granted.rolname as group_name
      from pg_auth_members link
      join pg_roles granted on granted.oid = link.roleid
      join pg_roles member on member.oid = link.member and member.rolname = login
      where granted.rolname in ('pipeline_writer', 'authenticated', 'anon', 'service_role')
      and not (login = 'svc_dashboard' and granted.rolname = 'authenticated')
      order by 1
    loop
      perform pg_temp.change_roles(
        format('revoke %I from %I', membership.group_name, login),
        format(
          'select exists (select from pg_auth_members where roleid = %L::regrole and member = %L::regrole)',
          membership.group_name, login));
    end loop;
  end loop;
  -- From PostgreSQL 16 on, inheritance is an option of the membership and not an attribute of the role.
  if current_setting('server_version_num')::integer >= 160000 then
    keep_inherit_off := ' and not inherit_option and set_option';
  end if;
  perform pg_temp.change_roles(
    'grant authenticated to svc_dashboard' || case keep_inherit_off when '' then '' else ' with inherit false, set true' end,
    'select not exists (select from pg_auth_members'
      || ' where roleid = ''authenticated''::regrole and member = ''svc_dashboard''::regrole' || keep_inherit_off || ')');
end
$$;

-- Grant the privileges of the group to each former member. The dashboard gets only the job functions below.
do $$
declare
  services text;
  privilege record;
begin
  select string_agg(quote_ident(rolname), ', ' order by rolname) into services
  from pg_roles join pg_namespace on nspname = rolname
  where rolname like 'svc\_%' and rolcanlogin and rolname <> 'svc_dashboard';
  for privilege in
    select acl.privilege_type as name, format('schema %I', nspname) as object
    from pg_namespace, aclexplode(nspacl) acl
    where acl.grantee = 'pipeline_writer'::regrole
    union all
    select acl.privilege_type, format('%s %I.%I', case relkind when 'S' then 'sequence' else 'table' end, nspname, relname)
    from pg_class join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) acl
    where acl.grantee = 'pipeline_writer'::regrole
    union all
    select format('%s (%I)', acl.privilege_type, attname), format('table %I.%I', nspname, relname)
    from pg_attribute join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace, aclexplode(attacl) acl
    where acl.grantee = 'pipeline_writer'::regrole
    union all
    select acl.privilege_type, format('function %s', p.oid::regprocedure)
    from pg_proc p, aclexplode(proacl) acl
    where acl.grantee = 'pipeline_writer'::regrole
  loop
    execute format('grant %s on %s to %s', privilege.name, privilege.object, services);
    execute format('revoke %s on %s from pipeline_writer', privilege.name, privilege.object);
  end loop;
end
$$;

set local role equity_owner;

-- Policies of the group move to the services. Their grants limit what each service does with the rows (0009).
do $$
declare
  services text;
  policy record;
begin
  select string_agg(quote_ident(rolname), ', ' order by rolname) into services
  from pg_roles join pg_namespace on nspname = rolname
  where rolname like 'svc\_%' and rolcanlogin and rolname <> 'svc_dashboard';
  for policy in select schemaname, tablename, policyname from pg_policies where 'pipeline_writer' = any (roles) loop
    execute format('alter policy %I on %I.%I to %s', policy.policyname, policy.schemaname, policy.tablename, services);
  end loop;
end
$$;

-- The dashboard: its queues and the rows of its jobs. It reads broker data only as `authenticated`.
revoke all on app.brokers, app.broker_settings, app.territories from svc_dashboard;
grant usage on schema pipeline to svc_dashboard;
grant select on pipeline.jobs, pipeline.job_runs, pipeline.job_states to svc_dashboard;
grant execute on function
  pipeline.claim_job(text, date, text, boolean),
  pipeline.declare_job(text, time, smallint[], integer, double precision),
  pipeline.finish_job(text, date, text, text, text),
  pipeline.keep_job(text, date, text),
  pipeline.note_job(text, date, text, integer, integer, text, text),
  pipeline.retire_jobs(text, text[])
to svc_dashboard;
reset role;

-- The tables of the migration tool are in `public`, which some platforms open to every role.
do $$
declare
  name text;
begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename ~ '^_?yoyo_' loop
    execute format('revoke all on public.%I from public, anon, authenticated, service_role', name);
  end loop;
end
$$;
