-- Every SQL statement of the gateway. It logs in as `svc_gateway`.

-- name: ensure_default_partner(id, name)!
insert into partners (id, name)
values (:id, :name)
on conflict do nothing;

-- name: ensure_default_key(key_id, partner, secret_sealed)!
insert into partner_keys (key_id, partner_id, scheme, secret_sealed)
select :key_id, id, 'body', :secret_sealed
from partners
where lower(name) = :partner
on conflict do nothing;

-- name: active_keys()
select key.key_id, key.partner_id, key.scheme, key.secret_sealed, partner.broker_ids, partner.default_broker_id
from partner_keys key
join partners partner on partner.id = key.partner_id
where key.active
order by key.key_id;

-- name: key_is_active(key_id)$
select exists (select from partner_keys where key_id = :key_id and active);

-- name: touch_key(key_id)!
-- Coarse on purpose: a key in constant use would be one hot row.
update partner_keys
set last_used_at = now()
where key_id = :key_id
and (last_used_at is null or last_used_at < now() - interval '10 minutes');

-- name: broker_is_active(broker_id)$
select exists (select from brokers where id = :broker_id and active);

-- name: claim_content(partner_id, sha256, upload_id)$
-- The replay guard: true for the first upload of these bytes within seven days.
insert into ingest_replay_guard as guard (partner_id, content_sha256, upload_id)
values (:partner_id, :sha256, :upload_id)
on conflict (partner_id, content_sha256) do update
set upload_id = excluded.upload_id, received_at = excluded.received_at
where guard.received_at < now() - interval '7 days'
returning true;

-- name: earlier_upload(partner_id, sha256)^
select upload.id, upload.state::text as state
from ingest_replay_guard guard
join uploads upload on upload.id = guard.upload_id
where guard.partner_id = :partner_id
and guard.content_sha256 = :sha256
for update of upload;

-- name: add_upload(id, partner_id, key_id, sha256, size, filename, broker_id, columns, encoding, delimiter, spool_host)!
insert into uploads (
  id, partner_id, key_id, sha256, size, filename, broker_id, columns, encoding, delimiter, spool_host, lease_until
)
values (
  :id, :partner_id, :key_id, :sha256, :size, :filename, :broker_id, :columns, :encoding, :delimiter, :spool_host, now()
);

-- name: continue_upload(id, spool_host)!
-- The same bytes came again: go on where the rows stopped. `received_at` stays, it dates every row.
update uploads
set state = 'received', spool_host = :spool_host, lease_owner = null, lease_until = now(), problem = null
where id = :id;

-- name: waiting_uploads(spool_host)
select id
from uploads
where spool_host = :spool_host
and state in ('received', 'publishing')
order by received_at;

-- name: take_lease(id, spool_host, lease_owner)^
-- The caller holds the file's lock, so whoever has the lease is dead; from now on it cannot write progress.
update uploads upload
set state = 'publishing', lease_owner = :lease_owner, lease_until = now() + interval '30 seconds'
from partners partner
where upload.id = :id
and upload.spool_host = :spool_host
and upload.state in ('received', 'publishing')
and partner.id = upload.partner_id
returning upload.id, upload.columns, upload.encoding, upload.delimiter, upload.rows_published, upload.received_at,
  upload.broker_id, partner.broker_ids;

-- name: renew_leases(ids, lease_owner)!
update uploads
set lease_until = now() + interval '30 seconds'
where id = any (:ids)
and lease_owner = :lease_owner;

-- name: keep_progress(id, lease_owner, rows_published)$
update uploads
set rows_published = :rows_published, lease_until = now() + interval '30 seconds'
where id = :id
and lease_owner = :lease_owner
returning true;

-- name: finish_publishing(id, lease_owner, rows_published)$
update uploads
set
  rows_published = :rows_published, rows_total = :rows_published, state = 'accounted', published_at = now(),
  lease_owner = null, lease_until = null
where id = :id
and lease_owner = :lease_owner
returning true;

-- name: give_up_upload(id, spool_host, state, problem)!
update uploads
set state = :state::text::upload_state, problem = :problem, lease_owner = null, lease_until = null
where id = :id
and spool_host = :spool_host
and state in ('received', 'publishing');

-- name: settle_uploads()
-- Done when every published row has its verdict. The tallies are append-only; their sum is the total.
update uploads upload
set state = 'done', done_at = now()
from (
  select tally.upload_id, sum(tally.inserted + tally.updated + tally.duplicate + tally.rejected) as judged
  from upload_tallies tally
  where tally.upload_id = any (array(select id from uploads where state = 'accounted'))
  group by tally.upload_id
) total
where upload.id = total.upload_id
and upload.state = 'accounted'
and upload.rows_total = total.judged
returning upload.id;

