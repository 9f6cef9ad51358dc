-- Statements of the jobs of every service. The command line reads the states as the owner.
-- role: gateway, ingest, recorder, skiptrace, feeder, pull

-- name: declare_job!
-- nullable: :local_time, :weekdays, :window_minutes, :every_seconds
select pipeline.declare_job(:job, :local_time, :weekdays, :window_minutes, :every_seconds);

-- name: retire_jobs!
-- Remove the jobs of a service that are not among *jobs*.
select pipeline.retire_jobs(:service, :jobs);

-- name: list_job_states
-- List the jobs of a service, or for null of all, each with its latest run.
-- row: JobState
-- role: owner, gateway, ingest, recorder, skiptrace, feeder, pull
-- nullable: :service
-- not null: job, weekdays[], known_since, silent_seconds
select
  job, local_time, weekdays, window_minutes, every_seconds, known_since, local_date, host, started_at, finished_at, outcome,
  detail, runs, failures, last_success_at, silent_seconds
from pipeline.job_states
where :service::text is null or split_part(job, '.', 1) = :service
order by job;

-- name: claim_job$
-- always a value
select pipeline.claim_job(:job, :local_date, :holder, :is_manual);

-- name: find_job_run^
-- row: JobRun
select host, started_at
from pipeline.job_runs
where job = :job
and local_date = :local_date;

-- name: send_job_heartbeat$
-- Record a heartbeat of a daily job, and return whether the holder still runs it.
-- always a value
select pipeline.send_job_heartbeat(:job, :local_date, :holder);

-- name: finish_job!
select pipeline.finish_job(:job, :local_date, :outcome, :detail, :holder);

-- name: record_job_runs!
select pipeline.record_job_runs(:job, :local_date, :holder, :runs, :failures, :outcome, :detail);
