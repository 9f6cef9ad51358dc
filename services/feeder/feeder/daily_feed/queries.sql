-- name: list_active_brokers
select id
from app.brokers
where active
order by id;

-- name: lock_broker^
-- Lock the broker's row until the transaction ends, and return what its feed needs.
-- row: BrokerFeedRules
-- not null: name, daily_limit, active, feed_weekdays, feed_weekdays[], days_off, days_off[]
select name, daily_limit, active, feed_weekdays, feed_on_holidays, days_off
from app.lock_broker_for_feed(:broker_id);

-- name: read_broker^
-- row: BrokerFeedRules
-- not null: feed_weekdays[], days_off[]
-- role: feeder, operator
select name, daily_limit, active, feed_weekdays, feed_on_holidays, days_off
from app.brokers
where id = :broker_id;

-- name: count_slots$
-- Count the slots that use up the limit of a day.
-- always a value
-- role: feeder, operator
select count(*)
from app.feed_slots
where broker_id = :broker_id
and local_date = :local_date
and state <> 'returned';

-- name: list_ready_campaigns
-- List the broker's campaigns that take leads.
-- role: feeder, operator
select id
from app.campaigns
where broker_id = :broker_id
and active
and vendor_campaign_id is not null
and problem is null
order by id;

-- name: list_candidates
-- List the broker's best leads in the candidate snapshot, without those of *exclude*.
-- They have no slot, and no skip of the day. This statement alone defines the order of the feed. It reads the snapshot only,
-- in the order of its index. It also returns leads that have left the queue since the snapshot:
-- `read_queued_addresses` omits them.
-- type: :exclude LeadId
-- not null: id
-- role: feeder, operator
select m.id
from app.mv_contactable_leads m
where m.assigned_broker_id = :broker_id
and m.campaign_status = 'queued'
and m.email_verified
and m.added_to_campaign_at is null
and not exists (select from app.feed_slots s where s.lead_id = m.id and s.state <> 'returned')
and not exists (select from app.feed_skips h where h.lead_id = m.id and h.local_date = :local_date)
and not m.id = any (:exclude::uuid[])
order by m.lead_score desc, m.id
limit :page_size;

-- name: read_queued_addresses
-- Return the leads that are still the broker's and queued.
-- Each comes with the hash of its best verified email address, or null.
-- row: QueuedAddress
-- role: feeder, operator
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
-- Lock the leads' rows.
-- A lead whose row another transaction holds is left to the next run.
-- FOR UPDATE conflicts with the key share lock of a transaction that records a conflict of the lead. So the feed either
-- sees that conflict, or the conflict is recorded after the feed.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and campaign_status = 'queued'
and assigned_broker_id = :broker_id
order by id
for update skip locked;

-- name: read_facts
-- Return facts for the gate and the score about leads and the addresses to write to, in the order of the input.
-- The facts of the score are those of `read_facts_to_score`.
-- `household`: an open conflict says that another lead has the same address key, and that lead was fed or contacted, or is
-- the older one and so has priority. `company_seen` and `person_seen`: stamps of the company's and the owner's name.
-- row: CandidateFacts
-- not null: status, value_hash, phones, emails, verified_phones, verified_emails, suppressed, decided_on_calls, duplicate, household
-- role: feeder, operator
select
  l.id,
  l.campaign_status::text as status,
  l.owner_first_name,
  l.owner_last_name,
  l.owner2_first_name,
  l.owner2_last_name,
  l.company_name,
  pipeline.stamp_of('company_name', l.company_name, l.stamp, l.observed) as company_seen,
  greatest(
    pipeline.stamp_of('owner_first_name', l.owner_first_name, l.stamp, l.observed),
    pipeline.stamp_of('owner_last_name', l.owner_last_name, l.stamp, l.observed)
  ) as person_seen,
  l.consent,
  l.consented_at,
  c.verified,
  c.litigator as value_litigator,
  w.value_hash,
  l.est_value,
  l.est_equity,
  l.est_ltv,
  l.open_loans,
  l.open_loan_balance,
  l.owner_occupied,
  l.vacant,
  l.last_sale_date,
  l.deceased_owner,
  l.do_not_mail,
  l.litigator,
  c.phones,
  c.emails,
  c.verified_phones,
  c.verified_emails,
  exists (
    select from app.active_suppressions s where s.channel = 'email' and s.value_hash = w.value_hash
  ) as suppressed,
  app.has_decided_on_calls(l.id) as decided_on_calls,
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
    or exists (select from app.feed_slots s where s.lead_id = o.id and s.state <> 'returned')
  ) as household
