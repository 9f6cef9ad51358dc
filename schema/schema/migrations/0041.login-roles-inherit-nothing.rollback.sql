-- Restore the grants, policies and members of the group. `svc_dashboard` stays closed: no code ever logged in by it, and
-- roles belong to the whole server, where other databases may rely on it. The other memberships cost them nothing: the group
-- has no grant in a database that has 0041.
create function pg_temp.change_roles(statement text, still_needed text) returns void
language plpgsql as $$
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
  logins text[] := array(
    select rolname::text from pg_roles join pg_namespace on nspname = rolname
    where rolname like 'svc\_%' and rolcanlogin and rolname <> 'svc_dashboard' order by 1);
  services text := (select string_agg(quote_ident(login), ', ') from unnest(logins) login);
  login text;
  privilege record;
  policy record;
begin
  foreach login in array logins loop
    perform pg_temp.change_roles(
      format('alter role %I inherit', login), format('select not rolinherit from pg_roles where rolname = %L', login));
    perform pg_temp.change_roles(
      format('grant pipeline_writer to %I', login), format('select not pg_has_role(%L, ''pipeline_writer'', ''member'')', login));
  end loop;
  for privilege in
    select held.name, held.object
    from (
      select acl.privilege_type as name, format('schema %I', nspname) as object, acl.grantee
      from pg_namespace, aclexplode(nspacl) acl
      union all
      select acl.privilege_type, format('%s %I.%I', case relkind when 'S' then 'sequence' else 'table' end, nspname, relname), acl.grantee
      from pg_class join pg_namespace n on n.oid = relnamespace, aclexplode(relacl) acl
      union all
      select acl.privilege_type, format('function %s', p.oid::regprocedure), acl.grantee
      from pg_proc p, aclexplode(proacl) acl
    ) held
    join pg_roles r on r.oid = held.grantee and r.rolname = any (logins)
    group by held.name, held.object
    having count(distinct r.rolname) = cardinality(logins)
  loop
    execute format('grant %s on %s to pipeline_writer', privilege.name, privilege.object);
    execute format('revoke %s on %s from %s', privilege.name, privilege.object, services);
  end loop;
  for policy in
    select schemaname, tablename, policyname from pg_policies where schemaname = 'app' and policyname ~ '^pipeline_.*_write$'
  loop
    execute format('alter policy %I on %I.%I to pipeline_writer', policy.policyname, policy.schemaname, policy.tablename);
  end loop;
end
$$;

revoke select on pipeline.jobs, pipeline.job_runs, pipeline.job_states from svc_dashboard;
revoke execute on function
  pipeline.claim_job(text, date, text, boolean),
  pipeline.declare_job(text, time, smallint[], integer, double precision),
  pipeline.finish_job(text, date, text, text, text),
  pipeline.keep_job(text, date, text),
  pipeline.note_job(text, date, text, integer, integer, text, text),
  pipeline.retire_jobs(text, text[])
from svc_dashboard;
revoke usage on schema pipeline from svc_dashboard;
