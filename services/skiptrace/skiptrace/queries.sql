-- name: current_codes
-- The highest version of each code.
select distinct on (provider, channel, code) provider, channel, code, is_verified, line_type, dnc, litigator, deceased
from app.verification_code_map
order by provider, channel, code, version desc;

-- name: standings
-- With `probing`: the pause is the time limit of the call that finds out whether the provider is back. That call has a
-- grant of the same moment, in its own name or in that of the provider whose rate it shares.
select
  s.provider,
  s.failures,
  coalesce(greatest(0, extract(epoch from s.paused_until - clock_timestamp())), 0)::double precision as pause_s,
  s.last_success_at,
  exists (
    select
    from pipeline.provider_grants g
    where g.at + make_interval(secs => :probe_seconds) = s.paused_until
  ) as probing
from pipeline.provider_states s
where s.provider = any (:providers);

-- name: leads_to_trace
select
  id, mak, property_address, property_unit, property_city, property_state, property_zip, county, apn, owner_first_name,
  owner_last_name, company_name, data_key, deceased_owner, litigator, campaign_status::text as campaign_status,
  clock_timestamp() as read_at
from app.leads
where id = any (:ids);

-- name: contacts_of
select
  c.lead_id, c.channel, c.value_hash, c.value_ciphertext, c.source, c.rank, c.verified, c.verified_at, c.codes, c.line_type,
  c.dnc, c.dnc_checked_at, c.litigator, c.litigator_checked_at, s.id is not null as suppressed
from app.lead_contacts c
left join app.suppressions s on s.channel = c.channel and s.value_hash = c.value_hash
where c.lead_id = any (:ids);

-- name: suppressed_among
select value_hash
from app.suppressions
where value_hash = any (:hashes);

-- name: attempts_of
-- What was asked about leads within the time for which answers count.
select
  a.lead_id, a.request_id, r.provider, r.outcome, r.batch_id, a.outcome as part, a.merged_at, r.requested_at, r.answered_at,
  r.cost_cents / r.records as cents,
  greatest(0, extract(epoch from r.lease_until - clock_timestamp()))::double precision as lease_s
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:ids)
and a.at > :since;

-- name: stored_answers
select id, provider, answered_at, question_sealed, answer_sealed
from app.skip_trace_requests
where id = any (:ids)
and answer_sealed is not null;

-- name: expire_requests
-- Calls whose answer will not come any more: they may have been paid for.
update app.skip_trace_requests
set outcome = 'unknown', detail = coalesce(detail, 'no_answer_kept')
where outcome = 'asked'
and batch_id is null
and lease_until < clock_timestamp()
returning id, provider, records, cost_cents;

-- name: expire_batches
-- Leads of files whose answer nobody brought in time: they may be handed out again. A file that was never run costs nothing.
with ended as (
  update app.skip_trace_requests
  set outcome = 'expired', cost_cents = 0, detail = 'not_imported'
  where outcome = 'asked'
  and batch_id is not null
  and lease_until < clock_timestamp()
  returning id, batch_id, provider, records
),
parts as (
  update app.skip_trace_attempts
  set outcome = 'expired'
  where request_id in (select id from ended)
)
select batch_id, provider, sum(records)::integer as records
from ended
group by batch_id, provider;

-- name: mark_unknown_parts!
update app.skip_trace_attempts
set outcome = 'unknown'
where request_id = any (:ids)
and outcome is null;

-- name: lock_leads
select id
from app.leads
where id = any (:ids)
order by id
for no key update;

-- name: leads_in_hand
-- Leads about which somebody is asking, or whose answer this caller has not seen, but for the providers that may be asked
-- beside. A file that is out is no call under way.
select distinct a.lead_id
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:ids)
and a.at > :since
and (r.outcome = 'asked' and r.batch_id is null or r.outcome = 'answered' and coalesce(a.merged_at, 'infinity') > :read_at)
and r.provider <> all (:beside)
and r.id <> all (:seen);

