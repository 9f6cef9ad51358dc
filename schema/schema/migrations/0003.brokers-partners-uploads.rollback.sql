drop function pipeline.finish_job(text, date, text, text);
drop function pipeline.claim_job(text, date, text);
drop table pipeline.job_runs;
drop table app.upload_rejects, app.upload_tallies, app.ingest_replay_guard, app.uploads;
drop type app.upload_state;
drop table app.partner_keys, app.partners, app.territories, app.broker_settings, app.brokers;
