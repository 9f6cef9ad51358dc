-- Statements of the gateway's commands. They run with its role; those that change partner keys run as the owner.
-- json: decoded

-- name: find_partner_id$
-- Return the partner with this id, or this name in any case.
-- role: owner, gateway
select id
from app.partners
where id::text = :name_or_id or lower(name) = lower(:name_or_id)
order by id::text = :name_or_id desc
limit 1;

-- name: add_partner^
-- row: AddedPartner
-- nullable: :broker_ids, :default_broker_id
-- not null: broker_ids[]
-- role: owner, gateway
-- always one row
insert into app.partners (id, name, broker_ids, default_broker_id)
values (:partner_id, :name, :broker_ids, :default_broker_id)
returning id, name, broker_ids, default_broker_id, created_at;

-- name: list_partners
-- row: ListedPartner
-- not null: brokers, brokers[], active_keys, uploads
select
  p.id, p.name,
  case
    when p.broker_ids is null then array['any']
    else array(select b.name from app.brokers b where b.id = any (p.broker_ids) order by b.name)
  end as brokers,
  (select b.name from app.brokers b where b.id = p.default_broker_id) as default_broker,
  (select count(*) from app.partner_keys k where k.partner_id = p.id and k.active) as active_keys,
  (select count(*) from app.uploads u where u.partner_id = p.id) as uploads,
  p.created_at
from app.partners p
order by lower(p.name);

-- name: add_key!
-- role: owner
insert into app.partner_keys (key_id, partner_id, scheme, secret_encrypted, active)
values (:key_id, :partner_id, :scheme, :secret_encrypted, true);

-- name: list_keys
-- row: ListedKey
-- role: owner
-- nullable: :partner_id
select k.key_id, p.name as partner, k.scheme, k.active, k.created_at, k.last_used_at, k.revoked_at
from app.partner_keys k
join app.partners p on p.id = k.partner_id
where (:with_revoked or k.active) and (:partner_id::uuid is null or k.partner_id = :partner_id)
order by lower(p.name), k.created_at;

-- name: find_key^
-- row: StoredKey
-- role: owner
select k.key_id, k.partner_id, p.name as partner, k.scheme, k.active
from app.partner_keys k
join app.partners p on p.id = k.partner_id
where k.key_id = :key_id;

-- name: count_other_active_keys$
-- role: owner
-- always a value
select count(*)
from app.partner_keys
where partner_id = :partner_id
and active
and key_id <> :key_id;

-- name: revoke_key!
-- role: owner
update app.partner_keys
set active = false, revoked_at = now()
where key_id = :key_id;

-- name: list_uploads
-- row: ListedUpload
-- nullable: :partner_id, :state
-- not null: inserted, updated, duplicate, rejected
select
  u.id, u.state, p.name as partner, u.key_id, u.filename, u.size, u.rows_total,
  coalesce(t.inserted, 0) as inserted, coalesce(t.updated, 0) as updated,
  coalesce(t.duplicate, 0) as duplicate, coalesce(t.rejected, 0) as rejected,
  u.received_at, u.done_at, u.resends, u.problem
from app.uploads u
join app.partners p on p.id = u.partner_id
left join lateral (
  select
    sum(inserted)::bigint as inserted, sum(updated)::bigint as updated,
    sum(duplicate)::bigint as duplicate, sum(rejected)::bigint as rejected
  from app.upload_tallies
  where upload_id = u.id
) t on true
where (:partner_id::uuid is null or u.partner_id = :partner_id)
and (:state::text is null or u.state::text = :state)
order by u.received_at desc
limit :page_size;

-- name: list_uploads_to_resend
-- List the uploads with these ids, or with null all that make no progress, and lock them.
-- row: UploadToResend
-- nullable: :upload_ids
-- not null: is_too_old
select
  u.id, u.state, p.name as partner, u.filename, u.problem,
  u.received_at < now() - interval '7 days' as is_too_old
from app.uploads u
join app.partners p on p.id = u.partner_id
where u.id = any (:upload_ids::uuid[])
or (
  :upload_ids::uuid[] is null
  and (
    u.state in ('needs_resend', 'failed')
    or u.state = 'accounted'
    and greatest(u.published_at, (select max(t.at) from app.upload_tallies t where t.upload_id = u.id))
      < now() - :stuck_for::interval
  )
)
order by u.received_at
for update of u;

-- name: resend_uploads!
-- Queue uploads to publish all their rows again. The gateway that has the file does it; without the file it makes the upload
-- `needs_resend`.
update app.uploads
set
  state = 'received', rows_published = 0, rows_total = null, published_at = null, lease_owner = null, lease_until = now(),
  problem = null, resent_at = now(), resends = 0
where id = any (:upload_ids::uuid[])
and state in ('accounted', 'failed');

-- name: restart_uploads!
-- Reset the progress of uploads that wait for their file: rows that were published before may be lost.
update app.uploads
set rows_published = 0, rows_total = null, published_at = null, resent_at = now()
where id = any (:upload_ids::uuid[])
and state = 'needs_resend'
and rows_published > 0;

-- name: list_keys_of_upload
-- List the active keys of the upload's partner; the key that signed the upload is the first.
-- row: SigningKeyRow
select k.key_id, k.scheme, k.secret_encrypted
from app.uploads u
join app.partner_keys k on k.partner_id = u.partner_id and k.active
where u.id = :upload_id
order by k.key_id = u.key_id desc, k.created_at;

-- name: list_signing_keys
-- row: SigningKeyRow
-- role: owner
select key_id, scheme, secret_encrypted
from app.partner_keys
where partner_id = :partner_id
and active
order by created_at;

-- name: find_outdated_keys
-- Lock the next keys whose secret is encrypted under another key than this.
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
-- row: OutdatedPartnerKey
-- role: owner
select key_id, secret_encrypted as encrypted
from app.partner_keys
where substring(secret_encrypted from 3 for get_byte(secret_encrypted, 1)) <> convert_to(:master_key_id, 'UTF8')
order by key_id
limit :page_size
for update;

-- name: save_secrets!
-- role: owner
update app.partner_keys k
set secret_encrypted = s.encrypted
from unnest(:key_ids::text[], :encrypted::bytea[]) as s (key_id, encrypted)
where k.key_id = s.key_id;

-- name: list_profiles
-- Return the newest version of each saved profile: of all partners, and of one or, for null, of each.
-- row: SavedProfile
-- role: owner, gateway
-- nullable: :partner_id
select distinct on (profile.name, profile.partner_id) partner.name as partner, profile.definition
from app.file_profiles profile
left join app.partners partner on partner.id = profile.partner_id
where :partner_id::uuid is null
or profile.partner_id is null
or profile.partner_id = :partner_id
order by profile.name, profile.partner_id nulls first, profile.version desc;

-- name: set_default_profile!
-- role: owner, gateway
-- nullable: :name
update app.partners
set default_profile = :name
where id = :partner_id;
