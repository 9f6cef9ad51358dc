-- name: active_territories
-- The territories of active brokers; of two brokers in one place the one who came first has it.
select t.broker_id, t.state, t.county, t.zip
from app.territories t
join app.brokers b on b.id = t.broker_id
where b.active
order by t.created_at, t.id;

-- name: active_brokers
select id
from app.brokers
where active;

-- name: pass_due$
-- `first` where the territories are others than those of the last pass, `again` where the pass must be repeated, else null.
select
  case
    when p.territories is distinct from :territories then 'first'
    when not p.settled and p.seen_at + :settle::interval <= now() then 'again'
  end
from (values (true)) v
left join pipeline.territory_passes p on true;

-- name: note_pass!
insert into pipeline.territory_passes as p (territories, seen_at, settled)
values (:territories, now(), :settled)
on conflict (only_one) do update
set territories = excluded.territories, seen_at = excluded.seen_at, settled = excluded.settled;

-- name: leads_without_broker
select id, property_state, county, property_zip, assignable_broker_ids
from app.leads
where assigned_broker_id is null
and id > :after
order by id
limit :many;

-- name: count_leads_without_broker$
select count(*)
from app.leads
where assigned_broker_id is null;

-- name: assign_leads
-- Locked in the order of ids, as upserts lock; a lead that got a broker meanwhile keeps it.
with locked as materialized (
  select l.id
  from app.leads l
  where l.id = any (:ids::uuid[])
  and l.assigned_broker_id is null
  order by l.id
  for no key update
)
update app.leads l
set assigned_broker_id = a.broker_id, assignable_broker_ids = null
from locked k
join unnest(:ids::uuid[], :broker_ids::uuid[]) as a (id, broker_id) on a.id = k.id
join app.brokers b on b.id = a.broker_id and b.active
where l.id = k.id
returning l.id, l.lead_version, l.assigned_broker_id, l.lead_score;

-- name: note_assignable_brokers!
-- To whom leads without a broker may be assigned: what all their senders may, together; null is anybody.
with said as (
  select s.id, s.is_new, string_to_array(s.broker_ids, ',')::uuid[] as broker_ids
  from unnest(:ids::uuid[], :is_new::boolean[], :broker_ids::text[]) as s (id, is_new, broker_ids)
)
update app.leads l
set assignable_broker_ids = case
  when s.broker_ids is not null then array(select unnest(l.assignable_broker_ids) union select unnest(s.broker_ids))
end
from said s
where l.id = s.id
and l.assigned_broker_id is null
and (s.is_new or l.assignable_broker_ids is not null)
and (s.broker_ids is null or not coalesce(s.broker_ids <@ l.assignable_broker_ids, false));

-- name: upsert_leads
select u.*
from app.upsert_leads(:records::pipeline.leads_staging[]) u;

-- name: set_scores
-- Merged facts may score otherwise than the record that came first.
update app.leads l
set lead_score = s.score, score_contributions = s.contributions::jsonb
from unnest(:ids::uuid[], :scores::integer[], :contributions::text[]) as s (id, score, contributions)
where l.id = s.id
and (l.lead_score <> s.score or l.score_contributions is distinct from s.contributions::jsonb)
returning l.id, l.lead_score, l.lead_version;

-- name: count_contacts
-- How many phones and emails of each lead nobody has ruled out, and the channels with a verified one.
select
  lead_id,
  count(*) filter (where channel = 'phone') as phones,
  count(*) filter (where channel = 'email') as emails,
  array_agg(distinct channel) filter (where verified) as verified
from app.lead_contacts
where lead_id = any (:ids)
and verified is not false
group by lead_id;

-- name: facts_to_score
select
  id, est_value, est_equity, est_ltv, open_loans, open_loan_balance, owner_occupied, vacant, last_sale_date,
  deceased_owner, do_not_mail, litigator
from app.leads
where id = any (:ids)
order by id
for no key update;

-- name: forgotten_scores
-- Leads with a verified contact that their score does not count: the event was lost. `leads_unscored_idx` holds these alone.
select l.id
from app.leads l
where (
  l.email_verified and not coalesce(l.score_contributions ? 'verified_email', false)
  or l.phone_verified and not coalesce(l.score_contributions ? 'verified_phone', false)
)
and l.updated_at < now() - :forgotten_after::interval
and exists (
  select
  from app.lead_contacts c
  where c.lead_id = l.id
  and c.verified
  and not coalesce(l.score_contributions ? ('verified_' || c.channel), false)
)
and l.id > :after
order by l.id
limit :many;

