-- Statements of the trace: reading leads, logging requests, writing results.

-- name: list_codes
-- List the highest version of each code.
-- row: VerificationCode
select distinct on (provider, channel, code) provider, channel, code, is_verified, line_type, dnc, litigator, deceased
from app.verification_code_map
order by provider, channel, code, version desc;

-- name: read_leads
-- row: LeadToTrace
-- not null: campaign_status, read_at
select
  id, mak, property_address, property_unit, property_city, property_state, property_zip, county, apn, owner_first_name,
  owner_last_name, company_name, data_key, deceased_owner, litigator, campaign_status::text as campaign_status,
  clock_timestamp() as read_at
from app.leads
where id = any (:lead_ids);

-- name: read_contacts
-- row: ContactRow
-- not null: codes[], suppressed, signed
select
  c.lead_id, c.channel, c.value_hash, c.value_ciphertext, c.source, c.rank, c.verified, c.verified_at, c.codes, c.line_type,
  c.dnc, c.dnc_checked_at, c.litigator, c.litigator_checked_at,
  exists (select from app.active_suppressions s where s.channel = c.channel and s.value_hash = c.value_hash) as suppressed,
  c.channel = 'phone' and exists (
    select from app.lead_consent_audit a where a.lead_id = c.lead_id and a.value_hash = c.value_hash and a.action = 'granted'
  ) as signed
from app.lead_contacts c
where c.lead_id = any (:lead_ids);

-- name: list_suppressed_hashes
-- not null: value_hash
select value_hash
from app.active_suppressions
where value_hash = any (:hashes);

-- name: read_attempts
-- Return earlier requests about leads, within the period for which responses count.
-- row: LeadAttempt
-- not null: answered_at, lease_seconds
select
  a.lead_id, a.request_id, r.provider, r.outcome, r.batch_id, a.outcome as attempt, a.merged_at, r.requested_at,
  coalesce(r.answered_at, r.requested_at) as answered_at,
  r.cost_cents / r.records as cents,
  greatest(0, extract(epoch from r.lease_until - clock_timestamp()))::double precision as lease_seconds
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:lead_ids)
and a.at > :since;

-- name: read_responses
-- row: EncryptedResponse
-- not null: answered_at, lookups_encrypted, response_encrypted
select id, provider, answered_at, lookups_encrypted, response_encrypted
from app.skip_trace_requests
where id = any (:request_ids)
and answered_at is not null
and lookups_encrypted is not null
and response_encrypted is not null;

-- name: expire_requests
-- Mark calls as unknown whose response will not arrive any more.
-- They may have been charged.
-- row: ExpiredRequest
update app.skip_trace_requests
set outcome = 'unknown', detail = coalesce(detail, 'no_answer_kept')
where outcome = 'asked'
and batch_id is null
and lease_until < clock_timestamp()
returning id, provider, records, cost_cents;

-- name: expire_batches
-- End the leases of files: exported leads without an imported row may be exported again.
-- A file that TLO did not run costs nothing.
-- row: ExpiredBatch
-- not null: batch_id, records
with expired as (
  update app.skip_trace_requests
  set outcome = 'expired', cost_cents = 0, detail = 'not_imported'
  where outcome = 'asked'
  and batch_id is not null
  and lease_until < clock_timestamp()
  returning id, batch_id, provider, records
),
expired_attempts as (
  update app.skip_trace_attempts
  set outcome = 'expired'
  where request_id in (select id from expired)
)
select batch_id, provider, sum(records)::integer as records
from expired
group by batch_id, provider;

-- name: mark_attempts_unknown!
update app.skip_trace_attempts
set outcome = 'unknown'
where request_id = any (:request_ids)
and outcome is null;

-- name: lock_leads!
select id
from app.leads
where id = any (:lead_ids)
order by id
for no key update;

-- name: list_leads_in_progress
-- List leads with an open request, or with a response that this caller has not seen.
-- Requests to *parallel_providers* may be open at the same time. An exported file is no open call.
select distinct a.lead_id
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:lead_ids)
and a.at > :since
and (r.outcome = 'asked' and r.batch_id is null or r.outcome = 'answered' and coalesce(a.merged_at, 'infinity') > :read_at)
and r.provider <> all (:parallel_providers)
and r.id <> all (:seen_request_ids);

-- name: add_request!
insert into app.skip_trace_requests (id, provider, requested_at, outcome, records, cost_cents, lookups_encrypted, lease_until)
values (
  :request_id, :provider, clock_timestamp(), 'asked', :records, :cost_cents, :lookups, clock_timestamp() + :lease::interval
);

