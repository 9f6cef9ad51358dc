-- Statements of the log of decisions.

-- name: lock_keys!
-- Take advisory locks in the order of *keys*, until the transaction ends.
-- role: feeder, ingest
select pg_advisory_xact_lock(key)
from unnest(:keys::bigint[]) key;

-- name: log_contact_decisions!
-- role: feeder
-- nullable: :value_hashes[]
select pipeline.log_contact_decisions(:lead_ids, :channels, :value_hashes, :are_allowed, :reasons);
