-- The locks of a lost host are released within 30 seconds, whatever its connection was doing. Work on partitions never
-- blocks consumers behind a long transaction.
do $$
declare
  service text;
begin
  for service in select rolname from pg_roles where rolname like 'svc\_%' loop
    -- Idle in a transaction: longer than a relay waits for Kafka (15 s).
    execute format(
      'alter role %I in database %I set idle_in_transaction_session_timeout = %L', service, current_database(), '20s');
    -- While PostgreSQL sends a result that the client does not read, neither keepalives nor the other limits help.
    execute format('alter role %I in database %I set tcp_user_timeout = %L', service, current_database(), '15s');
  end loop;
exception
  when insufficient_privilege then
    raise notice 'some role settings need a superuser and were left as they are';
end
$$;

set local role equity_owner;
-- Creating and dropping a partition takes an exclusive lock. All other queries queue behind a session that waits for it. The
-- jobs run again later.
alter function pipeline.make_inbox_days(integer) set lock_timeout = '2s';
alter function pipeline.drop_inbox_days(integer) set lock_timeout = '2s';
alter function pipeline.make_event_months(integer) set lock_timeout = '2s';
reset role;
