-- Statements of `equity consent`, run as an operator.

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
select id, name
from app.brokers
where id = any (:broker_ids);
