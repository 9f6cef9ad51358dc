drop table pipeline.pull_rejects, pipeline.pull_days, pipeline.pull_runs, pipeline.saved_searches;
