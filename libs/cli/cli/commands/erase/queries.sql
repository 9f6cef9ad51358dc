-- Statements of `equity erase`, run with the role of operators.
-- role: operator
-- json: decoded

-- name: read_persons
-- Return persons to erase, with what later records and stored texts are compared with.
-- row: Person
-- not null: status
select
  l.id, l.assigned_broker_id, l.campaign_status::text as status, l.erased_at, l.mak, l.apn_key, l.addr_hash, l.property_address,
  l.property_city, l.property_state, l.property_zip, l.owner_first_name, l.owner_last_name, l.owner2_first_name,
  l.owner2_last_name, l.company_name
from app.leads l
where l.id = any (:lead_ids::uuid[])
order by l.id;

-- name: list_values
-- Return the addresses and numbers of leads, as keyed hashes.
-- row: PersonValue
select lead_id, channel, value_hash
from app.lead_contacts
where lead_id = any (:lead_ids::uuid[])
order by lead_id, channel, value_hash;

-- name: find_leads_with_value
select lead_id
from app.lead_contacts
where channel = :channel
and value_hash = :value_hash
order by lead_id;

-- name: find_related_leads
-- Return other leads that share an address or number with one of these.
select distinct o.lead_id
from app.lead_contacts c
join app.lead_contacts o on o.value_hash = c.value_hash and o.channel = c.channel
where c.lead_id = any (:lead_ids::uuid[])
and o.lead_id <> all (:lead_ids::uuid[])
order by o.lead_id;

-- name: lock_for_erasure!
select app.lock_for_erasure(:lead_id);

-- name: erase_person^
-- Erase a lead, or without one an address or number.
-- row: ErasedPerson
-- not null: is_new, waiting_responses
-- always one row
-- nullable: :lead_id
select is_new, waiting_responses
from app.erase_person(
  :erasure_id, :lead_id, :actor, :reason, :at, :kinds::text[], :hashes::bytea[], :key_ids::text[]
);

-- name: read_erased_lead^
-- row: ErasedLead
select id, lead_version, assigned_broker_id
from app.leads
where id = :lead_id;

-- name: list_ended_consents
-- Return the rows of proof that this transaction wrote.
-- row: ErasedConsent
select a.id, a.lead_id, a.seq, a.action, a.value_hash, a.hash_key_id, a.row_hash, l.assigned_broker_id
from app.lead_consent_audit a
join app.leads l on l.id = a.lead_id
where a.reason = 'erased'
and a.action in ('withdrawn', 'voided')
and a.recorded_at = now()
order by a.id;

-- name: count_open_memberships$
-- Count the memberships of leads at Instantly that are not removed yet.
-- always a value
select count(*)
from app.vendor_memberships
where lead_id = any (:lead_ids::uuid[])
and actual <> 'out';

-- name: list_erasures
-- row: StoredErasure
select id, lead_id, actor, reason, at
from pipeline.erasures
order by at, id;

-- name: list_erased_hashes
-- row: StoredHashOfErasure
select erasure_id, kind, hash, hash_key_id
from pipeline.erased_hashes
order by erasure_id, kind, hash;
