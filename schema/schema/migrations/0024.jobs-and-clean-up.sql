-- Jobs: each run leaves rows, another process takes over a dead run, and old data is deleted. Evidence stays.
set local role equity_owner;

alter table pipeline.jobs add column known_since timestamptz not null default now();
comment on column pipeline.jobs.known_since is 'when the job was first declared: nothing was missed before';
delete from pipeline.jobs where job in ('gateway.forget_old_content', 'recorder.drop_old', 'skiptrace.purge_answers');

alter table pipeline.job_runs
  add column alive_at timestamptz not null default now(),
  add column runs integer not null default 1,
  add column failures integer not null default 0,
  add column last_success_at timestamptz;
update pipeline.job_runs set last_success_at = finished_at where outcome = 'ok';
comment on table pipeline.job_runs is 'one row a job and local date: of a daily job its run, of a repeated one the sum of the day';
comment on column pipeline.job_runs.host is 'which process ran it last: its host, and a name of its own';
comment on column pipeline.job_runs.alive_at is 'sign of life of a daily job that runs: after a minute without one it is taken over';
comment on column pipeline.job_runs.failures is 'runs of the day that failed, or whose process died';

create function pipeline.owns_job(of_job text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
$$;

drop function pipeline.claim_job(text, date, text);
drop function pipeline.start_job(text, date, text);
create function pipeline.claim_job(of_job text, on_date date, by_host text, by_hand boolean default false) returns boolean
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
      when by_hand then true
      else r.outcome = 'failed'
        and r.finished_at < now() - least(interval '30 minutes', interval '1 minute' * 2 ^ least(greatest(r.failures - 1, 0), 9))
    end
    returning 1
  )
  select exists (select from claimed)
$$;

create function pipeline.keep_job(of_job text, on_date date, by_host text) returns boolean
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

drop function pipeline.finish_job(text, date, text, text);
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

create function pipeline.note_job(
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
comment on function pipeline.note_job is 'detail: of the last failure of the day';

create function pipeline.retire_jobs(of_service text, but text[]) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Remove jobs that a service no longer has, so that they do not count as overdue. Their history stays in job_runs.
  delete from jobs where split_part(job, '.', 1) = of_service and not job = any (but) and owns_job(job)
$$;

create view pipeline.job_states as
select
  j.job, j.local_time, j.weekdays, j.window_minutes, j.every_seconds, j.known_since,
  r.local_date, r.host, r.started_at, r.finished_at, r.outcome, r.detail, r.runs, r.failures,
  (select max(s.last_success_at) from pipeline.job_runs s where s.job = j.job) as last_success_at,
  extract(epoch from now() - coalesce(r.finished_at, r.alive_at, j.known_since))::double precision as silent_seconds
from pipeline.jobs j
left join lateral (
  select * from pipeline.job_runs r where r.job = j.job order by r.local_date desc limit 1
) r on true;
comment on view pipeline.job_states is 'each declared job with its latest row; silent_seconds: since it ended, or gave a sign of life';

-- Deletion of old data. Each function returns what it deleted. Data that the law or an operator may ask for outlives any
-- setting.
create index contact_decisions_at_idx on pipeline.contact_decisions using brin (at);

create function pipeline.forget_old_decisions(most integer) returns integer
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Keep decisions until five years after the last decision about the lead (16 CFR 310.5). Delete a limited number per call.
  with gone as (
    delete from contact_decisions
    where id in (
      select d.id
      from contact_decisions d
      where d.at < now() - interval '5 years'
      and not exists (
        select from contact_decisions later where later.lead_id = d.lead_id and later.at >= now() - interval '5 years'
      )
      limit most
    )
    returning 1
  )
  select count(*)::integer from gone
$$;

create function pipeline.forget_old_job_runs(older_than_days integer) returns integer
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  with gone as (
    delete from job_runs where local_date < current_date - greatest(older_than_days, 31) returning 1
  )
  select count(*)::integer from gone
$$;

create function pipeline.dead_outbox_rows() returns table (service text, waiting bigint, oldest_seconds double precision)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
-- Return the number of events that Kafka rejected permanently, by service. Services without any are omitted.
#variable_conflict use_column
declare
  home text;
begin
  for home in select nspname from pg_namespace where nspname like 'svc\_%' order by 1 loop
    return query execute format(
      'select %L, count(*), extract(epoch from now() - min(died_at))::double precision from %I.outbox_dead having count(*) > 0',
      substr(home, 5), home);
  end loop;
end
$$;

create function pipeline.forget_dead_outbox_rows(older_than_days integer) returns table (service text, gone bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
-- These rows contain personal data, so they are deleted, after at least 30 days.
#variable_conflict use_column
declare
  home text;
begin
  for home in select nspname from pg_namespace where nspname like 'svc\_%' order by 1 loop
    return query execute format(
      'with gone as (delete from %I.outbox_dead where died_at < now() - make_interval(days => %s) returning 1)
       select %L, count(*) from gone having count(*) > 0',
      home, greatest(older_than_days, 30), substr(home, 5));
  end loop;
end
$$;

create function pipeline.archive_event_months(older_than_months integer) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
-- Detach months of events that are older than the given number of months (at least three) from pipeline_events. They move
-- whole to `pipeline`, where only the owner reads them. Return the moved months.
declare
  month text;
  first_kept text := to_char(
    (now() at time zone 'UTC') - make_interval(months => greatest(older_than_months, 3)), '"pipeline_events_"YYYYMM');
begin
  for month in
    select c.relname
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'app.pipeline_events'::regclass
    and c.relname ~ '^pipeline_events_[0-9]{6}$'
    and c.relname < first_kept
    order by 1
  loop
    execute format('alter table app.pipeline_events detach partition app.%I', month);
    execute format('alter table app.%I set schema pipeline', month);
    return next month;
  end loop;
end
$$;

revoke all on function
  pipeline.owns_job(text), pipeline.claim_job(text, date, text, boolean), pipeline.keep_job(text, date, text),
  pipeline.finish_job(text, date, text, text, text),
  pipeline.note_job(text, date, text, integer, integer, text, text), pipeline.retire_jobs(text, text[]),
  pipeline.forget_old_decisions(integer), pipeline.forget_old_job_runs(integer), pipeline.dead_outbox_rows(),
  pipeline.forget_dead_outbox_rows(integer), pipeline.archive_event_months(integer)
from public;
grant execute on function
  pipeline.claim_job(text, date, text, boolean), pipeline.keep_job(text, date, text),
  pipeline.finish_job(text, date, text, text, text),
  pipeline.note_job(text, date, text, integer, integer, text, text), pipeline.retire_jobs(text, text[])
to pipeline_writer;
grant select on pipeline.job_states to pipeline_writer;
grant execute on function
  pipeline.forget_old_decisions(integer), pipeline.forget_old_job_runs(integer), pipeline.dead_outbox_rows(),
  pipeline.forget_dead_outbox_rows(integer), pipeline.archive_event_months(integer),
  app.cleanup_old_consent_tokens(interval)
to svc_recorder;
reset role;
