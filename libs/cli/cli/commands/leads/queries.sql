-- Statements of `equity leads`, run with the role of operators.
-- role: operator
-- json: decoded

-- name: find_leads_by_contact
-- List leads with a phone or email, by its keyed hash.
select lead_id
from app.lead_contacts
where value_hash = :value_hash
and channel = :channel
limit :page_size;

-- name: find_leads_by_address
-- List leads at one of these addresses.
select id
from app.leads
where addr_hash = any (:hashes::bytea[]);

-- name: list_units
-- List homes with a unit in a ZIP code whose address has one of these first numbers (leads_unit_idx).
-- row: UnitAddress
select id, property_address, property_unit, property_city
from app.leads
where property_unit is not null
and property_zip = :zip_code
and ltrim(substring(property_address from '[0-9]+'), '0') = any (:house_numbers::text[])
limit :page_size;

-- name: find_leads_by_parcel
-- List leads with this parcel number, whatever their county (leads_parcel_number_idx).
select id
from app.leads
where apn_key is not null
and split_part(apn_key, '|', 2) = :parcel_number
limit :page_size;

-- name: find_leads_by_mak
-- List leads with this Melissa address key.
select id
from app.leads
where mak = :mak;

-- name: keep_leads_by_name
-- List those of *lead_ids* that `find_leads_by_name` would list.
select l.id
from unnest(:lead_ids::uuid[]) as w (id)
join app.leads l on l.id = w.id
where exists (
  select
  from unnest(:prefixes::text[]) as given (prefix)
  where starts_with(lower(l.owner_last_name || ' ' || coalesce(l.owner_first_name, '')), lower(given.prefix))
  or starts_with(lower(l.owner2_last_name || ' ' || coalesce(l.owner2_first_name, '')), lower(given.prefix))
  or starts_with(lower(l.company_name), lower(given.prefix))
);

-- name: find_leads_by_name
-- List leads whose owner, second owner or company has a name that starts with one of *prefixes*, in any case.
-- Each branch reads one index (leads_owner_name_idx and so on) from the prefix to the last character of Unicode.
-- type: id LeadId
-- not null: id
with prefixes as (
  select lower(given.prefix) collate "C" as low, lower(given.prefix) || chr(1114111) collate "C" as high
  from unnest(:prefixes::text[]) as given (prefix)
)
select f.id
from prefixes p
cross join lateral (
  (
    select l.id, lower(l.owner_last_name || ' ' || coalesce(l.owner_first_name, '')) collate "C" as name
    from app.leads l
    where l.owner_last_name is not null
    and lower(l.owner_last_name || ' ' || coalesce(l.owner_first_name, '')) collate "C" >= p.low
    and lower(l.owner_last_name || ' ' || coalesce(l.owner_first_name, '')) collate "C" < p.high
    order by name
    limit :page_size
  )
  union all
  (
    select l.id, lower(l.owner2_last_name || ' ' || coalesce(l.owner2_first_name, '')) collate "C" as name
    from app.leads l
    where l.owner2_last_name is not null
    and lower(l.owner2_last_name || ' ' || coalesce(l.owner2_first_name, '')) collate "C" >= p.low
    and lower(l.owner2_last_name || ' ' || coalesce(l.owner2_first_name, '')) collate "C" < p.high
    order by name
    limit :page_size
  )
  union all
  (
    select l.id, lower(l.company_name) collate "C" as name
    from app.leads l
    where l.company_name is not null
    and lower(l.company_name) collate "C" >= p.low
    and lower(l.company_name) collate "C" < p.high
    order by name
    limit :page_size
  )
) f
group by f.id
order by min(f.name), f.id
limit :page_size;

