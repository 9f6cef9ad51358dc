-- name: verified_new_leads
-- Verified leads that wait for nothing yet.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and (email_verified or phone_verified)
and campaign_status = 'new'
order by id;

-- name: forgotten_verified_leads
-- Verified leads that nobody queued for so long: their event was lost. The index `leads_unqueued_idx` holds these alone.
select id
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :forgotten_after::interval
and id > :after
order by id
limit :many;

-- name: count_forgotten_leads$
select count(*)
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :forgotten_after::interval;

-- name: read_leads
select id, lead_version, assigned_broker_id, email_verified, lead_score
from app.leads
where id = any (:lead_ids::uuid[])
order by id;

-- name: refresh_contactable_leads!
select app.refresh_contactable_leads();

-- name: active_brokers
select id, name
from app.brokers
where active
order by id;

-- name: lock_broker^
select * from app.lock_broker_for_feed(:broker_id);

-- name: read_broker^
select name, daily_limit, active, feed_weekdays, feed_on_holidays, days_off
from app.brokers
where id = :broker_id;

-- name: count_slots$
-- Slots that count against the limit of a day.
select count(*)
from app.feed_slots
where broker_id = :broker_id
and local_date = :local_date
and state <> 'refused';

-- name: never_added
-- Active leads whose slot is used up and who never came to Instantly: of an earlier day, or given back.
select l.id
from app.feed_slots s
join app.leads l on l.id = s.lead_id and l.campaign_status = 'active'
where (s.state = 'refused' or s.state = 'reserved' and s.local_date < :local_date)
and not exists (
  select from app.vendor_memberships m where m.lead_id = l.id and (m.actual <> 'out' or m.vendor_lead_id is not null)
)
order by l.id
limit :many
for update of l skip locked;

-- name: want_nowhere!
update app.vendor_memberships
set desired = 'out', changed_at = :now
where lead_id = any (:lead_ids::uuid[])
and desired = 'in';

-- name: refuse_slots!
update app.feed_slots
set state = 'refused'
where lead_id = any (:lead_ids::uuid[]);

-- name: forget_added_at!
update app.leads
set added_to_campaign_at = null
where id = any (:lead_ids::uuid[]);

-- name: ready_campaigns
select id
from app.campaigns
where broker_id = :broker_id
and active
and vendor_campaign_id is not null
and problem is null
order by id;

-- name: list_candidates
-- The best leads of the morning's list that have no slot, were not refused today, and are not in *besides*. The list alone is
-- read, in the order of its index; this is the one place that says in which order leads are fed. Who left the line since it was made is missing from `addresses_in_line`.
select m.id
from app.mv_contactable_leads m
where m.assigned_broker_id = :broker_id
and m.campaign_status = 'queued'
and m.email_verified
and m.added_to_campaign_at is null
and not exists (select from app.feed_slots s where s.lead_id = m.id and s.state <> 'refused')
and not exists (select from app.feed_holds h where h.lead_id = m.id and h.local_date = :local_date)
and not m.id = any (:besides::uuid[])
order by m.lead_score desc, m.id
limit :many;

-- name: addresses_in_line
-- Of these leads the ones that are still the broker's and in line, and the address that each would be written to: the best
-- verified one, or null.
select l.id as lead_id, c.value_hash
from app.leads l
left join lateral (
  select c.value_hash
  from app.lead_contacts c
  where c.lead_id = l.id
  and c.channel = 'email'
  and c.verified
  order by c.rank, c.value_hash
  limit 1
) c on true
where l.id = any (:lead_ids::uuid[])
and l.campaign_status = 'queued'
and l.assigned_broker_id = :broker_id;

-- name: lock_candidates
-- The base rows, as they are now; a lead that somebody is changing at this moment is left for the next round. FOR UPDATE also
-- meets the key share that whoever records a conflict of a lead holds: either the feed sees the conflict, or it comes after.
select id, lead_score
from app.leads
where id = any (:lead_ids::uuid[])
and campaign_status = 'queued'
and assigned_broker_id = :broker_id
order by id
for update skip locked;