-- name: add_request!
insert into app.skip_trace_requests (id, provider, requested_at, outcome, records, cost_cents, question_sealed, lease_until)
values (
  :id, :provider, clock_timestamp(), 'asked', :records, :cost_cents, :question_sealed, clock_timestamp() + :lease::interval
);

-- name: add_attempts!
insert into app.skip_trace_attempts (request_id, lead_id, provider, at)
select :request_id, lead_id, :provider, clock_timestamp()
from unnest(:lead_ids::uuid[]) as w (lead_id);

-- name: failures_before_answers^
-- How often a provider failed since then about a lead that it answered after all.
with answered as (
  select distinct a.lead_id
  from app.skip_trace_attempts a
  join app.skip_trace_requests r on r.id = a.request_id
  where a.provider = :provider
  and a.at > :since
  and r.outcome = 'answered'
)
select count(a.lead_id)::double precision / greatest(1, count(distinct w.lead_id)) as each
from answered w
left join app.skip_trace_attempts a
  on a.lead_id = w.lead_id and a.provider = :provider and a.outcome = 'failed' and a.at > :since;

-- name: keep_answer$
-- How a call ended, and how it stood until now: another may have called it unknown.
with before as (
  select id, outcome
  from app.skip_trace_requests
  where id = :id
  for no key update
)
update app.skip_trace_requests r
set outcome = :outcome, answered_at = clock_timestamp(), cost_cents = :cost_cents, answer_sealed = :answer_sealed, detail = :detail
from before b
where r.id = b.id
returning b.outcome;

-- name: end_parts!
update app.skip_trace_attempts
set outcome = :part
where request_id = :request_id
and merged_at is null;

-- name: leads_as_they_are
select
  id, lead_version, assigned_broker_id, assignable_broker_ids, mak, data_key, property_address, property_unit, property_city, property_state,
  property_zip, county, apn, deceased_owner, litigator, email_hash, phone_hash, email_verified, phone_verified
from app.leads
where id = any (:ids)
order by id
for no key update;

-- name: open_parts
-- The answers that nobody has merged yet; they are ours now.
select a.request_id, a.lead_id, r.provider, r.batch_id, r.cost_cents
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:ids)
and r.outcome = 'answered'
and a.merged_at is null
order by a.request_id, a.lead_id
for update of a;

-- name: merge_parts!
update app.skip_trace_attempts a
set merged_at = clock_timestamp(), outcome = w.outcome
from unnest(:request_ids::uuid[], :lead_ids::uuid[], :outcomes::text[]) as w (request_id, lead_id, outcome)
where a.request_id = w.request_id
and a.lead_id = w.lead_id;

-- name: put_contacts!
insert into app.lead_contacts (
  lead_id, channel, value_hash, hash_key_id, normalisation_version, value_ciphertext, source, rank, verified, verified_at,
  codes, line_type, dnc, dnc_checked_at, litigator, litigator_checked_at
)
select
  c.lead_id, c.channel, c.value_hash, :hash_key_id, :version, c.value_ciphertext, c.source, c.rank, c.verified, c.verified_at,
  string_to_array(c.codes, ','), c.line_type, c.dnc, c.dnc_checked_at, c.litigator, c.litigator_checked_at
from unnest(
  :lead_ids::uuid[], :channels::text[], :hashes::bytea[], :ciphertexts::bytea[], :sources::text[], :ranks::smallint[],
  :verified::boolean[], :verified_at::timestamptz[], :codes::text[], :line_types::text[], :dnc::boolean[],
  :dnc_checked_at::timestamptz[], :litigators::boolean[], :litigator_checked_at::timestamptz[]
) as c (
  lead_id, channel, value_hash, value_ciphertext, source, rank, verified, verified_at, codes, line_type, dnc,
  dnc_checked_at, litigator, litigator_checked_at
)
on conflict (lead_id, channel, value_hash) do update
set verified = excluded.verified,
    verified_at = excluded.verified_at,
    codes = excluded.codes,
    line_type = excluded.line_type,
    dnc = excluded.dnc,
    dnc_checked_at = excluded.dnc_checked_at,
    litigator = excluded.litigator,
    litigator_checked_at = excluded.litigator_checked_at;

