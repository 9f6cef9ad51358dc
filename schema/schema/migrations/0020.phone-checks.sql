-- Separate phone checks against do-not-call lists and the list of known litigators. Codes have families.
set local role equity_owner;

alter table app.lead_contacts add column litigator_checked_at timestamptz;
comment on column app.lead_contacts.litigator_checked_at is 'when somebody last looked, whichever way; as dnc_checked_at is for dnc';
grant insert (litigator_checked_at), update (litigator_checked_at) on app.lead_contacts to svc_skiptrace;

comment on column app.verification_code_map.code is
  'as the vendor writes it; two letters and a star stand for all codes that begin so and have no row of their own';
insert into app.verification_code_map (provider, channel, code, version, is_verified, dnc, litigator, meaning)
values
  ('melissa', 'phone', 'PE*', 1, false, null, null, 'any other error of a phone'),
  ('melissa', 'email', 'EE*', 1, false, null, null, 'any other error of an email'),
  ('batchdata', 'phone', 'not_tcpa', 1, null, null, false, 'not on the TCPA blacklist'),
  ('batchdata_dnc', 'phone', 'dnc', 1, null, true, null, 'on a do-not-call list'),
  ('batchdata_dnc', 'phone', 'not_dnc', 1, null, false, null, 'on no do-not-call list'),
  ('batchdata_tcpa', 'phone', 'tcpa', 1, null, null, true, 'TCPA blacklist'),
  ('batchdata_tcpa', 'phone', 'not_tcpa', 1, null, null, false, 'not on the TCPA blacklist');

drop function pipeline.take_turn(text, integer, integer, double precision, integer, double precision);
create function pipeline.take_turn(
  of_provider text, wanted integer, per_window integer, window_seconds double precision, opens_after integer,
  probe_seconds double precision, shared_with text default null
) returns table (granted integer, wait_seconds double precision, state text)
language plpgsql set search_path = pg_catalog, pipeline, pg_temp as $$
-- Return the number of permitted units of a provider now, or the time to wait. State: up; limited (the rate limit is
-- reached); busy (the provider asked for a backoff); down (`opens_after` calls failed in a row, so the circuit is open);
-- probing (half-open: this one call tests the provider). Providers with one API key share its rate limit, stored under one
-- of their names. Each has its own backoff and circuit breaker.
#variable_conflict use_column
declare
  limited text := coalesce(shared_with, of_provider);
  s provider_states;
  now_ timestamptz;
  used integer;
  oldest timestamptz;
begin
  insert into provider_states (provider) select p from (values (limited), (of_provider)) w (p) group by p order by p
  on conflict do nothing;
  perform from provider_states where provider = limited for update;
  select * into s from provider_states where provider = of_provider for update;
  now_ := clock_timestamp();
  if s.paused_until > now_ then
    return query select 0, extract(epoch from s.paused_until - now_)::double precision,
      case when s.failures >= opens_after then 'down' else 'busy' end;
    return;
  end if;
  delete from provider_grants where provider = limited and at <= now_ - make_interval(secs => window_seconds);
  select coalesce(sum(units), 0), min(at) into used, oldest from provider_grants where provider = limited;
  if used >= per_window then
    return query select 0,
      greatest(0.01, extract(epoch from oldest - now_) + window_seconds)::double precision, 'limited'::text;
    return;
  end if;
  if s.failures >= opens_after then
    update provider_states set paused_until = now_ + make_interval(secs => probe_seconds) where provider = of_provider;
    wanted := 1;
  end if;
  wanted := least(wanted, per_window - used);
  insert into provider_grants (provider, at, units) values (limited, now_, wanted);
  return query select wanted, 0::double precision, case when s.failures >= opens_after then 'probing' else 'up' end;
end
$$;
revoke all on function
  pipeline.take_turn(text, integer, integer, double precision, integer, double precision, text) from public;
grant execute on function
  pipeline.take_turn(text, integer, integer, double precision, integer, double precision, text) to svc_skiptrace;
reset role;
