-- name: find_campaign_with_adds_due$
-- Return the campaign whose leads have waited longest for their add.
-- Only today's slots count: an add on another day would exceed that day's limit.
select campaign_id
from pipeline.due_adds
where local_date = :local_date
and (retry_at is null or retry_at <= :now)
order by changed_at, campaign_id
limit 1;

-- name: claim_adds
-- Store the intent of an add before the call: until Instantly answers, the membership is unknown.
with due as (
  select m.lead_id, m.campaign_id
  from app.vendor_memberships m
  join pipeline.due_adds d on d.lead_id = m.lead_id and d.campaign_id = m.campaign_id
  where m.campaign_id = :campaign_id
  and d.local_date = :local_date
  and m.desired = 'in'
  and m.actual = 'out'
  and (m.retry_at is null or m.retry_at <= :now)
  order by m.lead_id
  limit :page_size
  for update of m skip locked
)
update app.vendor_memberships m
set actual = 'unknown', attempted_at = :now, claimed_until = :until, retry_at = null, problem = null
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id;

-- name: find_campaign_with_lookups_due$
select m.campaign_id
from app.vendor_memberships m
where m.actual = 'unknown'
and (m.retry_at is null or m.retry_at <= :now)
and (m.claimed_until is null or m.claimed_until <= :now)
order by m.desired = 'out' desc, m.attempted_at, m.campaign_id
limit 1;

-- name: claim_lookups
with due as (
  select m.lead_id, m.campaign_id
  from app.vendor_memberships m
  where m.campaign_id = :campaign_id
  and m.actual = 'unknown'
  and (m.retry_at is null or m.retry_at <= :now)
  and (m.claimed_until is null or m.claimed_until <= :now)
  order by m.desired = 'out' desc, m.lead_id
  limit :page_size
  for update skip locked
)
update app.vendor_memberships m
set claimed_until = :until
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id;

-- name: claim_removals
-- row: ClaimedRemoval
-- not null: vendor_lead_id, until
with due as (
  select m.lead_id, m.campaign_id
  from app.vendor_memberships m
  where m.desired = 'out'
  and m.actual = 'in'
  and (m.retry_at is null or m.retry_at <= :now)
  and (m.claimed_until is null or m.claimed_until <= :now)
  order by m.changed_at, m.lead_id
  limit :page_size
  for update skip locked
)
update app.vendor_memberships m
set claimed_until = :until
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id, m.campaign_id, m.vendor_lead_id, m.claimed_until as until;

-- name: read_members
-- Return claimed memberships with the encrypted address and the values for the emails.
-- row: MembershipDetails
select
  m.lead_id, m.desired, m.attempted_at, m.problem,
  l.data_key, k.value_ciphertext,
  c.settings ->> 'fallbacks' as fallbacks,
  l.owner_first_name, l.owner_last_name, l.property_address, l.property_city, l.property_state, l.est_value, l.est_equity,
  b.name as broker_name, p.name as persona_name
from app.vendor_memberships m
join app.leads l on l.id = m.lead_id
join app.campaigns c on c.id = m.campaign_id
join app.brokers b on b.id = c.broker_id
left join app.personas p on p.id = c.persona_id
left join app.lead_contacts k on k.lead_id = m.lead_id and k.channel = 'email' and k.value_hash = m.value_hash
where m.campaign_id = :campaign_id
and m.lead_id = any (:lead_ids::uuid[])
order by m.lead_id;

-- name: renew_claim
-- Extend a claim for another call, on the rows that no other process has claimed or completed since.
-- row: RenewedMembership
update app.vendor_memberships
set claimed_until = :until
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until
and claimed_until > :now
returning lead_id, desired;

-- name: list_claimed_leads
-- List the leads that a claim still holds.
select lead_id
from app.vendor_memberships
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until;

-- name: lock_memberships!
select lead_id
from app.vendor_memberships
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
order by lead_id
for update;

