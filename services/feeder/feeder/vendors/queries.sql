-- name: read_availability^
select
  coalesce(greatest(0, extract(epoch from paused_until - clock_timestamp())), 0)::double precision as backoff_seconds,
  last_fault
from pipeline.provider_states
where provider = :vendor;
