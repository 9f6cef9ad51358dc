-- Statements of `equity demo`, run as the owner: it reads the data of every service and changes none.

-- name: count_traced_of_upload^
-- Count an upload's leads, those that were traced through any upload, and verified ones that are not queued.
-- row: TraceProgress
-- always one row
-- not null: leads, traced, to_be_queued
with mine as (
  select distinct lead_id
  from app.pipeline_events
  where correlation_id = :upload_id and event_type = 'dedupe_success'
),
traced as (
  select m.lead_id, bool_or(e.event_type = 'lead_verified') as verified
  from mine m
  join app.pipeline_events e on e.lead_id = m.lead_id and e.event_type in ('lead_verified', 'lead_unverifiable')
  group by m.lead_id
)
select
  (select count(*) from mine) as leads,
  count(*) as traced,
  count(*) filter (
    where t.verified and l.campaign_status = 'new' and (l.email_verified or l.phone_verified)
  ) as to_be_queued
from traced t
join app.leads l on l.id = t.lead_id;

-- name: count_campaigns^
-- Count a broker's active campaigns, and those that are not at Instantly yet.
-- row: CampaignProgress
-- always one row
-- not null: campaigns, due
select
  count(*) as campaigns,
  count(*) filter (where version > synced_version) as due
from app.campaigns
where broker_id = :broker_id and active;

-- name: find_job_time$
select local_time from pipeline.jobs where job = :job;

-- name: find_job_outcome$
select outcome from pipeline.job_runs where job = :job and local_date = :local_date;

-- name: count_slots_of_day^
-- row: DaySlots
-- always one row
-- not null: fed, added, recorded, returned
select
  count(*) filter (where state <> 'returned') as fed,
  count(*) filter (where state = 'added') as added,
  count(*) filter (
    where state = 'added'
    and exists (select from app.pipeline_events e where e.lead_id = s.lead_id and e.event_type = 'campaign_added')
  ) as recorded,
  count(*) filter (where state = 'returned') as returned
from app.feed_slots s
where broker_id = :broker_id and local_date = :local_date;

-- name: count_skips_by_reason
-- row: SkippedLeads
-- not null: leads
select reason, count(*) as leads
from app.feed_skips
where broker_id = :broker_id and local_date = :local_date
group by reason
order by leads desc, reason;

-- name: count_queued^
-- row: WaitingLeads
-- always one row
-- not null: waiting, waiting_without_email
select
  count(*) filter (where email_verified) as waiting,
  count(*) filter (where not email_verified) as waiting_without_email
from app.leads
where assigned_broker_id = :broker_id and campaign_status = 'queued';

-- name: list_costs_of_upload
-- Sum the requests to each provider about an upload's leads, and their cost. A refused request (`failed`) costs nothing.
-- row: ProviderCost
-- not null: leads, asked, cents
select
  r.provider as vendor,
  count(distinct a.lead_id) as leads,
  count(*) as asked,
  sum(r.cost_cents / r.records) as cents
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id and r.outcome <> 'failed'
where a.lead_id in (
  select e.lead_id
  from app.pipeline_events e
  where e.correlation_id = :upload_id and e.event_type = 'dedupe_success'
)
group by r.provider
order by cents desc;

-- name: list_believed_members
-- List the members that Instantly should have: its id of the campaign, and the keyed hash of the address.
-- row: BelievedMember
select c.vendor_campaign_id as campaign, m.value_hash
from app.vendor_memberships m
join app.campaigns c on c.id = m.campaign_id
where m.actual = 'in';

-- name: list_members_of_day
-- List the members of the feed of a day with their encrypted address and best number, those with a number first.
-- row: DemoMember
-- not null: data_key, email_ciphertext, email_hash
select s.lead_id, l.data_key, e.value_ciphertext as email_ciphertext, e.value_hash as email_hash,
  p.value_ciphertext as phone_ciphertext, p.value_hash as phone_hash
from app.feed_slots s
join app.leads l on l.id = s.lead_id
join app.vendor_memberships m on m.lead_id = s.lead_id and m.desired = 'in' and m.actual = 'in'
join app.lead_contacts e on e.lead_id = s.lead_id and e.channel = 'email' and e.value_hash = m.value_hash
left join lateral (
  select k.value_ciphertext, k.value_hash
  from app.lead_contacts k
  where k.lead_id = s.lead_id and k.channel = 'phone' and k.verified
  order by k.rank nulls last, k.value_hash
  limit 1
) p on true
where s.broker_id = :broker_id
and s.local_date = :local_date
and s.state = 'added'
and l.data_key is not null
order by (p.value_hash is null), l.lead_score desc, s.lead_id
limit :page_size;

-- name: list_routed_replies
-- row: RoutedLeadReply
-- not null: lead_id, intent, classified_by, route, status
select r.lead_id, r.intent, r.classified_by, r.route, l.campaign_status::text as status
from app.replies r
join app.leads l on l.id = r.lead_id
where r.lead_id = any (:lead_ids)
and r.state = 'routed';

-- name: is_any_suppressed$
-- always a value
select exists (
  select
  from app.active_suppressions
  where value_hash = any (:value_hashes::bytea[])
);

-- name: list_lead_history
-- List the events of a lead in the order in which they were recorded, because the demo moves the clock.
-- row: LeadMoment
select created_at as at, event_type as event, outcome
from app.pipeline_events
where lead_id = :lead_id
order by created_at, occurred_at;