-- name: mark_present!
update app.vendor_memberships m
set actual = 'in', vendor_lead_id = f.vendor_lead_id, checked_at = :now, claimed_until = null, retry_at = null, problem = null
from unnest(:lead_ids::uuid[], :vendor_lead_ids::text[]) as f (lead_id, vendor_lead_id)
where m.lead_id = f.lead_id
and m.campaign_id = :campaign_id;

-- name: mark_out!
-- nullable: :retry_at, :problem
update app.vendor_memberships
set actual = 'out', checked_at = :now, claimed_until = null, retry_at = :retry_at, problem = :problem
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until;

-- name: schedule_retry!
-- nullable: :problem
update app.vendor_memberships
set claimed_until = null, retry_at = :retry_at, problem = coalesce(:problem, problem)
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until;

-- name: request_removal!
update app.vendor_memberships
set desired = 'out', changed_at = :now
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and desired = 'in';

-- name: request_suppressed_removals
-- Request the removal of leads that are suppressed, stopped, deceased or litigators, or that decided on calls.
-- Of *lead_ids*, or for null of all leads in the campaign.
-- nullable: :lead_ids
update app.vendor_memberships m
set desired = 'out', changed_at = :now
where m.desired = 'in'
and (:lead_ids::uuid[] is null or m.lead_id = any (:lead_ids::uuid[]))
and m.campaign_id = :campaign_id
and (
  exists (select from app.active_suppressions s where s.channel = 'email' and s.value_hash = m.value_hash)
  or app.is_excluded_from_campaigns(m.lead_id)
  or exists (
    select
    from app.lead_contacts k
    where k.lead_id = m.lead_id
    and k.channel = 'email'
    and k.value_hash = m.value_hash
    and k.litigator
  )
)
returning m.lead_id;

-- name: confirm_slots
-- Mark the slots of leads that are in their campaign for the first time, and return them.
-- A slot that was reserved again for another campaign stays.
-- row: ConfirmedSlot
update app.feed_slots s
set state = 'added'
from app.leads l
where s.lead_id = any (:lead_ids::uuid[])
and s.state = 'reserved'
and l.id = s.lead_id
and not exists (
  select
  from app.vendor_memberships m
  where m.lead_id = s.lead_id
  and m.campaign_id <> :campaign_id
  and m.desired = 'in'
)
returning s.lead_id, s.broker_id, s.local_date, l.lead_version;

-- name: return_unused_slots!
-- Return slots whose lead never reached a campaign and is not wanted in one.
-- They do not count against the limit.
update app.feed_slots s
set state = 'returned'
where s.state = 'reserved'
and not exists (
  select from app.vendor_memberships m where m.lead_id = s.lead_id and (m.desired = 'in' or m.actual <> 'out')
);

-- name: read_campaign^
-- row: VendorCampaign
-- always one row
select persona_id, vendor_campaign_id
from app.campaigns
where id = :campaign_id;

-- name: set_campaign_problem!
update app.campaigns
set problem = :problem
where id = :campaign_id;

-- name: claim_audit^
-- Claim the campaign to audit, unless another one is being audited.
-- It is one whose audit was interrupted, else the one that was audited longest ago. `cursor` is Instantly's cursor of the
-- next page, which need not be a member's id; null for the first page.
-- row: AuditProgress
-- not null: vendor_campaign_id
with due as (
  select c.id
  from app.campaigns c
  where c.vendor_campaign_id is not null
  and (c.audited_at is null or c.audited_at <= :before)
  and not exists (select from app.campaigns o where o.audit_until > :now)
  order by c.audit_cursor is null, c.audited_at nulls first, c.id
  limit 1
)
update app.campaigns c
set audit_until = :until
from due
where c.id = due.id
returning c.id as campaign_id, c.vendor_campaign_id, c.audit_cursor as cursor;

-- name: lock_audits!
-- Allow one claim at a time.
-- Otherwise two replicas could both find that no campaign is being audited.
select pg_advisory_xact_lock(hashtext('feeder.audit_members'));

-- name: advance_audit!
update app.campaigns
set audit_cursor = :cursor, audit_until = :until
where id = :campaign_id;

-- name: finish_audit!
update app.campaigns
set audit_cursor = null, audit_until = null, audited_at = :now
where id = :campaign_id;

