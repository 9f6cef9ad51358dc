-- Statements of the recorder's commands, run with its role.
-- json: decoded

-- name: count_events_by_type
-- Count events, leads and outcomes by type of event. The events of an upload are those that name it, and those of its leads that
-- name no upload, such as the events of a feed.
-- row: EventCount
-- nullable: :upload_id, :broker_id
-- not null: event_type, count, leads, outcomes
with found as (
  select event_type, outcome, lead_id, broker_id, duration_ms, created_at
  from app.pipeline_events
  where :upload_id::text is null or correlation_id = :upload_id
  union all
  select event_type, outcome, lead_id, broker_id, duration_ms, created_at
  from app.pipeline_events
  where correlation_id is null
  and lead_id in (select u.lead_id from app.pipeline_events u where u.correlation_id = :upload_id)
),
counted as (
  select
    event_type, outcome,
    grouping(outcome) = 1 as whole,
    count(*) as count,
    count(distinct lead_id) as leads,
    avg(duration_ms)::float8 as avg_duration_ms
  from found
  where created_at > :after
  and (:broker_id::uuid is null or broker_id = :broker_id)
  group by grouping sets ((event_type), (event_type, outcome))
)
select
  event_type, count, leads, avg_duration_ms,
  (
    select coalesce(jsonb_object_agg(o.outcome, o.count), '{}')
    from counted o
    where o.event_type = w.event_type and not o.whole and o.outcome is not null
  ) as outcomes
from counted w
where whole
order by count desc;

-- name: list_dead_letters
-- List dead letters, the newest first. Without a status: those that are open or being replayed.
-- row: ListedDeadLetter
-- nullable: :status, :consumer
select id, status, consumer, source, reason, failure_kind, attempts, replay_number, retry_after, last_failed_at
from pipeline.pipeline_dlq
where (:status::text is null and status in ('open', 'retrying') or status::text = :status)
and (:consumer::text is null or consumer = :consumer)
order by id desc
limit :page_size;

-- name: count_dead_letters
-- row: StatusCount
-- not null: count
select status, count(*) as count
from pipeline.pipeline_dlq
group by 1
order by 1;

-- name: park_dead_letters
-- Park open dead letters, and return their ids.
update pipeline.pipeline_dlq
set status = 'parked', retry_after = null
where id = any (:dead_letter_ids)
and status = 'open'
returning id;

-- name: show_dead_letter^
-- Return all that is known of a dead letter.
-- row: DeadLetterDetails
select
  id, source, payload, reason, detail, retry_after, created_at, status, consumer, event_id, replay_number,
  failure_kind, exception_type, attempts, origin_partition, origin_offset, origin_timestamp, service_version, causation_id,
  traceparent, first_failed_at, last_failed_at, resolved_at
from pipeline.pipeline_dlq
where id = :dead_letter_id;

-- name: replay_dead_letters
-- Make dead letters due for a replay now, or with `dry_run` only list them.
-- row: ReplayedDeadLetter
-- nullable: :consumer, :since, :until, :dead_letter_ids
-- not null: id, consumer, status, created_at
-- type: id DeadLetterId
select id, consumer, reason, status, created_at
from pipeline.replay_dead_letters(
  :consumer, :since, :until, :dead_letter_ids::bigint[], :include_parked, :dry_run, :requested_by
);

-- name: find_outdated_dead_letters
-- Lock the next dead letters that are encrypted under another key than this.
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
-- row: OutdatedDeadLetter
-- not null: encrypted
select id, event_id, payload as encrypted
from pipeline.pipeline_dlq
where payload is not null
and substring(payload from 3 for get_byte(payload, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :page_size
for update;

-- name: save_dead_letters!
update pipeline.pipeline_dlq d
set payload = s.encrypted
from unnest(:dead_letter_ids::bigint[], :encrypted::bytea[]) as s (id, encrypted)
where d.id = s.id;

-- name: lock_dead_letters
-- Lock the next dead letters with a message, after one.
-- row: StoredDeadLetter
-- not null: encrypted
-- type: :after DeadLetterId
select id, event_id, payload as encrypted
from pipeline.pipeline_dlq
where id > :after
and payload is not null
order by id
limit :page_size
for update;

-- name: empty_dead_letters!
-- Delete the messages of dead letters, which are parked if they were open.
update pipeline.pipeline_dlq
set
  payload = null,
  status = case when status = 'open' then 'parked' else status end,
  retry_after = null
where id = any (:dead_letter_ids::bigint[]);
