-- Statements of `equity jobs`. Jobs of all services are in one table, so the owner reads them.

-- name: list_job_runs
-- row: ListedJobRun
-- nullable: :job
select job, local_date, outcome, runs, failures, detail, host, started_at, finished_at, last_success_at
from pipeline.job_runs
where (:job::text is null or job = :job or split_part(job, '.', 1) = :job)
and local_date >= :since
and (not :only_failed or failures > 0 or outcome is distinct from 'ok')
order by local_date desc, started_at desc, job
limit :page_size;
