-- name: read_availability^
select
  coalesce(greatest(0, extract(epoch from backoff_until - clock_timestamp())), 0)::double precision as backoff_seconds,
  last_failure
from pipeline.provider_states
where provider = :vendor;