-- name: list_lead_ids
-- List the leads that a filter matches, the newest id first, before an id.
-- nullable: :statuses, :broker_id, :state, :county, :min_score, :max_score, :created_since, :updated_since, :source, :upload_id, :before
select l.id
from app.leads l
where (:statuses::text[] is null or l.campaign_status::text = any (:statuses::text[]))
and (:broker_id::uuid is null or l.assigned_broker_id = :broker_id::uuid)
and (not :without_broker::boolean or l.assigned_broker_id is null)
and (:state::text is null or l.property_state = :state::text)
and (:county::text is null or l.county = :county::text)
and (:min_score::integer is null or l.lead_score >= :min_score::integer)
and (:max_score::integer is null or l.lead_score <= :max_score::integer)
and (:created_since::timestamptz is null or l.created_at >= :created_since::timestamptz)
and (:updated_since::timestamptz is null or l.updated_at >= :updated_since::timestamptz)
and (:source::text is null or l.source = :source::text)
and (
  :upload_id::text is null
  or l.id in (select e.lead_id from app.pipeline_events e where e.correlation_id = :upload_id::text)
)
and (:before::uuid is null or l.id < :before::uuid)
order by l.id desc
limit :page_size;

-- name: summarize_leads
-- Return one line for each of these leads, in their order.
-- row: LeadSummary
-- not null: address, owner, status
select
  l.id,
  concat_ws(', ', concat_ws(' ', l.property_address, l.property_unit), l.property_city, concat_ws(' ', l.property_state, l.property_zip))
    as address,
  coalesce(nullif(concat_ws(' ', l.owner_first_name, l.owner_last_name), ''), l.company_name, '') as owner,
  b.name as broker,
  l.campaign_status::text as status,
  l.lead_score as score,
  l.county,
  l.source,
  l.created_at,
  l.updated_at
from unnest(:lead_ids::uuid[]) with ordinality as w (id, place)
join app.leads l on l.id = w.id
left join app.brokers b on b.id = l.assigned_broker_id
order by w.place;

-- name: show_lead^
-- Return everything about a lead but its contacts.
-- row: LeadDetails
-- not null: status
select
  l.id, l.campaign_status::text as status, l.paused_from::text as paused_from, l.assigned_broker_id as broker_id, b.name as broker,
  l.lead_score, l.score_contributions, l.source, l.created_at, l.updated_at, l.lead_version, l.added_to_campaign_at,
  l.last_reply_at, l.call_attempt_count, l.consent, l.consented_at, l.erased_at, l.email_verified, l.phone_verified, l.deceased_owner,
  l.do_not_mail, l.litigator, l.owner_first_name, l.owner_last_name, l.owner2_first_name, l.owner2_last_name, l.company_name,
  l.mailing_address, l.mailing_unit, l.mailing_city, l.mailing_state, l.mailing_zip, l.property_address, l.property_unit,
  l.property_city, l.property_state, l.property_zip, l.county, l.apn, l.mak, l.property_type, l.bedrooms, l.bathrooms,
  l.building_sqft, l.lot_sqft, l.year_built, l.owner_occupied, l.vacant, l.est_value, l.est_equity, l.est_ltv, l.open_loans,
  l.open_loan_balance, l.last_sale_date, l.last_sale_amount
from app.leads l
left join app.brokers b on b.id = l.assigned_broker_id
where l.id = :lead_id;

-- name: list_contacts
-- List the contacts of leads with what is known of each, without their values.
-- row: StoredContact
-- not null: suppressed
select
  c.lead_id, c.channel, c.value_hash, c.line_type, c.source, c.verified, c.verified_at, c.codes, c.dnc, c.dnc_checked_at,
  c.litigator,
  exists (select from app.active_suppressions s where s.channel = c.channel and s.value_hash = c.value_hash) as suppressed
from app.lead_contacts c
where c.lead_id = any (:lead_ids::uuid[])
order by c.lead_id, c.channel, c.rank, c.value_hash;

-- name: list_history
-- List the events of a lead, the newest first, with the user and the reason of those that an operator caused.
-- row: LeadHistoryEvent
select
  e.occurred_at, e.event_type, e.outcome, e.source, e.correlation_id, e.payload -> 'reasons' as reasons, a.actor, a.purpose
from app.pipeline_events e
left join app.access_log a on a.id = (e.payload ->> 'access_id')::bigint
where e.lead_id = :lead_id
order by e.created_at desc
limit :page_size;