-- name: postpone_audit!
-- Release the audit, which continues from its cursor later, as if it had last ended at *as_of*.
-- nullable: :as_of
update app.campaigns
set audit_until = null, audited_at = coalesce(:as_of, audited_at)
where id = :campaign_id;

-- name: list_leads_allowed_in_campaigns
-- List the leads among *lead_ids* that exist and that nothing keeps out of every campaign.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and not app.is_excluded_from_campaigns(id);

-- name: mark_seen_members
-- Mark the members that an audit saw, and return those that differed.
-- `checked_at` changes once a day, the rest when it differs.
update app.vendor_memberships m
set actual = 'in', vendor_lead_id = f.vendor_lead_id, checked_at = :now, problem = null
from unnest(:lead_ids::uuid[], :vendor_lead_ids::text[]) as f (lead_id, vendor_lead_id)
where m.lead_id = f.lead_id
and m.campaign_id = :campaign_id
and (
  m.actual <> 'in'
  or m.vendor_lead_id is distinct from f.vendor_lead_id
  or m.checked_at < :now::timestamptz - interval '1 day'
)
returning m.lead_id;

-- name: list_managed_members
select lead_id
from app.vendor_memberships
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[]);

-- name: find_members_by_address
-- row: MemberAddress
-- not null: value_hash
select lead_id, value_hash
from app.vendor_memberships
where campaign_id = :campaign_id
and value_hash = any (:hashes::bytea[]);

-- name: list_suppressed_addresses
-- not null: value_hash
select value_hash
from app.active_suppressions
where channel = 'email'
and value_hash = any (:hashes::bytea[]);

-- name: mark_missing_members_unknown
-- Mark members unknown that a page should contain by the order of ids, and does not.
-- The reconciler looks them up one by one.
-- nullable: :last
update app.vendor_memberships
set actual = 'unknown', retry_at = null, claimed_until = null
where campaign_id = :campaign_id
and actual = 'in'
and attempted_at < :before
and vendor_lead_id collate "C" > :after
and (:last::text is null or vendor_lead_id collate "C" <= :last)
and not vendor_lead_id = any (:seen::text[])
returning lead_id;

-- name: claim_campaigns
-- Claim campaigns that differ from their state at Instantly.
-- Those of a disabled broker are to pause. A campaign that is missing at Instantly waits for `equity campaigns sync`.
-- row: CampaignToSync
-- not null: claimed_until, active
with due as (
  select c.id, c.active and b.active as active, b.name as broker_name
  from app.campaigns c
  join app.brokers b on b.id = c.broker_id
  where c.version > c.synced_version
  and c.problem is distinct from 'missing'
  and (c.active and b.active or c.vendor_campaign_id is not null)
  and (c.claimed_until is null or c.claimed_until <= :now)
  order by c.id
  limit :page_size
  for update of c skip locked
)
update app.campaigns c
set claimed_until = :until
from due d
where c.id = d.id
returning
  c.id, c.name, c.version, c.vendor_campaign_id, c.sequence, c.settings, c.claimed_until, d.active, d.broker_name;

-- name: is_claim_valid$
-- Return whether a claim has neither expired nor gone to another replica.
-- always a value
select exists (
  select
  from app.campaigns
  where id = :campaign_id
  and claimed_until = :claimed_until
  and claimed_until > :now
);

-- name: set_vendor_campaign$
-- Store Instantly's id, and return true.
-- Return null if another replica has created the campaign meanwhile: that one stays.
update app.campaigns
set vendor_campaign_id = :vendor_campaign_id
where id = :campaign_id
and coalesce(vendor_campaign_id, :vendor_campaign_id) = :vendor_campaign_id
returning true;

-- name: mark_synced!
update app.campaigns
set synced_version = :version, synced_at = :now, claimed_until = null, problem = null
where id = :campaign_id;

-- name: release_campaign!
-- nullable: :problem
update app.campaigns
set claimed_until = :until, problem = coalesce(:problem, problem)
where id = :campaign_id;
