-- Statements of the scheduled jobs.

-- name: list_leads_to_reverify
-- List leads before or in a campaign queue without a request since the cutoff.
-- They were never asked about, have outdated verifications, or failures of a while ago.
select l.id
from app.leads l
where l.campaign_status in ('new', 'queued')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and l.created_at < now() - interval '1 day'
and not exists (
  select
  from app.skip_trace_attempts a
  where a.lead_id = l.id
  and a.provider <> all (:checkers)
  and a.outcome is distinct from 'expired'
  and a.at > case when a.outcome in ('unknown', 'failed') then :unknown_since::timestamptz else :since::timestamptz end
)
order by l.lead_score desc, l.id
limit :limit;

-- name: list_overlooked_leads
-- List leads of the last day without a request although they are older than the minimum age.
-- Their event was lost, or is late. Ids of leads grow with time, so the primary key finds these without reading older leads.
-- type: :after LeadId
select l.id
from app.leads l
where l.id > :after
and l.created_at > now() - interval '1 day'
and l.created_at < now() - :min_age::interval
and l.campaign_status = 'new'
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and not exists (select from app.skip_trace_attempts a where a.lead_id = l.id)
order by l.id
limit :limit;

-- name: list_leads_with_signed_number
-- List leads with a number that the person signed in the last 30 days, without a verification.
-- A lead about which a provider was asked since the signature had its attempt. After a failure it has another one an hour later.
-- type: :after LeadId
select distinct l.id
from app.lead_consent_audit g
join app.leads l on l.id = g.lead_id
join app.lead_contacts c on c.lead_id = g.lead_id and c.channel = 'phone' and c.value_hash = g.value_hash
where g.action = 'granted'
and g.at > now() - interval '30 days'
and l.id > :after
and l.campaign_status not in ('unsubscribed', 'do_not_contact', 'converted')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and (c.verified_at is null or c.verified_at < :verified_since)
and c.litigator is not true
and not exists (
  select from app.active_suppressions s where s.channel = 'phone' and s.value_hash = c.value_hash
)
and not exists (
  select
  from app.lead_consent_audit w
  where w.lead_id = g.lead_id
  and w.action in ('withdrawn', 'voided')
  and w.at >= g.at
  and (w.value_hash is null or w.value_hash = g.value_hash)
)
and not exists (
  select
  from app.skip_trace_attempts a
  where a.lead_id = l.id
  and a.provider <> all (:checkers)
  and a.outcome is distinct from 'expired'
  and a.at > greatest(
    g.at,
    c.first_seen,
    case a.outcome when 'unknown' then :unknown_since::timestamptz when 'failed' then now() - interval '1 hour' end
  )
)
order by l.id
limit :limit;

-- name: extend_statement_timeout!
-- Extend the timeout for a nightly query that reads every lead: about ten seconds for a million.
select pg_catalog.set_config('statement_timeout', '10min', true);

-- name: list_leads_to_recheck
-- List leads with a verified phone that only lacks a check: leads with consent to calls first, then by score.
select l.id
from app.leads l
where l.phone_verified
and l.campaign_status not in ('unsubscribed', 'do_not_contact', 'converted')
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and exists (
  select
  from app.lead_contacts c
  cross join lateral (
    values (c.dnc_checked_at, :dnc_checkers::text[]), (c.litigator_checked_at, :tcpa_checkers::text[])
  ) as k (checked_at, checkers)
  where c.lead_id = l.id
  and c.channel = 'phone'
  and c.verified
  and c.verified_at > :verified_since
  and c.litigator is not true
  and not (c.dnc is true and c.dnc_checked_at is null)
  and cardinality(k.checkers) > 0
  and coalesce(k.checked_at, '-infinity') < :checked_since
  and not exists (
    select
    from app.skip_trace_attempts a
    where a.lead_id = l.id
    and a.provider = any (k.checkers)
    and a.at > case
      when coalesce(a.outcome, 'unknown') in ('unknown', 'failed', 'circuit_open') then :unknown_since::timestamptz
      else :checked_since::timestamptz
    end
  )
)
order by l.consent desc, l.lead_score desc, l.id
limit :limit;

-- name: delete_old_permits!
-- Delete old permits of providers that are not asked any more.
-- Acquiring a permit deletes the old ones of its provider.
delete from pipeline.provider_permits
where at < now() - interval '1 day';

-- name: delete_responses!
-- Delete raw responses, which are personal data outside the leads, after a short retention.
update app.skip_trace_requests
set lookups_encrypted = null, response_encrypted = null
where requested_at < now() - make_interval(days => :days)
and lookups_encrypted is not null
and outcome <> 'asked'
and not exists (
  select
  from app.skip_trace_attempts a
  where a.request_id = skip_trace_requests.id
  and a.merged_at is null
  and skip_trace_requests.outcome = 'answered'
);

-- name: delete_responses_of_erased_leads!
-- Delete raw responses with an erased lead that had not arrived at the erasure, or that other leads waited for.
update app.skip_trace_requests r
set lookups_encrypted = null, response_encrypted = null
where r.id in (
  select a.request_id
  from app.skip_trace_attempts a
  join app.leads l on l.id = a.lead_id
  where l.erased_at is not null
)
and r.lookups_encrypted is not null
and r.outcome <> 'asked'
and not exists (
  select
  from app.skip_trace_attempts a
  where a.request_id = r.id
  and a.merged_at is null
  and r.outcome = 'answered'
);

-- name: list_unmerged_responses
-- List responses of files, or of calls, that are unmerged although they are older than *min_age*.
-- row: UnmergedResponse
-- type: :after RequestId
select a.request_id, a.lead_id
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.outcome is null
and a.merged_at is null
and a.request_id > :after
and r.outcome = 'answered'
and (r.batch_id is not null) = :of_files::boolean
and r.answered_at <= clock_timestamp() - :min_age::interval
order by a.request_id
limit :limit;