-- name: add_attempts!
insert into app.skip_trace_attempts (request_id, lead_id, provider, at)
select :request_id, lead_id, :provider, clock_timestamp()
from unnest(:lead_ids::uuid[]) as w (lead_id);

-- name: measure_average_failures$
-- Return the average failures of a provider since then about a lead that it answered in the end.
-- always a value
with answered as (
  select distinct a.lead_id
  from app.skip_trace_attempts a
  join app.skip_trace_requests r on r.id = a.request_id
  where a.provider = :provider
  and a.at > :since
  and r.outcome = 'answered'
)
select count(a.lead_id)::double precision / greatest(1, count(distinct w.lead_id)) as average
from answered w
left join app.skip_trace_attempts a
  on a.lead_id = w.lead_id and a.provider = :provider and a.outcome = 'failed' and a.at > :since;

-- name: store_outcome$
-- Store the end of a call, and return the earlier outcome.
-- Another replica may have marked the request as unknown.
-- nullable: :response, :detail
with before as (
  select id, outcome
  from app.skip_trace_requests
  where id = :request_id
  for no key update
)
update app.skip_trace_requests r
set outcome = :outcome, answered_at = clock_timestamp(), cost_cents = :cost_cents, response_encrypted = :response, detail = :detail
from before b
where r.id = b.id
returning b.outcome;

-- name: set_attempt_outcome!
-- nullable: :outcome
update app.skip_trace_attempts
set outcome = :outcome
where request_id = :request_id
and merged_at is null;

-- name: lock_lead_rows
-- row: LockedLead
-- not null: assignable_broker_ids[]
select
  id, lead_version, assigned_broker_id, assignable_broker_ids, mak, data_key, property_address, property_unit, property_city, property_state,
  property_zip, county, apn, deceased_owner, litigator
from app.leads
where id = any (:lead_ids)
order by id
for no key update;

-- name: lock_unmerged_attempts
-- Lock and return responses that are not merged yet, so that only this transaction merges them.
-- row: UnmergedAttempt
select a.request_id, a.lead_id, r.provider, r.batch_id, r.cost_cents
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id
where a.lead_id = any (:lead_ids)
and r.outcome = 'answered'
and a.merged_at is null
order by a.request_id, a.lead_id
for update of a;

-- name: mark_attempts_merged!
update app.skip_trace_attempts a
set merged_at = clock_timestamp(), outcome = w.outcome
from unnest(:request_ids::uuid[], :lead_ids::uuid[], :outcomes::text[]) as w (request_id, lead_id, outcome)
where a.request_id = w.request_id
and a.lead_id = w.lead_id;

-- name: upsert_contacts!
-- Add contacts, or what is known of them. The address or number of an erased person is not stored.
-- nullable: :verified[], :verified_at[], :line_types[], :dnc[], :dnc_checked_at[], :litigators[], :litigator_checked_at[]
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
where not exists (
  select
  from app.active_suppressions s
  where s.channel = c.channel
  and s.value_hash = c.value_hash
  and s.reason = 'erased'
)
on conflict (lead_id, channel, value_hash) do update
set
  verified = excluded.verified,
  verified_at = excluded.verified_at,
  codes = excluded.codes,
  line_type = excluded.line_type,
  dnc = excluded.dnc,
  dnc_checked_at = excluded.dnc_checked_at,
  litigator = excluded.litigator,
  litigator_checked_at = excluded.litigator_checked_at;

-- name: update_summaries
-- Write the best verified contact of each channel to the summary columns of `leads`.
-- Unchanged leads keep their version. It returns the changed ones.
-- row: UpdatedSummary
-- nullable: :email_encrypted[], :email_hashes[], :phone_encrypted[], :phone_hashes[], :payloads[]
update app.leads l
set
  email_encrypted = w.email_encrypted,
  email_hash = w.email_hash,
  email_verified = w.email_hash is not null,
  email_verification_codes = string_to_array(w.email_codes, ','),
  phone_encrypted = w.phone_encrypted,
  phone_hash = w.phone_hash,
  phone_verified = w.phone_hash is not null,
  phone_verification_codes = string_to_array(w.phone_codes, ','),
  melissa_payload = coalesce(w.payload::jsonb, l.melissa_payload)
from unnest(
  :lead_ids::uuid[], :email_encrypted::bytea[], :email_hashes::bytea[], :email_codes::text[], :phone_encrypted::bytea[],
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

-- name: record_mak_conflicts
-- Record a conflict for each lead whose MAK belongs to another lead, and return these leads.
-- not null: lead_id
select record_mak_conflicts as lead_id
from app.record_mak_conflicts(:lead_ids, :maks);