-- name: read_facts
-- What the gate wants to know of leads and the addresses they would be written to. `household`: an open conflict says that
-- another lead has the same address key, and that one was fed or contacted, or is the older and so has the right. `…_seen`:
-- when the owner's name and the company's were last observed, by their places in `leads.observed`.
select
  l.id as lead_id,
  l.lead_score,
  l.campaign_status::text as status,
  l.deceased_owner as deceased,
  l.owner_first_name,
  l.owner_last_name,
  l.owner2_first_name,
  l.owner2_last_name,
  l.company_name,
  l.observed[13] as company_seen,
  greatest(l.observed[9], l.observed[10]) as person_seen,
  l.consent,
  l.consented_at,
  (l.litigator or coalesce(c.litigator, false)) as litigator,
  c.verified,
  w.value_hash,
  exists (
    select from app.suppressions s where s.channel = 'email' and s.value_hash = w.value_hash
  ) as suppressed,
  exists (
    select
    from app.vendor_memberships m
    where m.value_hash = w.value_hash
    and (m.desired = 'in' or m.actual <> 'out' or m.vendor_lead_id is not null)
  ) as duplicate,
  exists (
    select
    from (
      select x.other_lead_id as id
      from app.lead_conflicts x
      where x.lead_id = l.id and x.resolved_at is null and x.kind = 'key_held' and x.column_name in ('mak', 'addr_hash')
      union all
      select x.lead_id
      from app.lead_conflicts x
      where x.other_lead_id = l.id and x.resolved_at is null and x.kind = 'key_held' and x.column_name in ('mak', 'addr_hash')
    ) x
    join app.leads o on o.id = x.id
    where (o.created_at, o.id) < (l.created_at, l.id)
    or o.campaign_status in ('active', 'replied', 'converted', 'unsubscribed', 'do_not_contact')
    or o.added_to_campaign_at is not null
    or o.last_reply_at is not null
    or o.call_attempt_count > 0
    or exists (select from app.feed_slots s where s.lead_id = o.id and s.state <> 'refused')
  ) as household
from unnest(:lead_ids::uuid[], :hashes::bytea[]) with ordinality as w (lead_id, value_hash, place)
join app.leads l on l.id = w.lead_id
left join app.lead_contacts c on c.lead_id = w.lead_id and c.channel = 'email' and c.value_hash = w.value_hash
order by w.place;

-- name: reserve_slots!
-- A slot that was given back is taken again: nobody got in with it.
insert into app.feed_slots as s (broker_id, local_date, lead_id, at)
select :broker_id, :local_date, w.lead_id, :now
from unnest(:lead_ids::uuid[]) as w (lead_id)
on conflict (lead_id) do update
set broker_id = excluded.broker_id, local_date = excluded.local_date, state = 'reserved', at = excluded.at
where s.state = 'refused';

-- name: want_in!
insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash, changed_at)
select w.lead_id, w.campaign_id, 'in', 'out', w.value_hash, :now
from unnest(:lead_ids::uuid[], :campaign_ids::uuid[], :hashes::bytea[]) as w (lead_id, campaign_id, value_hash)
on conflict (lead_id, campaign_id) do update
set desired = 'in', value_hash = excluded.value_hash, changed_at = excluded.changed_at, retry_at = null, problem = null;

-- name: move_leads
select lead_id, result from app.move_lead(:lead_ids::uuid[], :to_status::app.campaign_status, :because);

-- name: hold!
insert into app.feed_holds (lead_id, broker_id, local_date, reason, at)
select h.lead_id, :broker_id, :local_date, h.reason, :now
from unnest(:lead_ids::uuid[], :reasons::text[]) as h (lead_id, reason)
on conflict (lead_id) do update
set broker_id = excluded.broker_id, local_date = excluded.local_date, reason = excluded.reason, at = excluded.at;

-- name: forget_holds!
delete from app.feed_holds
where local_date < :before;

-- name: unwanted_members^
-- Who must not be in a campaign and may still be: taken out or suppressed, and Instantly has not said that they are out.
select count(*) as members, coalesce(extract(epoch from now() - min(since)), 0)::double precision as oldest_seconds
from (
  select coalesce(s.at, m.changed_at) as since
  from app.vendor_memberships m
  left join app.suppressions s on s.channel = 'email' and s.value_hash = m.value_hash
  where m.actual <> 'out'
  and (m.desired = 'out' or s.id is not null)
) unwanted;

-- name: sweep_lag$
-- Seconds since the campaign that waits longest was last compared to its end, or came to Instantly.
select coalesce(extract(epoch from :now - min(coalesce(swept_at, synced_at))), 0)::double precision
from app.campaigns
where vendor_campaign_id is not null;

-- name: waiting_counts^
-- Who of a broker's leads waits, and for what.
select
  count(*) filter (where l.email_verified) as with_email,
  count(*) filter (where not l.email_verified) as phone_only,
  count(*) filter (where l.email_verified and m.id is null) as not_on_the_list
