-- Statements of file batches: the export to TLO, and the import of its output.

-- name: list_exportable_leads
-- List candidates, the unreachable ones first and by score.
-- The rules of the export decide about each of them.
select l.id
from app.leads l
where l.campaign_status in ('new', 'queued')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and not exists (
  select
  from app.skip_trace_attempts a
  where a.lead_id = l.id
  and a.provider = :provider
  and a.outcome is distinct from 'expired'
  and a.at > :since
)
order by l.email_verified or l.phone_verified, l.lead_score desc, l.id;

-- name: lock_exportable_leads
-- Lock leads, and list those that meet the same conditions at this moment.
select l.id
from app.leads l
where l.id = any (:lead_ids)
and l.campaign_status in ('new', 'queued')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
order by l.id
for no key update;

-- name: list_leads_with_open_requests
-- List leads with a request in progress, or with a response that is not merged.
select distinct a.lead_id
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:lead_ids)
and a.outcome is null
and a.merged_at is null
and r.outcome in ('asked', 'answered');

-- name: add_batch!
insert into app.skip_trace_batches (
  id, provider, made_by, lease_until, glb_purpose, dppa_purpose, warning_accepted_by
)
values (:batch_id, :provider, :made_by, clock_timestamp() + :lease::interval, :glb_purpose, :dppa_purpose, :warning_accepted_by)
on conflict (id) do nothing;

-- name: add_batch_requests!
insert into app.skip_trace_requests (
  id, provider, batch_id, requested_at, outcome, records, cost_cents, lookups_encrypted, lease_until
)
select w.id, b.provider, b.id, clock_timestamp(), 'asked', 1, :cents, w.lookups_encrypted, b.lease_until
from unnest(:request_ids::uuid[], :lookups::bytea[]) as w (id, lookups_encrypted), app.skip_trace_batches b
where b.id = :batch_id;

-- name: add_batch_attempts!
insert into app.skip_trace_attempts (request_id, lead_id, provider, at)
select w.id, w.lead_id, :provider, clock_timestamp()
from unnest(:request_ids::uuid[], :lead_ids::uuid[]) as w (id, lead_id);

-- name: list_batch_rows
-- List the rows of a file: requests without a response whose leads may still be exported.
-- row: BatchFileRow
-- type: :after RequestId
-- not null: lookups_encrypted
select r.id, r.lookups_encrypted
from app.skip_trace_requests r
join app.skip_trace_attempts a on a.request_id = r.id
join app.leads l on l.id = a.lead_id
where r.batch_id = :batch_id
and r.id > :after
and r.outcome = 'asked'
and r.lookups_encrypted is not null
and l.campaign_status in ('new', 'queued')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
order by r.id
limit :limit;

-- name: mark_batch_written!
update app.skip_trace_batches
set written_at = clock_timestamp()
where id = :batch_id;

-- name: list_batches
-- row: ListedBatch
-- not null: out, answered, to_merge, expired, cents
select
  b.id, b.provider, b.made_at, b.made_by, b.lease_until, b.written_at, b.glb_purpose, b.dppa_purpose, b.warning_accepted_by,
  count(*) filter (where r.outcome = 'asked') as out,
  count(*) filter (where r.outcome = 'answered') as answered,
  count(*) filter (where r.outcome = 'answered' and a.merged_at is null) as to_merge,
  count(*) filter (where r.outcome = 'expired') as expired,
  coalesce(sum(r.cost_cents) filter (where r.outcome = 'answered'), 0) as cents
from app.skip_trace_batches b
join app.skip_trace_requests r on r.batch_id = b.id
join app.skip_trace_attempts a on a.request_id = r.id
group by b.id
order by b.made_at desc
limit :limit;

-- name: lock_leads_of_requests!
select l.id
from app.leads l
where l.id in (select a.lead_id from app.skip_trace_attempts a where a.request_id = any (:request_ids))
order by l.id
for no key update;

-- name: lock_batch_requests
-- row: BatchRequest
select r.id, r.outcome, r.detail, r.lookups_encrypted, a.lead_id
from app.skip_trace_requests r
join app.skip_trace_attempts a on a.request_id = r.id
where r.id = any (:request_ids)
and r.provider = :provider
and r.batch_id is not null
order by r.id
for update of r;

-- name: store_batch_responses!
-- Store imported rows. A response after the end of the lease counts like any other.
-- nullable: :details[], :responses[]
update app.skip_trace_requests r
set
  outcome = w.outcome,
  answered_at = clock_timestamp(),
  cost_cents = w.cents,
  detail = w.detail,
  response_encrypted = w.response_encrypted,
  lookups_encrypted = case when w.outcome = 'answered' then r.lookups_encrypted end
from unnest(:request_ids::uuid[], :outcomes::text[], :cents::numeric[], :details::text[], :responses::bytea[])
  as w (id, outcome, cents, detail, response_encrypted)
where r.id = w.id;

-- name: set_batch_attempt_outcomes!
update app.skip_trace_attempts a
set outcome = case when w.outcome = 'expired' then 'expired' end
from unnest(:request_ids::uuid[], :outcomes::text[]) as w (id, outcome)
where a.request_id = w.id;
