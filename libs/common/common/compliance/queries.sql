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
