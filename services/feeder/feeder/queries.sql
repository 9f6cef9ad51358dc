-- name: verified_new_leads
-- Verified leads that are not queued yet.
select id
from app.leads
where id = any (:lead_ids::uuid[])
and (email_verified or phone_verified)
and campaign_status = 'new'
order by id;

-- name: read_queued_leads
select id, lead_version, assigned_broker_id, email_verified, lead_score
from app.leads
where id = any (:lead_ids::uuid[])
order by id;

-- name: transition_leads
select lead_id, result from app.transition_lead(:lead_ids::uuid[], :to_status::app.campaign_status, :reason);

-- name: forgotten_verified_leads
-- Verified leads that stay `new` for longer than *forgotten_after*: their event was lost (ADR 32). The index
-- `leads_unqueued_idx` contains only such leads.
select id
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :forgotten_after::interval
and id > :after
order by id
limit :page_size;

-- name: count_forgotten_leads$
select count(*)
from app.leads
where campaign_status = 'new'
and (email_verified or phone_verified)
and not deceased_owner
and not litigator
and updated_at < now() - :forgotten_after::interval;

-- name: refresh_contactable_leads!
select app.refresh_contactable_leads();

-- name: delete_skips!
delete from app.feed_skips
where local_date < :before;

-- name: unwanted_members^
-- Members that must not be in a campaign and may still be: suppressed or to be removed, and Instantly has not confirmed
-- the removal.
select count(*) as members, coalesce(extract(epoch from now() - min(since)), 0)::double precision as oldest_seconds
from (
  select coalesce(s.at, m.changed_at) as since
  from app.vendor_memberships m
  left join app.suppressions s on s.channel = 'email' and s.value_hash = m.value_hash
  where m.actual <> 'out'
  and (m.desired = 'out' or s.id is not null)
) unwanted;

-- name: audit_lag$
-- Seconds since the campaign that waits longest was last audited completely, or was created at Instantly.
select coalesce(extract(epoch from :now - min(coalesce(audited_at, synced_at))), 0)::double precision
from app.campaigns
where vendor_campaign_id is not null;