-- name: reflect
-- The best verified contact of each channel, in the documents' columns; leads that stay as they are keep their version.
update app.leads l
set email_encrypted = w.email_encrypted,
    email_hash = w.email_hash,
    email_verified = w.email_hash is not null,
    email_verification_codes = string_to_array(w.email_codes, ','),
    phone_encrypted = w.phone_encrypted,
    phone_hash = w.phone_hash,
    phone_verified = w.phone_hash is not null,
    phone_verification_codes = string_to_array(w.phone_codes, ','),
    melissa_payload = coalesce(w.payload::jsonb, l.melissa_payload)
from unnest(
  :ids::uuid[], :email_encrypted::bytea[], :email_hashes::bytea[], :email_codes::text[], :phone_encrypted::bytea[],
  :phone_hashes::bytea[], :phone_codes::text[], :payloads::text[]
) as w (id, email_encrypted, email_hash, email_codes, phone_encrypted, phone_hash, phone_codes, payload)
where l.id = w.id
and (
  l.email_hash is distinct from w.email_hash
  or l.phone_hash is distinct from w.phone_hash
  or l.email_verified <> (w.email_hash is not null)
  or l.phone_verified <> (w.phone_hash is not null)
  or w.payload is not null
)
returning l.id, l.lead_version;

-- name: note_held_maks
select note_held_maks as lead_id
from app.note_held_maks(:ids, :maks);

-- name: stale_leads
-- Leads still on their way that nobody asked about, whose contacts went stale, or whose answers were lost a while ago.
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
limit :most;

-- name: forgotten_leads
-- Leads of the last day that nobody was asked about although they came a while ago: their event was lost, or is late. Ids of
-- leads grow with time, so the primary key finds these without looking at older ones.
select l.id
from app.leads l
where l.id > :after
and l.created_at > now() - interval '1 day'
and l.created_at < now() - :forgotten_after::interval
and l.campaign_status = 'new'
and not l.deceased_owner
and not l.litigator
and l.data_key is not null
and not exists (select from app.skip_trace_attempts a where a.lead_id = l.id)
order by l.id
limit :many;

-- name: take_time!
-- For a query of the night that looks at every lead: about ten seconds a million.
set local statement_timeout = '10min';

-- name: stale_checks
-- Leads with a verified phone that may be called but for a check: those who consented to calls first, then the best.
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
  and c.verified_at > :judged_since
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
      when coalesce(a.outcome, 'unknown') in ('unknown', 'failed', 'provider_down') then :unknown_since::timestamptz
      else :checked_since::timestamptz
    end
  )
)
order by l.consent desc, l.lead_score desc, l.id
limit :most;

-- name: forget_turns!
-- Turns are forgotten when the next one is taken: these are of providers that nobody asks any more.
delete from pipeline.provider_grants
where at < now() - interval '1 day';

-- name: purge_answers!
-- Raw answers are personal data outside of the leads: not kept longer than somebody may ask about them.
update app.skip_trace_requests
set question_sealed = null, answer_sealed = null
where requested_at < now() - make_interval(days => :days)
and question_sealed is not null
and outcome <> 'asked'
and not exists (
  select
  from app.skip_trace_attempts a
  where a.request_id = skip_trace_requests.id
  and a.merged_at is null
  and skip_trace_requests.outcome = 'answered'
);

-- name: unmerged_answers
-- Answers, of files or of calls, that nobody has merged for so long.
select a.request_id, a.lead_id
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.outcome is null
and a.merged_at is null
and a.request_id > :after
and r.outcome = 'answered'
and (r.batch_id is not null) = :of_files::boolean
and r.answered_at <= clock_timestamp() - :for_longer_than::interval
order by a.request_id
limit :many;
