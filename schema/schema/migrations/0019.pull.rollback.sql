drop table pipeline.pull_rejects, pipeline.pull_days, pipeline.pull_runs, pipeline.saved_searches;
revoke select (id, active) on app.brokers from svc_pull;
drop schema svc_pull cascade;
-- The role belongs to the whole server and stays, as those of 0001 do.
