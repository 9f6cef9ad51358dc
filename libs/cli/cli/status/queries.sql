-- Statements of `equity status` about all services, run as the owner.
-- role: owner

-- name: list_unavailable_vendors
-- List the vendors that deny access or back off, as skip tracing, the feeder and pull have recorded it.
-- row: UnavailableVendor
-- not null: is_backing_off
select
  provider as vendor, access_denied, failures, last_failure, last_success_at, backoff_until,
  coalesce(backoff_until > clock_timestamp(), false) as is_backing_off
from pipeline.provider_states
where access_denied or backoff_until > clock_timestamp()
order by provider;
