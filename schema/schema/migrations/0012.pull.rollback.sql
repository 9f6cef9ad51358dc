drop table pipeline.pull_rejects, pipeline.pull_days, pipeline.pull_rounds, pipeline.saved_searches;
