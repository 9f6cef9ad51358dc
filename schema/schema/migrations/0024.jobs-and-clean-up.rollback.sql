set local role equity_owner;
do $$
declare
  month text;
begin
  -- Attach archived months again.
  for month in
    select relname from pg_class where relnamespace = 'pipeline'::regnamespace and relname ~ '^pipeline_events_[0-9]{6}$' and relkind = 'r'
  loop
    execute format('alter table pipeline.%I set schema app', month);
    execute format('alter table app.pipeline_events attach partition app.%I for values from (%L) to (%L)', month,
      to_char(to_date(right(month, 6), 'YYYYMM'), 'YYYY-MM-DD') || ' 00:00:00+00',
      to_char(to_date(right(month, 6), 'YYYYMM') + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
  end loop;
end
$$;
revoke all on function app.cleanup_old_consent_tokens(interval) from svc_recorder;
drop function pipeline.archive_event_months(integer);
drop function pipeline.forget_dead_outbox_rows(integer);
drop function pipeline.dead_outbox_rows();
drop function pipeline.forget_old_job_runs(integer);
drop function pipeline.forget_old_decisions(integer);
drop index pipeline.contact_decisions_at_idx;
drop view pipeline.job_states;
drop function pipeline.retire_jobs(text, text[]);
drop function pipeline.note_job(text, date, text, integer, integer, text, text);
drop function pipeline.finish_job(text, date, text, text, text);
drop function pipeline.keep_job(text, date, text);
drop function pipeline.claim_job(text, date, text, boolean);
drop function pipeline.owns_job(text);
delete from pipeline.job_runs r using pipeline.jobs j where j.job = r.job and j.every_seconds is not null;
alter table pipeline.job_runs drop column alive_at, drop column runs, drop column failures, drop column last_success_at;
alter table pipeline.jobs drop column known_since;

create function pipeline.claim_job(of_job text, on_date date, by_host text) returns boolean
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Return true for one caller per job and date. Return true again if that run failed a minute ago, or did not finish within
  -- an hour.
  with claimed as (
    insert into job_runs (job, local_date, host)
    select of_job, on_date, by_host
    where split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
    on conflict (job, local_date) do update
    set host = by_host, started_at = now(), finished_at = null, outcome = null, detail = null
    where (job_runs.finished_at is null and job_runs.started_at < now() - interval '1 hour')
       or (job_runs.outcome = 'failed' and job_runs.finished_at < now() - interval '1 minute')
    returning 1
  )
  select exists (select from claimed)
$$;

create function pipeline.finish_job(of_job text, on_date date, with_outcome text, with_detail text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  update job_runs
  set finished_at = now(), outcome = with_outcome, detail = with_detail
  where job = of_job
  and local_date = on_date
  and (split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member'))
$$;

create function pipeline.start_job(of_job text, on_date date, by_host text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Record a manual run, whether or not the job already ran that day.
  insert into job_runs (job, local_date, host)
  select of_job, on_date, by_host
  where split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
  on conflict (job, local_date) do update
  set host = by_host, started_at = now(), finished_at = null, outcome = null, detail = null
$$;

revoke all on function
  pipeline.claim_job(text, date, text), pipeline.finish_job(text, date, text, text), pipeline.start_job(text, date, text)
from public;
grant execute on function
  pipeline.claim_job(text, date, text), pipeline.finish_job(text, date, text, text), pipeline.start_job(text, date, text)
to pipeline_writer;
reset role;