from unnest(:lead_ids::uuid[], :hashes::bytea[]) with ordinality as w (lead_id, value_hash, place)
join app.leads l on l.id = w.lead_id
cross join lateral (
  select
    bool_or(c.verified) filter (where c.channel = 'email' and c.value_hash = w.value_hash) as verified,
    bool_or(c.litigator) filter (where c.channel = 'email' and c.value_hash = w.value_hash) as litigator,
    count(*) filter (where c.channel = 'phone' and c.verified is not false) as phones,
    count(*) filter (where c.channel = 'email' and c.verified is not false) as emails,
    count(*) filter (where c.channel = 'phone' and c.verified) as verified_phones,
    count(*) filter (where c.channel = 'email' and c.verified) as verified_emails
  from app.lead_contacts c
  where c.lead_id = w.lead_id
) c
order by w.place;

-- name: find_day_of_skip$
-- Return the last day on which the feed skipped a lead.
-- role: operator
select local_date
from app.feed_skips
where lead_id = :lead_id;

-- name: reserve_slots!
-- Reserve a slot for each lead, with the facts on which it is fed.
-- A slot that was returned is reserved again, with new facts: its lead never reached a campaign. The best leads are fed, so
-- none is drawn by lot.
insert into app.feed_slots as s (
  broker_id, local_date, lead_id, at, score_model, lead_score, score_contributions, features, propensity, drawn
)
select
  :broker_id, :local_date, w.lead_id, :now, :score_model, l.lead_score, l.score_contributions, w.features::jsonb, 1, false
from unnest(:lead_ids::uuid[], :features::text[]) as w (lead_id, features)
join app.leads l on l.id = w.lead_id
on conflict (lead_id) do update
set
  broker_id = excluded.broker_id,
  local_date = excluded.local_date,
  state = 'reserved',
  at = excluded.at,
  score_model = excluded.score_model,
  lead_score = excluded.lead_score,
  score_contributions = excluded.score_contributions,
  features = excluded.features,
  propensity = excluded.propensity,
  drawn = excluded.drawn
where s.state = 'returned';

-- name: request_adds!
-- nullable: :hashes[]
insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash, changed_at)
select w.lead_id, w.campaign_id, 'in', 'out', w.value_hash, :now
from unnest(:lead_ids::uuid[], :campaign_ids::uuid[], :hashes::bytea[]) as w (lead_id, campaign_id, value_hash)
on conflict (lead_id, campaign_id) do update
set desired = 'in', value_hash = excluded.value_hash, changed_at = excluded.changed_at, retry_at = null, problem = null;

-- name: record_skips!
insert into app.feed_skips (lead_id, broker_id, local_date, reason, at)
select h.lead_id, :broker_id, :local_date, h.reason, :now
from unnest(:lead_ids::uuid[], :reasons::text[]) as h (lead_id, reason)
on conflict (lead_id) do update
set broker_id = excluded.broker_id, local_date = excluded.local_date, reason = excluded.reason, at = excluded.at;

-- name: lock_leads_never_added
-- Lock active leads that never reached Instantly and whose slot is used up.
-- The slot dates from an earlier day or was returned.
select l.id
from app.feed_slots s
join app.leads l on l.id = s.lead_id and l.campaign_status = 'active'
where (s.state = 'returned' or s.state = 'reserved' and s.local_date < :local_date)
and not exists (
  select from app.vendor_memberships m where m.lead_id = l.id and (m.actual <> 'out' or m.vendor_lead_id is not null)
)
order by l.id
limit :page_size
for update of l skip locked;

-- name: cancel_desired_memberships!
update app.vendor_memberships
set desired = 'out', changed_at = :now
where lead_id = any (:lead_ids::uuid[])
and desired = 'in';

-- name: return_slots!
update app.feed_slots
set state = 'returned'
where lead_id = any (:lead_ids::uuid[]);

-- name: clear_added_at!
update app.leads
set added_to_campaign_at = null
where id = any (:lead_ids::uuid[]);

-- name: count_queued^
-- Count the broker's queued leads, by the reason why they wait.
-- row: QueuedCounts
-- not null: with_email, phone_only, not_in_snapshot
-- always one row
select
  count(*) filter (where l.email_verified) as with_email,
  count(*) filter (where not l.email_verified) as phone_only,
  count(*) filter (where l.email_verified and m.id is null) as not_in_snapshot
from app.leads l
left join app.mv_contactable_leads m on m.id = l.id and m.campaign_status = 'queued' and m.email_verified
where l.assigned_broker_id = :broker_id
and l.campaign_status = 'queued';

-- name: list_skips
-- List the leads that the feed already skipped on a day.
-- row: FeedSkip
select h.lead_id, h.reason
from app.feed_skips h
where h.broker_id = :broker_id
and h.local_date = :local_date;

-- name: list_campaign_names
-- row: CampaignName
select id, name
from app.campaigns
where broker_id = :broker_id;

-- name: read_scores
-- row: LeadScore
select id, lead_score
from app.leads
where id = any (:lead_ids::uuid[]);
