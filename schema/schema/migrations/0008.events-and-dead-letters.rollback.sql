drop function pipeline.replay_dead_letters, pipeline.archive_event_months, pipeline.make_event_months;
drop view pipeline.pipeline_dlq_readable, pipeline.funnel;
drop table pipeline.dlq_replays, pipeline.pipeline_dlq, app.pipeline_events;
do $$
declare
  month text;
begin
  for month in select tablename from pg_tables where schemaname = 'pipeline' and tablename ~ '^pipeline_events_[0-9]{6}$' loop
    execute format('drop table pipeline.%I', month);  -- archived
  end loop;
end
$$;
drop type pipeline.dlq_status;
