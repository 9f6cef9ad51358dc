set local role equity_owner;
drop function pipeline.take_turn(text, integer, integer, double precision, integer, double precision, text);
create function pipeline.take_turn(
  of_provider text, wanted integer, per_window integer, window_seconds double precision, opens_after integer,
  probe_seconds double precision
) returns table (granted integer, wait_seconds double precision, state text)
language plpgsql set search_path = pg_catalog, pipeline, pg_temp as $$
-- Return the number of permitted units of a provider now, or the time to wait. State: up; limited (the rate limit is
-- reached); busy (the provider asked for a backoff); down (`opens_after` calls failed in a row, so the circuit is open);
-- probing (half-open: this one call tests the provider).
#variable_conflict use_column
declare
  s provider_states;
  now_ timestamptz;
  used integer;
  oldest timestamptz;
begin
  insert into provider_states (provider) values (of_provider) on conflict do nothing;
  select * into s from provider_states where provider = of_provider for update;
  now_ := clock_timestamp();
  if s.paused_until > now_ then
    return query select 0, extract(epoch from s.paused_until - now_)::double precision,
      case when s.failures >= opens_after then 'down' else 'busy' end;
    return;
  end if;
  delete from provider_grants where provider = of_provider and at <= now_ - make_interval(secs => window_seconds);
  select coalesce(sum(units), 0), min(at) into used, oldest from provider_grants where provider = of_provider;
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
  insert into provider_grants (provider, at, units) values (of_provider, now_, wanted);
  return query select wanted, 0::double precision, case when s.failures >= opens_after then 'probing' else 'up' end;
end
$$;
revoke all on function pipeline.take_turn(text, integer, integer, double precision, integer, double precision) from public;
grant execute on function pipeline.take_turn(text, integer, integer, double precision, integer, double precision) to svc_skiptrace;
delete from app.verification_code_map
where provider in ('batchdata_dnc', 'batchdata_tcpa')
or (provider, channel, code) in (('melissa', 'phone', 'PE*'), ('melissa', 'email', 'EE*'), ('batchdata', 'phone', 'not_tcpa'));
comment on column app.verification_code_map.code is null;
alter table app.lead_contacts drop column litigator_checked_at;
reset role;
