-- name: has_outdated_hashes$
-- always a value
select exists (
  select from app.leads
  where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea
);

-- name: lock_upserts!
-- Lock out upserts, because keys move between leads in one transaction at a time. It is the lock of app.upsert_leads().
select pg_advisory_xact_lock(hashtext('app.upsert_leads'));

-- name: lock_outdated_addresses
-- row: OutdatedAddress
select id, property_address, property_unit, property_city, property_zip
from app.leads
where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea
order by id
limit :page_size
for no key update;

-- name: rehash_addresses^
-- row: RehashCounts
-- always one row
-- not null: rehashed, conflicting, unreadable
-- nullable: :hashes[]
select rehashed, conflicting, unreadable
from app.rehash_addresses(:lead_ids::uuid[], :hashes::bytea[]);

-- name: list_unscored_leads
-- Return leads with a verified contact that their score lacks: the event was lost. `leads_unscored_idx` contains only these.
-- type: :after LeadId
select l.id
from app.leads l
where (
  l.email_verified and not coalesce(l.score_contributions ? 'verified_email', false)
  or l.phone_verified and not coalesce(l.score_contributions ? 'verified_phone', false)
)
and l.updated_at < now() - :unscored_after::interval
and exists (
  select
  from app.lead_contacts c
  where c.lead_id = l.id
  and c.verified
  and not coalesce(l.score_contributions ? ('verified_' || c.channel), false)
)
and l.id > :after
order by l.id
limit :page_size;
