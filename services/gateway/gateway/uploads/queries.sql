-- Statements of the upload folder. The gateway logs in as `svc_gateway`.

-- name: insert_default_partner!
insert into app.partners (id, name)
values (:partner_id, :name)
on conflict do nothing;

-- name: insert_default_key!
insert into app.partner_keys (key_id, partner_id, scheme, secret_encrypted)
select :key_id, id, 'body', :secret_encrypted
from app.partners
where lower(name) = :partner_name
on conflict do nothing;

-- name: list_active_keys
-- row: ActiveKey
-- not null: broker_ids[]
select key.key_id, key.partner_id, key.scheme, key.secret_encrypted, partner.broker_ids, partner.default_broker_id,
  partner.default_profile
from app.partner_keys key
join app.partners partner on partner.id = key.partner_id
where key.active
order by key.key_id;

-- name: is_key_active$
-- always a value
select exists (select from app.partner_keys where key_id = :key_id and active);

-- name: record_key_use!
-- Record that a key was used. Ten minutes are precise enough. A key in constant use would otherwise be one hot row.
update app.partner_keys
set last_used_at = now()
where key_id = :key_id
and (last_used_at is null or last_used_at < now() - interval '10 minutes');

-- name: is_broker_active$
-- always a value
select exists (select from app.brokers where id = :broker_id and active);

-- name: claim_content$
-- Return true for the first upload of these bytes within seven days: the replay guard.
insert into app.ingest_replay_guard as guard (partner_id, content_sha256, upload_id)
values (:partner_id, :sha256, :upload_id)
on conflict (partner_id, content_sha256) do update
set upload_id = excluded.upload_id, received_at = excluded.received_at
where guard.received_at < now() - interval '7 days'
returning true;

-- name: lock_earlier_upload^
-- Lock the upload of the same bytes whose claim is in force.
-- row: EarlierUpload
-- always one row
select upload.id, upload.state
from app.ingest_replay_guard guard
join app.uploads upload on upload.id = guard.upload_id
where guard.partner_id = :partner_id
and guard.content_sha256 = :sha256
for update of upload;

-- name: insert_upload!
-- nullable: :filename, :broker_id
insert into app.uploads (
  id, partner_id, key_id, sha256, size, filename, broker_id, columns, encoding, delimiter, title_rows, mapping, spool_disk_id,
  lease_until
)
values (
  :upload_id, :partner_id, :key_id, :sha256, :size, :filename, :broker_id, :columns, :encoding, :delimiter, :title_rows,
  :mapping::text::jsonb, :spool_disk_id, now()
);

-- name: resume_upload!
-- Queue an upload whose bytes came again: publishing continues where it stopped. `received_at` stays, because it is the time
-- of every row.
update app.uploads
set state = 'received', spool_disk_id = :spool_disk_id, lease_owner = null, lease_until = now(), problem = null
where id = :upload_id;

-- name: list_waiting_uploads
select id
from app.uploads
where spool_disk_id = :spool_disk_id
and state in ('received', 'publishing')
order by received_at;

-- name: acquire_lease^
-- Take the lease of an upload whose file the caller has locked. So the owner of the lease is dead or has lost the disk, and can
-- no longer record progress.
-- row: LeasedUpload
-- not null: columns, columns[], encoding, delimiter, broker_ids[]
update app.uploads upload
set state = 'publishing', lease_owner = :lease_owner, lease_until = now() + interval '30 seconds'
from app.partners partner
where upload.id = :upload_id
and upload.spool_disk_id = :spool_disk_id
and upload.state in ('received', 'publishing')
and partner.id = upload.partner_id
returning upload.id, upload.columns, upload.encoding, upload.delimiter, upload.title_rows, upload.mapping::text as mapping,
  upload.rows_published, upload.received_at, upload.broker_id, partner.broker_ids;

-- name: renew_leases!
update app.uploads
set lease_until = now() + interval '30 seconds'
where id = any (:upload_ids)
and lease_owner = :lease_owner;

-- name: record_progress$
update app.uploads
set rows_published = :rows_published, lease_until = now() + interval '30 seconds'
where id = :upload_id
and lease_owner = :lease_owner
returning true;

-- name: finish_publishing$
update app.uploads
set
  rows_published = :rows_published, rows_total = :rows_published, rows_skipped = :rows_skipped, state = 'accounted',
  published_at = now(),
  lease_owner = null, lease_until = null
where id = :upload_id
and lease_owner = :lease_owner
returning true;

-- name: stop_upload!
update app.uploads
set state = :state::text::app.upload_state, problem = :problem, lease_owner = null, lease_until = null
where id = :upload_id
and spool_disk_id = :spool_disk_id
and state in ('received', 'publishing');

-- name: resend_stalled_uploads
-- Queue uploads whose published rows make no progress, so that all rows are published again.
-- Kafka may have lost them. The wait doubles each time. Rows keep their ids and `received_at`, so the inbox drops the handled
-- ones. It remembers longer than seven days.
-- row: ResentUpload
with stalled as (
  select upload.id
  from app.uploads upload
  where upload.state = 'accounted'
  and upload.received_at > now() - interval '7 days'
  and upload.resends < :max_resends
  and greatest(
    upload.published_at,
    (select max(tally.at) from app.upload_tallies tally where tally.upload_id = upload.id)
  ) < now() - :stalled_for::interval * 2 ^ upload.resends
  order by upload.received_at
  limit :page_size
  for update of upload skip locked
)
update app.uploads upload
set
  state = 'received', rows_published = 0, rows_total = null, published_at = null, lease_owner = null, lease_until = now(),
  problem = null, resent_at = now(), resends = upload.resends + 1
from stalled
where upload.id = stalled.id
returning upload.id, upload.resends;

-- name: count_unfinished_uploads^
-- row: UnfinishedUploads
-- always one row
-- not null: needs_resend, failed, stalled
select
  count(*) filter (where state = 'needs_resend') as needs_resend,
  count(*) filter (where state = 'failed' and received_at > now() - interval '7 days') as failed,
  count(*) filter (
    where state = 'accounted'
    and greatest(
      published_at, (select max(tally.at) from app.upload_tallies tally where tally.upload_id = uploads.id)
    ) < now() - :stalled_for::interval
  ) as stalled
from app.uploads
where state in ('accounted', 'needs_resend', 'failed');

-- name: list_saved_profiles
-- Return the newest definition of each saved profile that a partner may use. Its own come after those of all partners.
select distinct on (profile.name, profile.partner_id) profile.definition
from app.file_profiles profile
where profile.partner_id = :partner_id
or profile.partner_id is null
order by profile.name, profile.partner_id nulls first, profile.version desc;

-- name: lock_saved_profiles!
-- Let no other transaction save a profile of this name until this one ends.
select pg_advisory_xact_lock(hashtextextended('app.file_profiles/' || :name::text, 0));

-- name: find_newest_profile$
-- Return the definition of the newest version that a partner or, for null, an operator saved.
-- nullable: :partner_id
select definition
from app.file_profiles
where partner_id is not distinct from :partner_id::uuid
and name = :name
order by version desc
limit 1;

-- name: save_profile!
-- nullable: :partner_id
insert into app.file_profiles (partner_id, name, version, definition)
values (:partner_id, :name, :version, :definition);

-- name: find_known_homes
-- Return for each position whether a lead has one of its keys.
-- nullable: :maks[], :apn_keys[]
-- not null: known
select known
from app.find_known_homes(:maks, :apn_keys, :addr_hashes) known;
