-- Jobs of the services: each run leaves a row, and another process takes over a run whose process died.
set local role equity_owner;

create table pipeline.jobs (
  job text primary key,
  local_time time,
  weekdays smallint[],
  window_minutes integer,
  every_seconds double precision,
  declared_at timestamptz not null default now(),
  known_since timestamptz not null default now()
);
comment on table pipeline.jobs is 'jobs that services declare: at a local time of Los Angeles, or at an interval';
comment on column pipeline.jobs.known_since is 'first declaration of the job; no run was due before';

create table pipeline.job_runs (
  job text not null,
  local_date date not null,
  host text,
  started_at timestamptz not null default now(),
  alive_at timestamptz not null default now(),
  finished_at timestamptz,
  outcome text,
  detail text,
  runs integer not null default 1,
  failures integer not null default 0,
  last_success_at timestamptz,
  primary key (job, local_date)
);
comment on table pipeline.job_runs is
  'one row per job and local date: the run of a daily job, or the sum of the day of a repeated job';
comment on column pipeline.job_runs.host is 'process that ran the job last: its host and a unique name';
comment on column pipeline.job_runs.alive_at is
  'last heartbeat of a daily job that runs; another process takes it over after a minute without one';
comment on column pipeline.job_runs.failures is 'runs of the day that failed or whose process died';

create function pipeline.owns_job(of_job text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
$$;

create function pipeline.declare_job(
  of_job text, at_time time, on_weekdays smallint[], for_minutes integer, every double precision
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into jobs (job, local_time, weekdays, window_minutes, every_seconds)
  select of_job, at_time, on_weekdays, for_minutes, every
  where owns_job(of_job)
  on conflict (job) do update
  set local_time = excluded.local_time, weekdays = excluded.weekdays, window_minutes = excluded.window_minutes,
    every_seconds = excluded.every_seconds, declared_at = now()
$$;

create function pipeline.retire_jobs(of_service text, but text[]) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Remove jobs that a service no longer has, so that they do not count as overdue. Their history stays in job_runs.
  delete from jobs where split_part(job, '.', 1) = of_service and not job = any (but) and owns_job(job)
$$;

create function pipeline.claim_job(of_job text, on_date date, by_host text, is_manual boolean default false) returns boolean
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Return true for one caller per job and date. Return true again 1, 2, 4, … 30 minutes after a failure; after a minute
  -- without a heartbeat of the process; and for a manual run whenever the job does not run.
  with claimed as (
    insert into job_runs as r (job, local_date, host)
    select of_job, on_date, by_host
    where owns_job(of_job)
    on conflict (job, local_date) do update
    set host = by_host, started_at = now(), alive_at = now(), finished_at = null, outcome = null, runs = r.runs + 1,
      failures = r.failures + (r.finished_at is null)::integer
    where case
      when r.finished_at is null then r.alive_at < now() - interval '1 minute'
      when is_manual then true
      else r.outcome = 'failed'
        and r.finished_at < now() - least(interval '30 minutes', interval '1 minute' * 2 ^ least(greatest(r.failures - 1, 0), 9))
    end
    returning 1
  )
  select exists (select from claimed)
$$;

create function pipeline.send_job_heartbeat(of_job text, on_date date, by_host text) returns boolean
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Record a heartbeat of a daily job. Return false if another process runs the job now.
  with kept as (
    update job_runs
    set alive_at = now()
    where job = of_job and local_date = on_date and host = by_host and finished_at is null and owns_job(of_job)
    returning 1
  )
  select exists (select from kept)
$$;

create function pipeline.finish_job(
  of_job text, on_date date, with_outcome text, with_detail text, by_host text default null
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Record the end of a daily job. Does nothing if another process took the job over.
  update job_runs
  set finished_at = now(), outcome = with_outcome, detail = with_detail,
    failures = failures + (with_outcome <> 'ok')::integer,
    last_success_at = case when with_outcome = 'ok' then now() else last_success_at end
  where job = of_job
  and local_date = on_date
  and (by_host is null or (host = by_host and finished_at is null))
  and owns_job(of_job)
$$;

create function pipeline.record_job_runs(
  of_job text, on_date date, by_host text, of_runs integer, of_failures integer, with_outcome text, with_detail text
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Record the runs of a repeated job since the last call, and the result of the last one.
  insert into job_runs as r (job, local_date, host, finished_at, outcome, detail, runs, failures, last_success_at)
  select of_job, on_date, by_host, now(), with_outcome, with_detail, of_runs, of_failures,
    case when of_runs > of_failures then now() end
  where owns_job(of_job)
  on conflict (job, local_date) do update
  set host = excluded.host, finished_at = excluded.finished_at, alive_at = now(), outcome = excluded.outcome,
    detail = coalesce(nullif(excluded.detail, ''), r.detail), runs = r.runs + excluded.runs,
    failures = r.failures + excluded.failures, last_success_at = coalesce(excluded.last_success_at, r.last_success_at)
$$;
comment on function pipeline.record_job_runs is 'detail: text of the last failure of the day';

create function pipeline.delete_old_job_runs(older_than_days integer) returns integer
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  with deleted as (
    delete from job_runs where local_date < current_date - greatest(older_than_days, 31) returning 1
  )
  select count(*)::integer from deleted
$$;

-- The state of a repeated job is that of its latest heartbeat, whatever its date. A clock that was moved (ADR 15) and set
-- back leaves rows of future days, which no process updates any more.
create or replace view pipeline.job_states as
select
  j.job, j.local_time, j.weekdays, j.window_minutes, j.every_seconds, j.known_since,
  r.local_date, r.host, r.started_at, r.finished_at, r.outcome, r.detail, r.runs, r.failures,
  (select max(s.last_success_at) from pipeline.job_runs s where s.job = j.job) as last_success_at,
  extract(epoch from now() - coalesce(r.finished_at, r.alive_at, j.known_since))::double precision as silent_seconds
from pipeline.jobs j
left join lateral (
  select *
  from pipeline.job_runs r
  where r.job = j.job
  order by case when j.every_seconds is not null then coalesce(r.finished_at, r.alive_at) end desc, r.local_date desc
  limit 1
) r on true;
comment on view pipeline.job_states is
  'each declared job with its latest row, by date for a daily job and by heartbeat for a repeated one; silent_seconds: since the end or the last heartbeat';

create function app.run_with_lock(job_key bigint, job_sql text) returns boolean
language plpgsql set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Run a statement unless another session runs one under the same key. Return whether it ran. Runs with the rights of the
-- caller.
begin
  if not pg_try_advisory_xact_lock(job_key) then
    return false;
  end if;
  execute job_sql;
  return true;
end
$$;

grant select on pipeline.jobs, pipeline.job_runs, pipeline.job_states to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify, svc_dashboard;
grant execute on function
  pipeline.declare_job, pipeline.retire_jobs, pipeline.claim_job, pipeline.send_job_heartbeat, pipeline.finish_job, pipeline.record_job_runs
to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify, svc_dashboard;
grant execute on function app.run_with_lock to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;
grant execute on function pipeline.delete_old_job_runs to svc_recorder;
reset role;
