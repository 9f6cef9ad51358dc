-- Outbox, rejected outbox rows and inbox of each service.
create function provisioning.create_service_queues(home text) returns void
language plpgsql as $$
-- Create the schema of a service with its outbox and inbox. Only the service may use them. Its login has the schema's name.
begin
  execute format('create schema %I authorization equity_owner', home);
  set local role equity_owner;
  execute format($f$
    create table %1$I.outbox (
      id bigint generated always as identity (cache 1) primary key,
      topic text not null,
      key bytea,
      headers bytea not null,
      body bytea,
      created_at timestamptz not null default now()
    ) with (
      fillfactor = 100,
      autovacuum_vacuum_scale_factor = 0.0,
      autovacuum_vacuum_threshold = 5000,
      autovacuum_vacuum_cost_delay = 0
    )$f$, home);
  execute format($f$
    create table %1$I.outbox_rejected (
      id bigint primary key,
      topic text not null,
      key bytea,
      headers bytea not null,
      body bytea,
      created_at timestamptz not null,
      reason text not null,
      rejected_at timestamptz not null default now()
    )$f$, home);
  execute format($f$
    create table %1$I.inbox (
      day date not null,
      consumer text not null,
      event_id uuid not null,
      replay_number smallint not null,
      body_hash bigint,
      at timestamptz not null default now(),
      primary key (day, consumer, event_id, replay_number)
    ) partition by range (day)$f$, home);
  execute format('create table %1$I.inbox_default partition of %1$I.inbox default', home);
  execute format($f$
    comment on table %1$I.outbox is 'an event that is committed and not yet in Kafka; the relay publishes and deletes it';
    comment on table %1$I.outbox_rejected is 'an event that Kafka rejected for good, moved here by the relay';
    comment on table %1$I.inbox is 'a message that a consumer has handled, so that a repeat has no effect; partitioned by day'
    $f$, home);
  execute format('grant usage on schema %1$I to %1$I', home);
  execute format('grant select, insert, delete on %1$I.outbox to %1$I', home);
  execute format('grant select, insert on %1$I.outbox_rejected, %1$I.inbox to %1$I', home);
  reset role;
end
$$;

do $$
declare
  home text;
begin
  foreach home in array array[
    'svc_gateway', 'svc_ingest', 'svc_recorder', 'svc_skiptrace', 'svc_feeder', 'svc_pull', 'svc_replies', 'svc_consent',
    'svc_voice', 'svc_billing', 'svc_notify', 'svc_dashboard'
  ] loop
    perform provisioning.create_service_queues(home);
  end loop;
end
$$;

set local role equity_owner;

-- Creating and dropping a partition takes an exclusive lock. All other queries queue behind a session that waits for it. So
-- these functions wait two seconds at most, and the jobs run again later.
create function pipeline.make_inbox_days(ahead integer default 3) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
-- Create the partitions of every inbox from yesterday to `ahead` days from now. Return the number of new partitions.
declare
  home text;
  on_day date;
  made integer := 0;
begin
  for home in select nspname from pg_namespace where nspname like 'svc\_%' order by 1 loop
    for on_day in select generate_series(current_date - 1, current_date + ahead, interval '1 day')::date loop
      if to_regclass(format('%I.%I', home, 'inbox_' || to_char(on_day, 'YYYYMMDD'))) is null then
        execute format(
          'create table %I.%I partition of %I.inbox for values from (%L) to (%L)',
          home, 'inbox_' || to_char(on_day, 'YYYYMMDD'), home, on_day, on_day + 1);
        made := made + 1;
      end if;
    end loop;
  end loop;
  return made;
end
$$;

create function pipeline.drop_inbox_days(older_than_days integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
-- Drop the inbox partitions that are older than the given number of days. Return the number of dropped partitions.
declare
  partition record;
  dropped integer := 0;
  limit_day date := current_date - greatest(older_than_days, 8);
begin
  for partition in
    select n.nspname as home, c.relname as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    where n.nspname like 'svc\_%' and c.relname ~ '^inbox_[0-9]{8}$'
  loop
    if to_date(right(partition.name, 8), 'YYYYMMDD') < limit_day then
      execute format('drop table %I.%I', partition.home, partition.name);
      dropped := dropped + 1;
    end if;
  end loop;
  for partition in select nspname as home from pg_namespace where nspname like 'svc\_%' loop
    execute format('delete from %I.inbox_default where day < %L', partition.home, limit_day);
  end loop;
  return dropped;
end
$$;

create function pipeline.rejected_outbox_rows() returns table (service text, waiting bigint, oldest_seconds double precision)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
-- Return the number of events that Kafka rejected permanently, by service. Services without any are omitted.
#variable_conflict use_column
declare
  home text;
begin
  for home in select nspname from pg_namespace where nspname like 'svc\_%' order by 1 loop
    return query execute format(
      'select %L, count(*), extract(epoch from now() - min(rejected_at))::double precision from %I.outbox_rejected having count(*) > 0',
      substr(home, 5), home);
  end loop;
end
$$;

create function pipeline.delete_rejected_outbox_rows(older_than_days integer) returns table (service text, deleted bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
-- These rows contain personal data, so they are deleted, after at least 30 days.
#variable_conflict use_column
declare
  home text;
begin
  for home in select nspname from pg_namespace where nspname like 'svc\_%' order by 1 loop
    return query execute format(
      'with deleted as (delete from %I.outbox_rejected where rejected_at < now() - make_interval(days => %s) returning 1)
       select %L, count(*) from deleted having count(*) > 0',
      home, greatest(older_than_days, 30), substr(home, 5));
  end loop;
end
$$;

grant execute on function
  pipeline.make_inbox_days, pipeline.drop_inbox_days, pipeline.rejected_outbox_rows, pipeline.delete_rejected_outbox_rows
to svc_recorder;

do $$ begin perform pipeline.make_inbox_days(); end $$;
reset role;
