-- Statements of the log of decisions.

-- name: lock_keys!
-- Take advisory locks in the order of *keys*, until the transaction ends.
-- role: feeder, ingest, replies, consent, voice
select pg_advisory_xact_lock(key)
from unnest(:keys::bigint[]) key;

-- name: log_contact_decisions!
-- role: feeder, replies, consent, voice
-- nullable: :value_hashes[]
select pipeline.log_contact_decisions(:lead_ids, :channels, :purposes, :value_hashes, :are_allowed, :reasons);

-- name: opt_out^
-- Suppress a value for every lead, and end the consents for it. `is_new`: it was not suppressed for this reason.
-- row: RecordedOptOut
-- not null: suppression_id, is_new
-- always one row
-- role: replies, consent, voice
-- nullable: :lead_id, :evidence_hash
select suppression_id, is_new
from app.opt_out(:channel, :value_hash, :hash_key_id, :reason, :lead_id, :at, :evidence_hash);

-- name: withdraw_consent^
-- Record that a person withdrew the consent for one number, or for null all consents of the lead.
-- row: ConsentEntry
-- not null: audit_id, seq, row_hash
-- always one row
-- role: replies, consent, voice
-- nullable: :value_hash, :hash_key_id, :evidence_hash
select audit_id, seq, row_hash
from app.withdraw_consent(:lead_id, :how, :value_hash, :hash_key_id, :at, :evidence_hash);

-- name: list_consent_history
-- Return signatures, and withdrawals and voids, of leads. A null `value_hash` means all numbers of the lead.
-- row: ConsentHistoryRow
-- not null: covers[]
-- role: replies, consent, voice
select lead_id, action, value_hash, broker_id, covers, at
from app.lead_consent_audit
where lead_id = any (:lead_ids)
and action in ('granted', 'withdrawn', 'voided')
order by lead_id, seq;

-- name: list_owner_changes
-- row: OwnerChange
-- not null: lead_id, at
-- role: replies, consent, voice
select lead_id, at
from app.owner_changes
where lead_id = any (:lead_ids);

-- name: read_email_facts^
-- Return the facts of the gate about a lead and the address that a message answers or serves.
-- `verified` is null, and `is_own` false, where the address is not one of the lead.
-- row: EmailFacts
-- not null: status, suppressed, is_own
-- role: replies, consent, voice
select
  l.campaign_status::text as status,
  l.assigned_broker_id,
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
  l.deceased_owner,
  l.litigator,
  c.verified,
  c.litigator as value_litigator,
  c.lead_id is not null as is_own,
  exists (
    select from app.active_suppressions s where s.channel = 'email' and s.value_hash = :value_hash
  ) as suppressed
from app.leads l
left join app.lead_contacts c on c.lead_id = l.id and c.channel = 'email' and c.value_hash = :value_hash
where l.id = :lead_id;

-- name: read_contact_hashes
-- Return the addresses and numbers of leads.
-- row: LeadContactHash
-- role: replies, consent
select lead_id, channel, value_hash, hash_key_id
from app.lead_contacts
where lead_id = any (:lead_ids)
order by lead_id, channel, value_hash;

-- name: list_concerned_leads
-- row: StatementLead
-- role: replies, consent
select id, assigned_broker_id, lead_version
from app.leads
where id = any (:lead_ids)
order by id;

-- name: unsubscribe_leads
-- Change the status of leads to `unsubscribed`. A lead whose status is final stays as it is: the suppression refuses it anyway.
-- not null: result
-- role: replies, consent, operator
select result
from app.transition_lead(:lead_ids::uuid[], 'unsubscribed', 'opt_out');

-- name: list_ended_consents
-- Return the rows of proof that this transaction wrote about these numbers and leads.
-- row: EndOfConsent
-- role: replies, consent, operator
select a.id, a.lead_id, a.seq, a.action, a.reason, a.value_hash, a.hash_key_id, a.row_hash, l.assigned_broker_id
from app.lead_consent_audit a
join app.leads l on l.id = a.lead_id
where (a.value_hash = any (:value_hashes::bytea[]) or a.lead_id = any (:lead_ids::uuid[]))
and a.action in ('withdrawn', 'voided')
and a.recorded_at = now()
order by a.id;

-- name: list_leads_to_withdraw
-- Return the leads without a withdrawal of all consents at or after the time of a statement.
-- An earlier withdrawal does not end a signature between both, even one that is under way and not visible yet.
-- role: replies, consent
select l.id
from app.leads l
where l.id = any (:lead_ids)
and not exists (
  select
  from app.lead_consent_audit w
  where w.lead_id = l.id
  and w.action = 'withdrawn'
  and w.value_hash is null
  and w.at >= :at
)
order by l.id;
