do $$
declare
  service text;
begin
  for service in select rolname from pg_roles where rolname like 'svc\_%' loop
    execute format(
      'alter role %I in database %I set idle_in_transaction_session_timeout = %L', service, current_database(), '30s');
    execute format('alter role %I in database %I reset tcp_user_timeout', service, current_database());
  end loop;
exception
  when insufficient_privilege then
    raise notice 'some role settings need a superuser and were left as they are';
end
$$;

set local role equity_owner;
alter function pipeline.make_inbox_days(integer) reset lock_timeout;
alter function pipeline.drop_inbox_days(integer) reset lock_timeout;
alter function pipeline.make_event_months(integer) reset lock_timeout;
reset role;
