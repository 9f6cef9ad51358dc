-- Event history and dead letters.
set local role equity_owner;

create table app.pipeline_events (
  event_id uuid not null,
  event_type text not null,
  lead_id uuid,
  broker_id uuid,
  correlation_id text,
  causation_id text,
  source text,
  outcome text,
  duration_ms integer,
  lead_version bigint,
  occurred_at timestamptz not null,
  created_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  payload jsonb,
  payload_hash bytea,
  primary key (event_id, created_at)
) partition by range (created_at);
comment on table app.pipeline_events is 'an event of the bus, written by the recorder; partitioned by month';
comment on column app.pipeline_events.created_at is
  'ce_time of the event, so that a repeated delivery has the same primary key; recorded_at is the time of the insert';
create index pipeline_events_type_idx on app.pipeline_events (event_type, created_at desc);
create index pipeline_events_lead_idx on app.pipeline_events (lead_id, created_at desc) where lead_id is not null;
create index pipeline_events_correlation_idx on app.pipeline_events (correlation_id) where correlation_id is not null;
create table app.pipeline_events_default partition of app.pipeline_events default;

create function pipeline.make_event_months(ahead integer default 3) returns integer
language plpgsql security definer set search_path = pg_catalog, app, pg_temp set lock_timeout = '2s' as $$
-- Create the partitions of pipeline_events from last month to `ahead` months from now. Return the number of new partitions.
declare
  month date;
  name text;
  made integer := 0;
begin
  for month in
    select generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month',
      date_trunc('month', now() at time zone 'UTC') + make_interval(months => ahead), interval '1 month')::date
  loop
    name := 'pipeline_events_' || to_char(month, 'YYYYMM');
    if to_regclass('app.' || name) is null then
      begin
        execute format('create table app.%I partition of app.pipeline_events for values from (%L) to (%L)', name,
          month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
        execute format('alter table app.%I enable row level security', name);
        execute format('alter table app.%I force row level security', name);
        made := made + 1;
      exception when check_violation then
        raise warning 'events of % lie in the default partition already; they stay there', to_char(month, 'YYYY-MM');
      end;
    end if;
  end loop;
  return made;
end
$$;

create function pipeline.archive_event_months(older_than_months integer) returns setof text
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '2s' as $$
-- Detach months of events that are older than the given number of months (at least three) from pipeline_events. They move
-- whole to `pipeline`, where only the owner reads them. Return the moved months.
declare
  month text;
  first_kept text := to_char(
    (now() at time zone 'UTC') - make_interval(months => greatest(older_than_months, 3)), '"pipeline_events_"YYYYMM');
begin
  for month in
    select c.relname
    from pg_inherits i
    join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'app.pipeline_events'::regclass
    and c.relname ~ '^pipeline_events_[0-9]{6}$'
    and c.relname < first_kept
    order by 1
  loop
    execute format('alter table app.pipeline_events detach partition app.%I', month);
    execute format('alter table app.%I set schema pipeline', month);
    return next month;
  end loop;
end
$$;

do $$ begin perform pipeline.make_event_months(); end $$;

create view pipeline.funnel with (security_barrier) as
select event_type, count(*) as count, avg(duration_ms) as avg_duration_ms, max(created_at) as last_at
from app.pipeline_events
where created_at > now() - interval '24 hours'
group by event_type;
comment on view pipeline.funnel is 'number and mean duration of the events of the last 24 hours, by type';

create type pipeline.dlq_status as enum ('open', 'retrying', 'resolved', 'parked');

create table pipeline.pipeline_dlq (
  id bigint generated always as identity primary key,
  source text not null,
  payload bytea,
  reason text,
  detail text,
  retry_after timestamptz,
  created_at timestamptz not null default now(),
  status pipeline.dlq_status not null default 'open',
  consumer text not null,
  event_id uuid not null,
  replay_number integer not null default 0,
  failure_kind text,
  exception_type text,
  attempts integer not null default 1,
  origin_partition integer,
  origin_offset bigint,
  origin_timestamp timestamptz,
  service_version text,
  causation_id text,
  traceparent text,
  first_failed_at timestamptz,
  last_failed_at timestamptz,
  resolved_at timestamptz,
  unique (consumer, event_id)
);
comment on table pipeline.pipeline_dlq is 'a message that one consumer could not process (dead letter), written by the recorder';
comment on column pipeline.pipeline_dlq.payload is
  'key, headers and value of the message, encrypted; `equity dlq show ID --reveal` shows them';
create index pipeline_dlq_due_idx on pipeline.pipeline_dlq (retry_after) where status = 'open' and retry_after is not null;
create index pipeline_dlq_open_idx on pipeline.pipeline_dlq (status, created_at);

create view pipeline.pipeline_dlq_readable as
select id, status, source, consumer, reason, detail, failure_kind, attempts, replay_number, retry_after, created_at, last_failed_at,
  event_id, length(payload) as payload_bytes
from pipeline.pipeline_dlq;
comment on view pipeline.pipeline_dlq_readable is 'dead letters without their messages';

create table pipeline.dlq_replays (
  id bigint generated always as identity primary key,
  requested_by text not null,
  requested_at timestamptz not null default now(),
  filter jsonb not null,
  dry_run boolean not null,
  matched integer not null
);
comment on table pipeline.dlq_replays is 'a request to replay dead letters, written by replay_dead_letters()';

create function pipeline.replay_dead_letters(
  for_consumer text, since timestamptz, until timestamptz, only_ids bigint[], include_parked boolean, dry_run boolean,
  requested_by text
) returns table (id bigint, consumer text, reason text, status pipeline.dlq_status, created_at timestamptz)
language plpgsql set search_path = pg_catalog, pipeline, pg_temp as $$
-- Request the replay of dead letters to their consumer; with dry_run only list them. `until` is the cut-off: later dead
-- letters stay. Parked ones are included if named by id or requested. Every call leaves a row in dlq_replays.
#variable_conflict use_column
declare
  chosen bigint[];
begin
  select coalesce(array_agg(d.id), '{}')
  into chosen
  from (
    select d.id
    from pipeline_dlq d
    where (d.status = 'open' or (d.status = 'parked' and (include_parked or d.id = any (only_ids))))
    and d.payload is not null
    and (for_consumer is null or d.consumer = for_consumer)
    and (since is null or d.created_at >= since)
    and (until is null or d.created_at < until)
    and (only_ids is null or d.id = any (only_ids))
    order by d.id
    for update
  ) d;
  insert into dlq_replays (requested_by, filter, dry_run, matched)
  values (
    requested_by,
    jsonb_build_object('consumer', for_consumer, 'since', since, 'until', until, 'ids', only_ids, 'parked', include_parked),
    dry_run,
    cardinality(chosen)
  );
  if not dry_run then
    update pipeline_dlq d set status = 'open', retry_after = now() where d.id = any (chosen);
  end if;
  return query
  select d.id, d.consumer, d.reason, d.status, d.created_at from pipeline_dlq d where d.id = any (chosen) order by d.id;
end
$$;

grant select, insert on app.pipeline_events to svc_recorder;
grant select on app.pipeline_events to authenticated;
grant select, insert, update on pipeline.pipeline_dlq to svc_recorder;
grant select, insert on pipeline.dlq_replays to svc_recorder;
grant select on pipeline.funnel, pipeline.pipeline_dlq_readable to svc_recorder;
grant execute on function pipeline.make_event_months, pipeline.archive_event_months, pipeline.replay_dead_letters to svc_recorder;
reset role;