from app.leads l
left join app.mv_contactable_leads m on m.id = l.id and m.campaign_status = 'queued' and m.email_verified
where l.assigned_broker_id = :broker_id
and l.campaign_status = 'queued';

-- name: campaign_with_adds_due$
-- The campaign whose leads have waited longest for their add. Only slots of today count: an add of another day would be
-- beyond that day's limit.
select campaign_id
from pipeline.due_adds
where local_date = :local_date
and (retry_at is null or retry_at <= :now)
order by changed_at, campaign_id
limit 1;

-- name: claim_adds
-- The intent of an add, committed before the call: from here on nobody knows, until Instantly has said.
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
  limit :many
  for update of m skip locked
)
update app.vendor_memberships m
set actual = 'unknown', attempted_at = :now, claimed_until = :until, retry_at = null, problem = null
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id;

-- name: campaign_with_asks_due$
select m.campaign_id
from app.vendor_memberships m
where m.actual = 'unknown'
and (m.retry_at is null or m.retry_at <= :now)
and (m.claimed_until is null or m.claimed_until <= :now)
order by m.desired = 'out' desc, m.attempted_at, m.campaign_id
limit 1;

-- name: claim_asks
with due as (
  select m.lead_id, m.campaign_id
  from app.vendor_memberships m
  where m.campaign_id = :campaign_id
  and m.actual = 'unknown'
  and (m.retry_at is null or m.retry_at <= :now)
  and (m.claimed_until is null or m.claimed_until <= :now)
  order by m.desired = 'out' desc, m.lead_id
  limit :many
  for update skip locked
)
update app.vendor_memberships m
set claimed_until = :until
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id;

-- name: claim_removals
with due as (
  select m.lead_id, m.campaign_id
  from app.vendor_memberships m
  where m.desired = 'out'
  and m.actual = 'in'
  and (m.retry_at is null or m.retry_at <= :now)
  and (m.claimed_until is null or m.claimed_until <= :now)
  order by m.changed_at, m.lead_id
  limit :many
  for update skip locked
)
update app.vendor_memberships m
set claimed_until = :until
from due d
where m.lead_id = d.lead_id
and m.campaign_id = d.campaign_id
returning m.lead_id, m.campaign_id, m.vendor_lead_id;

-- name: read_members
-- Claimed memberships with what an email says of the lead, and the address, sealed.
select
  m.lead_id, m.desired, m.attempted_at, m.problem, m.value_hash,
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
-- The claim anew for another call, of whom nobody else has claimed or settled since.
update app.vendor_memberships
set claimed_until = :until
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until
and claimed_until > :now
returning lead_id, desired;

-- name: still_claimed
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

-- name: record_in!
update app.vendor_memberships m
set actual = 'in', vendor_lead_id = f.vendor_lead_id, checked_at = :now, claimed_until = null, retry_at = null, problem = null
from unnest(:lead_ids::uuid[], :vendor_lead_ids::text[]) as f (lead_id, vendor_lead_id)
where m.lead_id = f.lead_id
and m.campaign_id = :campaign_id;

-- name: record_out!
update app.vendor_memberships
set actual = 'out', checked_at = :now, claimed_until = null, retry_at = :retry_at, problem = :problem
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until;

-- name: record_later!
update app.vendor_memberships
set claimed_until = null, retry_at = :retry_at, problem = coalesce(:problem, problem)
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and claimed_until = :claimed_until;

-- name: want_out!
update app.vendor_memberships
set desired = 'out', changed_at = :now
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[])
and desired = 'in';

