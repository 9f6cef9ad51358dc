-- name: upsert_leads
-- Turn records into leads, and return the lead of each.
-- row: UpsertedLead
-- not null: ord, lead_id, outcome, lead_version, lead_score
select ord, lead_id, outcome, matched_by, lead_version, broker_id, data_key, lead_score
from app.upsert_leads(:records::pipeline.leads_staging[]);

-- name: find_erasures
-- Return all hashes of the erasures that have one of these. Take the lock of the upsert, so that none is missed.
-- row: ErasedHash
-- not null: erasure_id, kind, hash
select erasure_id, lead_id, kind, hash
from pipeline.find_erasures(:hashes::bytea[]);

-- name: list_held_homes
-- Return the places of those homes that a lead has: by MAK, parcel key or address.
-- not null: place
-- nullable: :maks[], :apn_keys[], :addr_hashes[]
select h.place::integer as place
from unnest(:maks::text[], :apn_keys::text[], :addr_hashes::bytea[]) with ordinality as h (mak, apn_key, addr_hash, place)
where exists (select from app.leads l where l.mak = h.mak)
or exists (select from app.leads l where l.apn_key = h.apn_key)
or exists (select from app.leads l where l.addr_hash = h.addr_hash);

-- name: save_assignable_brokers!
-- Save to which brokers leads without one may be assigned: the union of what their senders allow.
-- Null allows every broker.
-- nullable: :broker_ids[]
with allowed as (
  select s.id, s.is_new, string_to_array(s.broker_ids, ',')::uuid[] as broker_ids
  from unnest(:lead_ids::uuid[], :is_new::boolean[], :broker_ids::text[]) as s (id, is_new, broker_ids)
)
update app.leads l
set assignable_broker_ids = case
  when s.broker_ids is not null then array(select unnest(l.assignable_broker_ids) union select unnest(s.broker_ids))
end
from allowed s
where l.id = s.id
and l.assigned_broker_id is null
and (s.is_new or l.assignable_broker_ids is not null)
and (s.broker_ids is null or not coalesce(s.broker_ids <@ l.assignable_broker_ids, false));

-- name: add_conflicts!
-- Record keys that lost within a batch, except keys that the lead has after all.
-- nullable: :upload_ids[], :rows[], :event_ids[]
insert into app.lead_conflicts (kind, lead_id, column_name, value, upload_id, row, event_id)
select 'key_differs', c.lead_id, c.column_name, c.value, c.upload_id, c.row, c.event_id
from unnest(
  :lead_ids::uuid[], :columns::text[], :values::text[], :upload_ids::uuid[], :rows::integer[], :event_ids::uuid[]
) as c (lead_id, column_name, value, upload_id, row, event_id)
join app.leads l on l.id = c.lead_id
where c.value is distinct from case c.column_name when 'apn_key' then l.apn_key else encode(l.addr_hash, 'hex') end
on conflict do nothing;

-- name: save_new_data_keys!
-- Save the keys of leads that have none. The upsert has locked these leads.
update app.leads l
set data_key = k.data_key
from unnest(:lead_ids::uuid[], :data_keys::bytea[]) as k (id, data_key)
where l.id = k.id;

-- name: merge_contacts
-- Add contacts, and the facts that known contacts lack. A contact that must not be called stays forbidden.
-- Return contacts of leads that existed before, if they are new or gained a fact.
-- row: MergedContact
with merged as (
  insert into app.lead_contacts as present (
    lead_id, channel, value_hash, hash_key_id, normalisation_version, value_ciphertext, source, line_type, rank, dnc
  )
  select c.lead_id, c.channel, c.value_hash, :hash_key_id, :normalisation_version, c.value_ciphertext, c.source, c.line_type,
    c.rank, c.dnc
  from unnest(:candidates::pipeline.contact_candidate[]) c
  on conflict (lead_id, channel, value_hash) do update
  set
    dnc = coalesce(nullif(excluded.dnc, false), present.dnc, excluded.dnc),
    line_type = coalesce(present.line_type, excluded.line_type)
  where present.dnc is distinct from coalesce(nullif(excluded.dnc, false), present.dnc, excluded.dnc)
  or (present.line_type is null and excluded.line_type is not null)
  returning present.lead_id, present.channel, present.value_hash
)
select lead_id, channel, value_hash
from merged
where lead_id = any (:known_lead_ids::uuid[]);

-- name: suppress_emails!
-- Suppress emails that opted out, bounced or must not be used, as a source says.
-- This holds for every lead that has them.
-- nullable: :lead_ids[]
insert into app.suppressions (channel, value_hash, hash_key_id, reason, lead_id)
select 'email', s.value_hash, :hash_key_id, 'forbidden_by_source', s.lead_id
from unnest(:hashes::bytea[], :lead_ids::uuid[]) as s (value_hash, lead_id)
order by s.value_hash
on conflict do nothing;

-- name: close_leads!
-- Close leads whose owners a source forbids to contact. A lead that is closed already does not change.
select lead_id, result
from app.transition_lead(:lead_ids::uuid[], 'do_not_contact', 'forbidden_by_source');

-- name: set_scores
-- Save scores that differ, and return their leads. Merged facts may score otherwise than the record that came first.
-- row: RescoredLead
update app.leads l
set lead_score = s.score, score_contributions = s.contributions::jsonb
from unnest(:lead_ids::uuid[], :scores::integer[], :contributions::text[]) as s (id, score, contributions)
where l.id = s.id
and (l.lead_score <> s.score or l.score_contributions is distinct from s.contributions::jsonb)
returning l.id, l.lead_score, l.lead_version;

-- name: lock_leads_to_score
select id
from app.leads
where id = any (:lead_ids::uuid[])
order by id
for no key update;

-- name: add_rejects!
insert into app.upload_rejects (upload_id, row, reasons, detail, row_encrypted)
select r.upload_id, r.row, string_to_array(r.reasons, ','), r.detail, r.row_encrypted
from unnest(:upload_ids::uuid[], :rows::integer[], :reasons::text[], :details::text[], :encrypted::bytea[])
  as r (upload_id, row, reasons, detail, row_encrypted)
on conflict do nothing;

-- name: add_tallies!
insert into app.upload_tallies (upload_id, inserted, updated, duplicate, rejected, reasons, unread)
select t.upload_id, t.inserted, t.updated, t.duplicate, t.rejected, t.reasons::jsonb, t.unread::jsonb
from unnest(
  :upload_ids::uuid[], :inserted::integer[], :updated::integer[], :duplicate::integer[], :rejected::integer[],
  :reasons::text[], :unread::text[]
) as t (upload_id, inserted, updated, duplicate, rejected, reasons, unread);
