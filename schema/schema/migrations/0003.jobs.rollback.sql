drop function app.run_with_lock;
drop view pipeline.job_states;
drop function
  pipeline.claim_job, pipeline.declare_job, pipeline.finish_job, pipeline.forget_old_job_runs, pipeline.keep_job, pipeline.note_job,
  pipeline.retire_jobs, pipeline.owns_job;
drop table pipeline.job_runs, pipeline.jobs;
