-- The state of a repeated job is that of its latest heartbeat, whatever its date. A clock that was moved (ADR 15) and set
-- back leaves rows of future days, which no process updates any more.
set local role equity_owner;

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
  'each declared job with its latest row, of a repeated one the one written last; silent_seconds: since it ended, or gave a sign of life';
reset role;
