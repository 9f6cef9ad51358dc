-- name: list_verified_new_leads
-- List verified leads that are not queued yet.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and (email_verified or phone_verified)
and campaign_status = 'new'
order by id;

-- name: read_queued_leads
-- row: QueuedLead
select id, lead_version, assigned_broker_id, email_verified, lead_score
from app.leads
where id = any (:lead_ids::uuid[])
order by id;

-- name: transition_leads
-- Change the status of leads where that is allowed, and return a result for each.
-- row: LeadTransition
-- not null: lead_id, result
select lead_id, result from app.transition_lead(:lead_ids::uuid[], :to_status::app.campaign_status, :reason);

-- name: list_overlooked_leads
-- List verified leads that stay `new` for longer than *min_age*: their event was lost (ADR 32).
-- The index `leads_unqueued_idx` contains only such leads.
-- type: :after LeadId
select id
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :min_age::interval
and id > :after
order by id
limit :page_size;

-- name: count_overlooked_leads$
-- always a value
select count(*)
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :min_age::interval;

-- name: refresh_contactable_leads!
select app.refresh_contactable_leads();

-- name: delete_skips!
delete from app.feed_skips
where local_date < :before;

-- name: count_unwanted_members^
-- Count members that must not be in a campaign and may still be.
-- They are suppressed or to be removed, and Instantly has not confirmed the removal.
-- row: UnwantedMembers
-- not null: members, oldest_seconds
-- always one row
select count(*) as members, coalesce(extract(epoch from now() - min(since)), 0)::double precision as oldest_seconds
from (
  select coalesce(s.at, m.changed_at) as since
  from app.vendor_memberships m
  cross join lateral (
    select min(s.at) as at
    from app.active_suppressions s
    where s.channel = 'email' and s.value_hash = m.value_hash
  ) s
  where m.actual <> 'out'
  and (m.desired = 'out' or s.at is not null)
) unwanted;

-- name: measure_audit_lag$
-- Return the seconds since the campaign that waits longest was last audited completely.
-- A campaign that was never audited counts from its creation at Instantly.
-- always a value
select coalesce(extract(epoch from :now - min(coalesce(audited_at, synced_at))), 0)::double precision
from app.campaigns
where vendor_campaign_id is not null;