-- name: take_out
-- Who is suppressed or stopped, dead or a litigator shall be in no campaign: of these leads, or for null of all in the campaign.
update app.vendor_memberships m
set desired = 'out', changed_at = :now
where m.desired = 'in'
and (:lead_ids::uuid[] is null or m.lead_id = any (:lead_ids::uuid[]))
and (:campaign_id::uuid is null or m.campaign_id = :campaign_id)
and (
  exists (select from app.suppressions s where s.channel = 'email' and s.value_hash = m.value_hash)
  or exists (
    select
    from app.leads l
    where l.id = m.lead_id
    and app.is_kept_out(l.campaign_status, l.deceased_owner, l.litigator)
  )
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
-- Slots of leads that are in their campaign for the first time. A slot that was taken anew for another campaign stays.
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

-- name: give_back_slots
-- A slot whose lead never got into a campaign and shall not does not count against the limit.
update app.feed_slots s
set state = 'refused'
where s.state = 'reserved'
and not exists (
  select from app.vendor_memberships m where m.lead_id = s.lead_id and (m.desired = 'in' or m.actual <> 'out')
)
returning s.lead_id;

-- name: read_campaign^
select id, broker_id, persona_id, vendor_campaign_id
from app.campaigns
where id = :campaign_id;

-- name: set_campaign_problem!
update app.campaigns
set problem = :problem
where id = :campaign_id;

-- name: claim_sweep^
-- The campaign to compare: one that was begun, else the one that was compared longest ago; none while another is compared.
with mine as (
  select c.id
  from app.campaigns c
  where c.vendor_campaign_id is not null
  and (c.swept_at is null or c.swept_at <= :before)
  and not exists (select from app.campaigns o where o.sweep_until > :now)
  order by c.sweep_cursor is null, c.swept_at nulls first, c.id
  limit 1
)
update app.campaigns c
set sweep_until = :until
from mine
where c.id = mine.id
returning c.id, c.vendor_campaign_id, c.sweep_cursor;

-- name: lock_sweeps!
-- One claim at a time, so that two replicas do not both find that nobody sweeps.
select pg_advisory_xact_lock(hashtext('feeder.sweep'));

-- name: go_on_sweeping!
update app.campaigns
set sweep_cursor = :cursor, sweep_until = :until
where id = :campaign_id;

-- name: end_sweep!
update app.campaigns
set sweep_cursor = null, sweep_until = null, swept_at = :now
where id = :campaign_id;

-- name: put_sweep_off!
-- It goes on from its cursor, as if it had last ended at *as_of*.
update app.campaigns
set sweep_until = null, swept_at = coalesce(:as_of, swept_at)
where id = :campaign_id;

-- name: writable_leads
-- Of these leads the ones that nothing keeps out of every campaign.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and not app.is_kept_out(campaign_status, deceased_owner, litigator);

-- name: record_seen
-- What a sweep saw in a campaign; `checked_at` is written once a day, the rest when it differs.
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

-- name: known_members
select lead_id
from app.vendor_memberships
where campaign_id = :campaign_id
and lead_id = any (:lead_ids::uuid[]);

-- name: members_by_address
select lead_id, value_hash
from app.vendor_memberships
where campaign_id = :campaign_id
and value_hash = any (:hashes::bytea[]);

-- name: suppressed_addresses
select value_hash
from app.suppressions
where channel = 'email'
and value_hash = any (:hashes::bytea[]);

-- name: doubt_missing
-- Members whom a page should have had, by their place in the order of ids, and had not: they are asked about one by one.
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
-- Campaigns that the vendor does not have as they should be; those of a disabled broker shall pause. One that is gone there
-- waits for `equity campaigns sync`.
with due as (
  select c.id, c.active and b.active as active, b.name as broker_name
  from app.campaigns c
  join app.brokers b on b.id = c.broker_id
  where c.version > c.synced_version
  and c.problem is distinct from 'gone'
  and (c.active and b.active or c.vendor_campaign_id is not null)
  and (c.claimed_until is null or c.claimed_until <= :now)
  order by c.id
  limit :many
  for update of c skip locked
)
update app.campaigns c
set claimed_until = :until
from due d
where c.id = d.id
returning
  c.id, c.name, c.version, c.vendor_campaign_id, c.sequence, c.settings, c.claimed_until, d.active, d.broker_name;

-- name: campaign_is_ours$
-- Whether a claim has neither run out nor gone to another replica.
select exists (
  select
  from app.campaigns
  where id = :campaign_id
  and claimed_until = :claimed_until
  and claimed_until > :now
);

-- name: record_campaign$
-- Nothing where another replica made the campaign meanwhile: that one holds.
update app.campaigns
set vendor_campaign_id = :vendor_campaign_id
where id = :campaign_id
and coalesce(vendor_campaign_id, :vendor_campaign_id) = :vendor_campaign_id
returning true;

-- name: record_synced!
update app.campaigns
set synced_version = :version, synced_at = :now, claimed_until = null, problem = null
where id = :campaign_id;

-- name: release_campaign!
update app.campaigns
set claimed_until = :until, problem = coalesce(:problem, problem)
where id = :campaign_id;

-- name: campaign_names
select id, name
from app.campaigns
where broker_id = :broker_id;

-- name: holds_of_today
-- Who was refused today already, the best first.
select h.lead_id, h.reason
from app.feed_holds h
where h.broker_id = :broker_id
and h.local_date = :local_date;

-- name: standing^
select
  coalesce(greatest(0, extract(epoch from paused_until - clock_timestamp())), 0)::double precision as pause_s,
  last_fault
from pipeline.provider_states
where provider = :vendor;
