-- Outbox, dead outbox rows and inbox of each service.
set local role equity_owner;

do $$
declare
  service text;
  home text;
begin
  foreach service in array array[
    'gateway', 'ingest', 'recorder', 'skiptrace', 'feeder', 'replies', 'consent', 'voice', 'billing', 'notify', 'dashboard'
  ] loop
    home := 'svc_' || service;
    reset role;
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
      create table %1$I.outbox_dead (
        id bigint primary key,
        topic text not null,
        key bytea,
        headers bytea not null,
        body bytea,
        created_at timestamptz not null,
        reason text not null,
        died_at timestamptz not null default now()
      )$f$, home);
    execute format($f$
      create table %1$I.inbox (
        day date not null,
        consumer text not null,
        event_id uuid not null,
        redrive smallint not null,
        body_hash bigint,
        at timestamptz not null default now(),
        primary key (day, consumer, event_id, redrive)
      ) partition by range (day)$f$, home);
    execute format('create table %1$I.inbox_default partition of %1$I.inbox default', home);
    execute format('grant usage on schema %1$I to %1$I', home);
    execute format('grant select, insert, delete on %1$I.outbox to %1$I', home);
    execute format('grant select, insert on %1$I.outbox_dead, %1$I.inbox to %1$I', home);
  end loop;
end
$$;

create function pipeline.make_inbox_days(ahead integer default 3) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
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

do $$ begin perform pipeline.make_inbox_days(); end $$;
grant execute on function pipeline.make_inbox_days(integer), pipeline.drop_inbox_days(integer) to svc_recorder;
reset role;