-- name: resend_stalled_uploads(stalled_for, most_resends, many)
-- Publish again all rows of uploads whose rows were published and make no progress: Kafka may have lost them. Each time the
-- wait doubles. Rows keep their ids and `received_at`, so the inbox drops those that were handled; it remembers longer than
-- seven days.
with stalled as (
  select upload.id
  from uploads upload
  where upload.state = 'accounted'
  and upload.received_at > now() - interval '7 days'
  and upload.resends < :most_resends
  and greatest(
    upload.published_at,
    (select max(tally.at) from upload_tallies tally where tally.upload_id = upload.id)
  ) < now() - :stalled_for::interval * 2 ^ upload.resends
  order by upload.received_at
  limit :many
  for update of upload skip locked
)
update uploads upload
set
  state = 'received', rows_published = 0, rows_total = null, published_at = null, lease_owner = null, lease_until = now(),
  problem = null, resent_at = now(), resends = upload.resends + 1
from stalled
where upload.id = stalled.id
returning upload.id, upload.resends;

-- name: count_unfinished_uploads(stalled_for)^
select
  count(*) filter (where state = 'needs_resend') as needs_resend,
  count(*) filter (where state = 'failed' and received_at > now() - interval '7 days') as failed,
  count(*) filter (
    where state = 'accounted'
    and greatest(
      published_at, (select max(tally.at) from upload_tallies tally where tally.upload_id = uploads.id)
    ) < now() - :stalled_for::interval
  ) as stalled
from uploads
where state in ('accounted', 'needs_resend', 'failed');

-- name: states_of(ids)
select id, state::text as state, spool_host
from uploads
where id = any (:ids);

-- name: take_up_again(ids, spool_host)!
-- Their file is here after all.
update uploads
set state = 'received', problem = null, lease_owner = null, lease_until = now()
where id = any (:ids)
and spool_host = :spool_host
and state = 'needs_resend';

-- name: give_up_lost_disks(spool_host, patience, problem)
-- A disk counts as lost when no upload on it has shown a sign of life for so long.
update uploads upload
set state = 'needs_resend', problem = :problem, lease_owner = null, lease_until = null
where upload.state in ('received', 'publishing')
and upload.spool_host <> :spool_host
and coalesce(upload.lease_until, upload.received_at) < now() - :patience::interval
and not exists (
  select from uploads other
  where other.spool_host = upload.spool_host
  and other.state in ('received', 'publishing')
  and other.lease_until > now() - :patience::interval
)
returning upload.id;

-- name: forget_old_content()$
select app.cleanup_old_replay_guards(interval '7 days');

-- name: upload_report(id, partner_id)^
select
  id, state::text as state, filename, size, broker_id, rows_total, rows_published, received_at, published_at, done_at, problem,
  columns
from uploads
where id = :id
and partner_id = :partner_id;

-- name: upload_totals(id)^
select
  coalesce(sum(inserted), 0)::bigint as inserted,
  coalesce(sum(updated), 0)::bigint as updated,
  coalesce(sum(duplicate), 0)::bigint as duplicate,
  coalesce(sum(rejected), 0)::bigint as rejected
from upload_tallies
where upload_id = :id;

-- name: upload_reasons(id)
select reason.key as reason, sum(reason.value::bigint)::bigint as rows
from upload_tallies tally
cross join jsonb_each_text(tally.reasons) reason
where tally.upload_id = :id
group by reason.key
order by rows desc, reason;

-- name: upload_unread(id)
select
  field.key as field,
  sum((field.value ->> 'values')::bigint)::bigint as values,
  (
    select array_agg(distinct first.row order by first.row)
    from upload_tallies again
    cross join jsonb_array_elements_text(again.unread -> field.key -> 'rows') as noted (text)
    cross join lateral (select noted.text::integer as row) first
    where again.upload_id = :id
  ) as rows
from upload_tallies tally
cross join jsonb_each(tally.unread) field
where tally.upload_id = :id
group by field.key
order by values desc, field.key;

-- name: upload_columns(id, partner_id)^
select columns, state::text as state
from uploads
where id = :id
and partner_id = :partner_id;

-- name: rejects_after(id, after, many)
select row, reasons, detail, row_sealed
from upload_rejects
where upload_id = :id
and row > :after
order by row
limit :many;

-- name: claim_webhook(event_id, days, body_hash)$
-- True once for each webhook, whenever within the inbox's memory it comes again.
insert into svc_gateway.inbox (day, consumer, event_id, redrive, body_hash)
select current_date, 'gateway.webhooks', :event_id, 0, :body_hash
where not exists (
  select
  from svc_gateway.inbox
  where day = any (array(select generate_series(current_date - :days::integer, current_date - 1, interval '1 day')::date))
  and consumer = 'gateway.webhooks'
  and event_id = :event_id
  and redrive = 0
)
on conflict do nothing
returning true;

-- name: webhook_body_hash(event_id, days)$
select body_hash
from svc_gateway.inbox
where day = any (array(select generate_series(current_date - :days::integer, current_date, interval '1 day')::date))
and consumer = 'gateway.webhooks'
and event_id = :event_id
and redrive = 0
limit 1;

-- name: database_time()$
select extract(epoch from clock_timestamp())::double precision;
