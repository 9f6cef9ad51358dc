drop function pipeline.drop_inbox_days(integer);
drop function pipeline.make_inbox_days(integer);
do $$
declare
  service text;
begin
  foreach service in array array[
    'gateway', 'ingest', 'recorder', 'skiptrace', 'feeder', 'replies', 'consent', 'voice', 'billing', 'notify', 'dashboard'
  ] loop
    execute format('drop schema %I cascade', 'svc_' || service);
  end loop;
end
$$;
