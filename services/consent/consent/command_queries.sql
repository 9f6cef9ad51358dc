-- Statements of `equity consent`, run as an operator or, for texts and withdrawals, as the service.

-- name: list_proved_leads
-- Return a page of the leads with a proof, or with an event about one, in the order of their ids.
-- role: operator
-- nullable: :after
-- not null: lead_id
select lead_id
from (
  select lead_id from app.lead_consent_audit
  union
  select lead_id
  from app.pipeline_events
  where event_type in ('consent_granted', 'consent_revoked') and lead_id is not null
) found
where :after::uuid is null
or lead_id > :after
order by lead_id
limit :page_size;

-- name: list_proofs
-- row: ProofRow
-- role: operator
-- not null: covers[]
select
  id, lead_id, seq, action, value_hash, hash_key_id, broker_id, text_version, covers, reason, token_id, text_hash, page_hash,
  signer_hash, evidence_hash, at, recorded_at, previous_hash, row_hash
from app.lead_consent_audit
where lead_id = any (:lead_ids)
order by lead_id, seq;

-- name: list_published_hashes
-- Return the hashes of rows that events carried.
-- row: PublishedHash
-- role: operator
-- not null: lead_id, seq, row_hash
select lead_id, (payload ->> 'seq')::integer as seq, decode(payload ->> 'row_hash', 'hex') as row_hash
from app.pipeline_events
where lead_id = any (:lead_ids)
and event_type in ('consent_granted', 'consent_revoked');

-- name: find_broker_names
-- row: NamedBroker
-- role: operator
select id, name, legal_name
from app.brokers
where id = any (:broker_ids);

-- name: lock_texts!
-- Let one publication run at a time.
select pg_advisory_xact_lock(hashtext('app.consent_texts'));

-- name: find_current_text^
-- row: CurrentText
-- role: consent
select version, text
from app.consent_texts
order by version desc
limit 1;

-- name: add_text$
-- Add the next version of the text. Return its number.
-- role: consent
-- always a value
insert into app.consent_texts (version, text, covers, published_by)
select coalesce(max(version), 0) + 1, :text, :covers::text[], :published_by
from app.consent_texts
returning version;

-- name: list_texts
-- row: ListedText
-- role: consent
-- not null: covers[]
select version, text, covers, published_at, published_by
from app.consent_texts
order by version desc;

-- name: has_lead$
-- Return whether there is such a lead.
-- role: operator
-- always a value
select exists (select from app.leads where id = :lead_id);

-- name: open_proof
-- Return the encrypted pages, signers and statements of a lead's proof, for an access that is logged.
-- row: EncryptedPart
-- role: operator
-- not null: kind, ciphertext
select kind, audit_id, evidence_hash, ciphertext, data_key
from app.open_consent_proof(:access_id, :lead_id);

-- name: list_suppressions_of
-- Return the suppressions of numbers, active and lifted.
-- row: SuppressionOfNumber
-- role: operator
select value_hash, reason, at, lifted_at
from app.suppressions
where channel = 'phone'
and value_hash = any (:value_hashes)
order by at;

-- name: list_contacts_of
-- Return the newest decisions about contacts of a lead.
-- row: ContactDecision
-- role: operator
select at, channel, purpose, allowed, reason
from pipeline.contact_decisions
where lead_id = :lead_id
order by at desc
limit 200;

-- name: read_data_key^
-- row: LeadKey
-- role: consent
select data_key
from app.leads
where id = :lead_id;

-- name: add_statement!
-- Keep the statement that a person made at the office.
-- role: consent
insert into app.consent_statements (lead_id, evidence_hash, statement_ciphertext)
values (:lead_id, :evidence_hash, :ciphertext);

-- name: read_current_texts
-- Return the newest version of the text; no row where none is published.
-- row: PublishedText
-- role: consent
-- not null: covers[]
select version, covers, published_at
from app.consent_texts
order by version desc
limit 1;

-- name: list_unnamed_brokers
-- Return the active brokers without a legal name. The form cannot be offered for their leads.
-- role: consent
select name
from app.brokers
where active
and legal_name is null
order by name;
