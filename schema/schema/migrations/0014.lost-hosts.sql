-- A host that is lost without a word lets go of its locks within 30 seconds, whatever its connection was about, and work on
-- partitions never holds up consumers behind somebody's long transaction.
do $$
declare
  service text;
begin
  for service in select rolname from pg_roles where rolname like 'svc\_%' loop
    -- Idle in a transaction: longer than a relay waits for Kafka (15 s).
    execute format(
      'alter role %I in database %I set idle_in_transaction_session_timeout = %L', service, current_database(), '20s');
    -- In the middle of an answer that nobody takes, where neither keepalives nor the other limits help.
    execute format('alter role %I in database %I set tcp_user_timeout = %L', service, current_database(), '15s');
  end loop;
exception
  when insufficient_privilege then
    raise notice 'some role settings need a superuser and were left as they are';
end
$$;

set local role equity_owner;
-- Partitions come and go under an exclusive lock; while it is waited for, everybody queues behind it. The jobs come again.
alter function pipeline.make_inbox_days(integer) set lock_timeout = '2s';
alter function pipeline.drop_inbox_days(integer) set lock_timeout = '2s';
alter function pipeline.make_event_months(integer) set lock_timeout = '2s';
reset role;
