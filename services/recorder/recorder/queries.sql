-- name: add_events
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
select e.event_id, e.created_at, e.payload_hash
from unnest(:ids::uuid[], :times::timestamptz[]) as w (event_id, created_at)
join app.pipeline_events e on e.event_id = w.event_id and e.created_at = w.created_at;

-- name: add_dead_letter!
-- A message about a later replay updates the row. A message about an earlier one, or a repeat, changes nothing.
insert into pipeline.pipeline_dlq as d (
  source, payload, reason, detail, retry_after, status, consumer, event_id, redrive, failure_kind, exception_type, attempts,
  origin_partition, origin_offset, origin_timestamp, service_version, causation_id, traceparent, first_failed_at,
  last_failed_at
)
values (
  :source, :payload, :reason, :detail, :retry_after, :status::pipeline.dlq_status, :consumer, :event_id, :replay_number,
  :failure_kind, :exception_type, :attempts, :origin_partition, :origin_offset, :origin_timestamp, :service_version,
  :causation_id, :traceparent, :first_failed_at, :last_failed_at
)
on conflict (consumer, event_id) do update
set payload = coalesce(excluded.payload, d.payload),
    source = case when d.source = '' then excluded.source else d.source end,
    reason = excluded.reason,
    detail = excluded.detail,
    retry_after = excluded.retry_after,
    status = 'open',
    redrive = excluded.redrive,
    failure_kind = excluded.failure_kind,
    exception_type = excluded.exception_type,
    attempts = d.attempts + excluded.attempts,
    service_version = excluded.service_version,
    last_failed_at = excluded.last_failed_at,
    resolved_at = null
where d.redrive < excluded.redrive or (d.redrive = excluded.redrive and d.status = 'retrying' and d.payload is null)
   or (d.redrive = excluded.redrive and d.status = 'retrying' and d.last_failed_at < excluded.last_failed_at);

-- name: resolve_dead_letter!
-- The notice may overtake the dead letter: then a resolved row without a message is inserted first.
insert into pipeline.pipeline_dlq as d (source, consumer, event_id, redrive, status, resolved_at)
values (:source, :consumer, :event_id, :replay_number, 'resolved', now())
on conflict (consumer, event_id) do update
set status = 'resolved', resolved_at = now(), retry_after = null, redrive = excluded.redrive
where d.redrive <= excluded.redrive and d.status <> 'resolved';

-- name: lock_due_dead_letters
select id, consumer, event_id, redrive, source, payload
from pipeline.pipeline_dlq
where status = 'open'
and retry_after <= now()
and payload is not null
order by retry_after
limit :count
for update skip locked;

-- name: mark_dead_letters_retrying!
update pipeline.pipeline_dlq
set status = 'retrying', redrive = redrive + 1, retry_after = null
where id = any (:ids::bigint[]);

-- name: park_dead_letters!
update pipeline.pipeline_dlq
set status = 'parked', retry_after = null
where id = any (:ids::bigint[]);

-- name: count_open_dead_letters
select consumer, count(*) as depth, extract(epoch from now() - min(created_at)) as oldest_seconds
from pipeline.pipeline_dlq
where status = 'open'
group by consumer;

-- name: make_partitions^
select pipeline.make_event_months() as months, pipeline.make_inbox_days() as days;

-- name: drop_inbox_days$
select pipeline.drop_inbox_days(:days);

-- name: archive_event_months
select pipeline.archive_event_months(:months) as month;

-- name: delete_unused_consent_tokens$
-- A used token is evidence and stays.
select app.cleanup_old_consent_tokens();

-- name: delete_old_decisions$
select pipeline.forget_old_decisions(:most);

-- name: delete_old_job_runs$
select pipeline.forget_old_job_runs(:days);

-- name: count_rejected_events
select service, waiting, oldest_seconds from pipeline.dead_outbox_rows();

-- name: delete_rejected_events
select service, gone from pipeline.forget_dead_outbox_rows(:days);

-- name: delete_dead_letter_payloads!
update pipeline.pipeline_dlq
set payload = null
where payload is not null
and status in ('resolved', 'parked')
and coalesce(resolved_at, last_failed_at, created_at) < now() - make_interval(days => :days);
