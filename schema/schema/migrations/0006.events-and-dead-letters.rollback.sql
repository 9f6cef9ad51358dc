drop function pipeline.replay_dead_letters(text, timestamptz, timestamptz, bigint[], boolean, boolean, text);
drop table pipeline.dlq_replays;
drop view pipeline.pipeline_dlq_readable;
drop table pipeline.pipeline_dlq;
drop type pipeline.dlq_status;
drop view pipeline.funnel;
drop function pipeline.make_event_months(integer);
drop table app.pipeline_events;