-- name: add_contacts
-- A value that is known may gain what a record says of it: empty fields are filled, and who must not be called stays so.
-- Of leads that were there before, what is new or says more.
with told as (
  insert into app.lead_contacts as held (
    lead_id, channel, value_hash, hash_key_id, normalisation_version, value_ciphertext, source, line_type, rank, dnc
  )
  select c.lead_id, c.channel, c.value_hash, :hash_key_id, :version, c.value_ciphertext, c.source, c.line_type, c.rank, c.dnc
  from unnest(:candidates::pipeline.contact_candidate[]) c
  on conflict (lead_id, channel, value_hash) do update
  set
    dnc = coalesce(nullif(excluded.dnc, false), held.dnc, excluded.dnc),
    line_type = coalesce(held.line_type, excluded.line_type)
  where held.dnc is distinct from coalesce(nullif(excluded.dnc, false), held.dnc, excluded.dnc)
  or (held.line_type is null and excluded.line_type is not null)
  returning held.lead_id, held.channel, held.value_hash
)
select lead_id, channel, value_hash
from told
where lead_id = any (:known_leads::uuid[]);

-- name: add_conflicts!
-- Keys that lost within a batch, but for those that the lead has all the same.
insert into app.lead_conflicts (kind, lead_id, column_name, value, upload_id, row, event_id)
select 'key_differs', c.lead_id, c.column_name, c.value, c.upload_id, c.row, c.event_id
from unnest(
  :lead_ids::uuid[], :columns::text[], :values::text[], :upload_ids::uuid[], :rows::integer[], :event_ids::uuid[]
) as c (lead_id, column_name, value, upload_id, row, event_id)
join app.leads l on l.id = c.lead_id
where c.value is distinct from case c.column_name when 'apn_key' then l.apn_key else encode(l.addr_hash, 'hex') end
on conflict do nothing;

-- name: add_rejects!
insert into app.upload_rejects (upload_id, row, reasons, detail, row_sealed)
select r.upload_id, r.row, string_to_array(r.reasons, ','), r.detail, r.row_sealed
from unnest(:upload_ids::uuid[], :rows::integer[], :reasons::text[], :details::text[], :sealed::bytea[])
  as r (upload_id, row, reasons, detail, row_sealed)
on conflict do nothing;

-- name: add_tallies!
insert into app.upload_tallies (upload_id, inserted, updated, duplicate, rejected, reasons, unread)
select t.upload_id, t.inserted, t.updated, t.duplicate, t.rejected, t.reasons::jsonb, t.unread::jsonb
from unnest(
  :upload_ids::uuid[], :inserted::integer[], :updated::integer[], :duplicate::integer[], :rejected::integer[],
  :reasons::text[], :unread::text[]
) as t (upload_id, inserted, updated, duplicate, rejected, reasons, unread);

-- name: has_outdated_addresses$
select exists (
  select from app.leads
  where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea
);

-- name: lock_keys!
-- Keys change hands one at a time, as in upsert_leads().
select pg_advisory_xact_lock(hashtext('app.upsert_leads'));

-- name: outdated_addresses
select id, property_address, property_unit, property_city, property_zip
from app.leads
where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea
order by id
limit :page_size
for no key update;

-- name: rehash_addresses^
select rehashed, held, unreadable
from app.rehash_addresses(:lead_ids::uuid[], :hashes::bytea[]);


-- name: suppress_emails!
-- A source says that these addresses opted out, bounced or must not be written to: for every lead that has them.
insert into app.suppressions (channel, value_hash, hash_key_id, reason, lead_id)
select 'email', s.value_hash, :hash_key_id, 'forbidden_by_source', s.lead_id
from unnest(:hashes::bytea[], :lead_ids::uuid[]) as s (value_hash, lead_id)
order by s.value_hash
on conflict do nothing;

-- name: close_leads
-- A source forbids to contact these owners. A lead that is closed already stays as it is.
select lead_id, result
from app.move_lead(:ids::uuid[], 'do_not_contact', 'forbidden_by_source');

-- name: parcel_keys_by_spelling
-- Keys that begin with a state instead of a county's code: letters sort behind digits.
select id, apn_key, apn, fips
from app.leads
where apn_key >= 'A'
order by apn_key, id
limit :many;

-- name: carry_over_parcel_keys^
select carried, held, dropped
from app.carry_over_parcel_keys(:lead_ids::uuid[], :old_keys::text[], :new_keys::text[], :fips::text[], :counties::text[]);
