-- Statements of the recorder's commands, run with its role.

-- name: count_events_by_type(after, upload_id, broker_id)
-- Events, leads and outcomes by type of event. The events of an upload are those that name it, and those of its leads that
-- name no upload, such as the events of a feed.
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

-- name: list_dead_letters(status, consumer, limit)
select id, status::text as status, consumer, source, reason, failure_kind, attempts, redrive, retry_after, last_failed_at
from pipeline.pipeline_dlq
where (:status::text is null and status in ('open', 'retrying') or status::text = :status)
  and (:consumer::text is null or consumer = :consumer)
order by id desc
limit :limit;

-- name: count_dead_letters()
select status::text as status, count(*) as count
from pipeline.pipeline_dlq
group by 1
order by 1;

-- name: park_dead_letters(ids)
update pipeline.pipeline_dlq
set status = 'parked', retry_after = null
where id = any (:ids)
  and status = 'open'
returning id;

-- name: show_dead_letter(id)^
select *
from pipeline.pipeline_dlq
where id = :id;

-- name: replay_dead_letters(consumer, since, until, ids, include_parked, dry_run, requested_by)
select id, consumer, reason, status::text as status, created_at
from pipeline.replay_dead_letters(
    :consumer, :since, :until, :ids::bigint[], :include_parked, :dry_run, :requested_by
);

-- name: find_outdated_dead_letters(key_id, limit)
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
select id, event_id, payload as sealed
from pipeline.pipeline_dlq
where payload is not null
  and substring(payload from 3 for get_byte(payload, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_dead_letters*!
update pipeline.pipeline_dlq
set payload = :sealed
where id = :id;