-- name: list_lead_campaigns
-- List the campaigns of a lead.
-- row: LeadCampaign
select c.name as campaign, m.desired, m.actual, m.changed_at, m.attempted_at, m.problem
from app.vendor_memberships m
join app.campaigns c on c.id = m.campaign_id
where m.lead_id = :lead_id
order by m.changed_at desc;

-- name: list_feed_days
-- List the days on which the feed gave a lead a slot, or skipped it.
-- row: LeadFeedDay
-- not null: local_date, result, at
select s.local_date, s.state as result, null as reason, s.at
from app.feed_slots s
where s.lead_id = :lead_id
union all
select h.local_date, 'skipped', h.reason, h.at
from app.feed_skips h
where h.lead_id = :lead_id
order by at desc;

-- name: list_decisions
-- List decisions of the contact eligibility gate about a lead, the newest first.
-- row: LeadDecision
select at, channel, allowed, reason, decided_by
from pipeline.contact_decisions
where lead_id = :lead_id
order by at desc
limit :page_size;

-- name: list_open_conflicts
-- List the open conflicts of a lead.
-- row: LeadConflict
select id, kind, column_name, created_at
from app.lead_conflicts
where lead_id = :lead_id
and resolved_at is null
order by id;

-- name: log_access$
-- Log an access to leads and return its number.
-- always a value
-- nullable: :lead_ids, :lead_filter
insert into app.access_log (actor, command, purpose, lead_ids, lead_filter, lead_count, reveals)
values (:actor, :command, :purpose, :lead_ids::uuid[], :lead_filter::jsonb, :lead_count, :reveals)
returning id;

-- name: open_contacts
-- Return encrypted contact values for an access that is logged and committed.
-- row: EncryptedContact
-- not null: lead_id, channel, value_hash, value_ciphertext
select lead_id, channel, value_hash, value_ciphertext, data_key
from app.open_contacts(:access_id, :lead_ids::uuid[]);

-- name: pause_leads
-- Pause leads; return `transitioned`, `already` or `refused` for each.
-- row: ChangeResult
-- not null: lead_id, result
select lead_id, result
from app.transition_lead(:lead_ids::uuid[], 'paused', 'operator');

-- name: resume_leads
-- Return leads to the status before their pause.
-- row: ChangeResult
-- not null: lead_id, result
select lead_id, result
from app.resume_leads(:lead_ids::uuid[], 'operator');

-- name: reassign_leads
-- Give leads to another broker.
-- row: ReassignResult
-- not null: lead_id, result
-- nullable: from_broker
-- type: from_broker BrokerId
select lead_id, result, from_broker
from app.reassign_leads(:lead_ids::uuid[], :broker_id);

-- name: read_changed_leads
-- Return leads as they are after a change, for its events.
-- row: ChangedLead
-- not null: status
select id, lead_version, assigned_broker_id, campaign_status::text as status, paused_from::text as paused_from
from app.leads
where id = any (:lead_ids::uuid[])
order by id;

-- name: list_export_rows
-- Return the facts of leads for a file, in the order of *lead_ids*.
-- row: ExportRow
-- not null: status
select
  l.id, l.campaign_status::text as status, l.lead_score, b.name as broker, l.source, l.created_at, l.updated_at,
  l.property_address, l.property_unit, l.property_city, l.property_state, l.property_zip, l.county, l.apn, l.mak,
  l.owner_first_name, l.owner_last_name, l.owner2_first_name, l.owner2_last_name, l.company_name, l.mailing_address,
  l.mailing_unit, l.mailing_city, l.mailing_state, l.mailing_zip, l.property_type, l.year_built, l.owner_occupied, l.vacant,
  l.est_value, l.est_equity, l.est_ltv, l.open_loans, l.open_loan_balance, l.last_sale_date, l.last_sale_amount,
  l.deceased_owner, l.do_not_mail, l.litigator, l.email_verified, l.phone_verified
from unnest(:lead_ids::uuid[]) with ordinality as w (id, place)
join app.leads l on l.id = w.id
left join app.brokers b on b.id = l.assigned_broker_id
order by w.place;
