-- name: add_events
-- Insert events that are not stored yet, and return their primary keys.
-- row: EventKey
-- nullable: :lead_id[], :broker_id[], :correlation_id[], :causation_id[], :source[], :outcome[], :duration_ms[]
-- nullable: :lead_version[], :payload[]
insert into app.pipeline_events (
  event_id, event_type, lead_id, broker_id, correlation_id, causation_id, source, outcome, duration_ms, lead_version,
  occurred_at, created_at, payload, payload_hash
)
select
  e.event_id, e.event_type, e.lead_id, e.broker_id, e.correlation_id, e.causation_id, e.source, e.outcome, e.duration_ms,
  e.lead_version, e.occurred_at, e.created_at, e.payload::jsonb, e.payload_hash
from unnest(
  :event_id::uuid[], :event_type::text[], :lead_id::uuid[], :broker_id::uuid[], :correlation_id::text[],
  :causation_id::text[], :source::text[], :outcome::text[], :duration_ms::integer[], :lead_version::bigint[],
  :occurred_at::timestamptz[], :created_at::timestamptz[], :payload::text[], :payload_hash::bytea[]
) as e (
  event_id, event_type, lead_id, broker_id, correlation_id, causation_id, source, outcome, duration_ms, lead_version,
  occurred_at, created_at, payload, payload_hash
)
on conflict do nothing
returning event_id, created_at;

-- name: find_payload_hashes
-- Return the stored body hashes of events, by their primary keys.
-- row: StoredHash
select e.event_id, e.created_at, e.payload_hash
from unnest(:ids::uuid[], :times::timestamptz[]) as w (event_id, created_at)
join app.pipeline_events e on e.event_id = w.event_id and e.created_at = w.created_at;

-- name: add_dead_letter!
-- Insert or update a dead letter. A message about a later replay updates the row. One about an earlier replay, or a repeat,
-- changes nothing.
-- nullable: :payload, :reason, :detail, :retry_after, :failure_kind, :exception_type, :origin_partition, :origin_offset
-- nullable: :origin_timestamp, :service_version, :causation_id, :traceparent, :first_failed_at, :last_failed_at
insert into pipeline.pipeline_dlq as d (
  source, payload, reason, detail, retry_after, status, consumer, event_id, replay_number, failure_kind, exception_type, attempts,
  origin_partition, origin_offset, origin_timestamp, service_version, causation_id, traceparent, first_failed_at,
  last_failed_at
)
values (
  :source, :payload, :reason, :detail, :retry_after, :status::pipeline.dlq_status, :consumer, :event_id, :replay_number,
  :failure_kind, :exception_type, :attempts, :origin_partition, :origin_offset, :origin_timestamp, :service_version,
  :causation_id, :traceparent, :first_failed_at, :last_failed_at
)
on conflict (consumer, event_id) do update
set
  payload = coalesce(excluded.payload, d.payload),
  source = case when d.source = '' then excluded.source else d.source end,
  reason = excluded.reason,
  detail = excluded.detail,
  retry_after = excluded.retry_after,
  status = 'open',
  replay_number = excluded.replay_number,
  failure_kind = excluded.failure_kind,
  exception_type = excluded.exception_type,
  attempts = d.attempts + excluded.attempts,
  service_version = excluded.service_version,
  last_failed_at = excluded.last_failed_at,
  resolved_at = null
where d.replay_number < excluded.replay_number or (d.replay_number = excluded.replay_number and d.status = 'retrying' and d.payload is null)
or (d.replay_number = excluded.replay_number and d.status = 'retrying' and d.last_failed_at < excluded.last_failed_at);

-- name: resolve_dead_letter!
-- Mark a dead letter as resolved. The notice may overtake the dead letter: then a resolved row without a message is inserted.
insert into pipeline.pipeline_dlq as d (source, consumer, event_id, replay_number, status, resolved_at)
values (:source, :consumer, :event_id, :replay_number, 'resolved', now())
on conflict (consumer, event_id) do update
set status = 'resolved', resolved_at = now(), retry_after = null, replay_number = excluded.replay_number
where d.replay_number <= excluded.replay_number and d.status <> 'resolved';

-- name: lock_due_dead_letters
-- Lock open dead letters whose replay is due.
-- row: DueDeadLetter
-- not null: payload
select id, consumer, event_id, replay_number, source, payload
from pipeline.pipeline_dlq
where status = 'open'
and retry_after <= now()
and payload is not null
order by retry_after
limit :page_size
for update skip locked;

-- name: mark_dead_letters_retrying!
update pipeline.pipeline_dlq
set status = 'retrying', replay_number = replay_number + 1, retry_after = null
where id = any (:dead_letter_ids::bigint[]);

-- name: park_dead_letters!
update pipeline.pipeline_dlq
set status = 'parked', retry_after = null
where id = any (:dead_letter_ids::bigint[]);

-- name: count_open_dead_letters
-- Count the open dead letters of each consumer.
-- row: ConsumerDepth
-- not null: depth, oldest_seconds
select consumer, count(*) as depth, extract(epoch from now() - min(created_at))::double precision as oldest_seconds
from pipeline.pipeline_dlq
where status = 'open'
group by consumer;

-- name: make_partitions!
-- Create the coming months of events and days of inboxes.
select pipeline.make_event_months(), pipeline.make_inbox_days();

-- name: drop_inbox_days$
-- always a value
select pipeline.drop_inbox_days(:days);

-- name: archive_event_months
-- not null: month
select pipeline.archive_event_months(:months) as month;

-- name: delete_unused_consent_tokens$
-- Delete old consent tokens. A used token is evidence and stays.
-- always a value
select app.cleanup_old_consent_tokens();

-- name: delete_old_decisions$
-- always a value
select pipeline.delete_old_decisions(:most);

-- name: delete_old_job_runs$
-- always a value
select pipeline.delete_old_job_runs(:days);

-- name: count_rejected_events
-- Count the events of each service that Kafka rejected for good.
-- row: RejectedEvents
-- not null: service, waiting
select service, waiting
from pipeline.rejected_outbox_rows();

-- name: delete_rejected_events
-- Delete old events that Kafka rejected for good, and return their number for each service.
-- row: DeletedEvents
-- not null: service, deleted
select service, deleted
from pipeline.delete_rejected_outbox_rows(:days);

-- name: delete_dead_letter_payloads!
update pipeline.pipeline_dlq
set payload = null
where payload is not null
and status in ('resolved', 'parked')
and coalesce(resolved_at, last_failed_at, created_at) < now() - make_interval(days => :days);

-- name: count_broken_invariants
-- Count the offenders of the last hours against each invariant, with an example.
-- row: BrokenInvariant
-- not null: invariant, offenders, example
select invariant, count(*)::integer as offenders, min(row_id) as example
from pipeline.broken_invariants
where at > now() - :hours * interval '1 hour'
group by invariant
order by invariant;
