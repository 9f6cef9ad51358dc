drop function app.run_with_lock;
drop view pipeline.job_states;
drop function
  pipeline.claim_job, pipeline.declare_job, pipeline.finish_job, pipeline.delete_old_job_runs, pipeline.send_job_heartbeat,
  pipeline.record_job_runs, pipeline.retire_jobs, pipeline.owns_job;
drop table pipeline.job_runs, pipeline.jobs;
