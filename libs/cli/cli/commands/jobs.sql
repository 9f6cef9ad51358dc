-- Statements of `equity jobs`. Jobs of all services are in one table, so the owner reads them.

-- name: list_jobs()
select *
from pipeline.job_states
order by job;

-- name: list_job_runs(job, since, failed, limit)
select job, local_date, outcome, runs, failures, detail, host, started_at, finished_at, last_success_at
from pipeline.job_runs
where (:job::text is null or job = :job or split_part(job, '.', 1) = :job)
and local_date >= :since
and (not :failed or failures > 0 or outcome is distinct from 'ok')
order by local_date desc, started_at desc, job
limit :limit;
