-- Commands that change a slice run with the role of the service that owns it (docs/data-model.md). They log in as the
-- database's owner and take that role, so the login that migrates becomes a member of each service's role.

create function pg_temp.change_roles(statement text, still_needed text) returns void
language plpgsql as $$
-- Run a statement on roles, which belong to the server: another database may be migrated at the same moment, and
-- PostgreSQL then reports that a tuple was updated concurrently once that migration has committed.
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
  service text;
  -- From PostgreSQL 16 on, a membership says whether it inherits and whether `set role` is allowed.
  has_options boolean := current_setting('server_version_num')::integer >= 160000;
begin
  if (select rolsuper from pg_roles where rolname = current_user) then
    return;  -- a superuser may take every role
  end if;
  for service in
    select rolname from pg_roles join pg_namespace on nspname = rolname where rolname like 'svc\_%' and rolcanlogin order by 1
  loop
    perform pg_temp.change_roles(
      format('grant %I to %I', service, current_user) || case when has_options then ' with inherit false, set true' else '' end,
      format('select not pg_has_role(current_user, %L, %L)', service, case when has_options then 'set' else 'member' end));
  end loop;
end
$$;

set local role equity_owner;

-- ingest: conflicts are resolved by functions of the owner, because a new owner's lead starts again in every slice
alter function app.resolve_conflict(bigint, text, text, text) security definer;
alter function app.release_lead(uuid) security definer;
grant execute on function app.resolve_conflict(bigint, text, text, text), app.release_lead(uuid) to svc_ingest;
grant select, update (row_sealed) on app.upload_rejects to svc_ingest;

-- recorder: dead letters are replayed; brokers are named in the funnel
grant execute on function
  pipeline.replay_dead_letters(text, timestamptz, timestamptz, bigint[], boolean, boolean, text)
to svc_recorder;
grant insert on pipeline.dlq_replays to svc_recorder;
grant select (id, name) on app.brokers to svc_recorder;

-- pull: searches are saved, enabled and disabled; brokers are named
grant insert, update (enabled) on pipeline.saved_searches to svc_pull;
grant update (sealed) on pipeline.pull_rejects to svc_pull;
grant select (name) on app.brokers to svc_pull;
reset role;
