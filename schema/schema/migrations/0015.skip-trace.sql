-- Skip tracing: requests and responses survive a crash, rate limits of providers hold across replicas, and codes have
-- versions.
set local role equity_owner;

alter table app.skip_trace_requests
  add column lease_until timestamptz,
  add column question_sealed bytea,
  add column detail text;
comment on column app.skip_trace_requests.lease_until is 'an answer that is not here by then will not come: asked becomes unknown';
comment on column app.skip_trace_requests.question_sealed is 'what was asked of whom, under the master key; emptied with the answer';
comment on column app.skip_trace_requests.cost_cents is 'cents: the most it can cost while asked or unknown, then what the answer costs';
create index skip_trace_requests_asked_idx on app.skip_trace_requests (lease_until) where outcome = 'asked';
create index skip_trace_requests_at_idx on app.skip_trace_requests (requested_at);

alter table app.skip_trace_attempts add column merged_at timestamptz;
comment on column app.skip_trace_attempts.merged_at is 'when the answer was merged into the lead; null: not yet, or there is none';

-- Versioned vendor codes. The highest version of a code is valid; the others record earlier meanings.
alter table app.verification_code_map
  drop constraint verification_code_map_pkey,
  add primary key (provider, channel, code, version),
  drop constraint verification_code_map_channel_check,
  add constraint verification_code_map_channel_check check (channel in ('email', 'phone', 'person')),
  add column line_type text check (line_type in ('mobile', 'landline', 'voip')),
  add column dnc boolean,
  add column litigator boolean,
  add column deceased boolean;
comment on column app.verification_code_map.dnc is 'true: on a do-not-call list; false: checked and on none; null: says nothing of it';

insert into app.verification_code_map (provider, channel, code, version, is_verified, line_type, dnc, litigator, deceased, meaning)
values
  ('melissa', 'phone', 'PS07', 2, null, 'mobile', null, null, null, 'cell'),
  ('melissa', 'phone', 'PS08', 2, null, 'landline', null, null, null, 'landline'),
  ('melissa', 'phone', 'PS09', 2, null, 'voip', null, null, null, 'VoIP'),
  ('melissa', 'phone', 'PS10', 1, null, null, null, null, null, 'residential'),
  ('melissa', 'phone', 'PS11', 1, null, null, null, null, null, 'business'),
  ('melissa', 'phone', 'PS12', 1, null, null, null, null, null, 'small office or home office'),
  ('melissa', 'email', 'ES10', 1, null, null, null, null, null, 'changed'),
  ('melissa', 'email', 'ES11', 1, null, null, null, null, null, 'changed'),
  ('melissa', 'email', 'ES12', 1, null, null, null, null, null, 'changed'),
  ('melissa', 'email', 'ES13', 1, null, null, null, null, null, 'changed'),
  ('melissa', 'person', 'DD01', 1, null, null, null, null, true, 'deceased'),
  ('batchdata', 'phone', 'mobile', 1, null, 'mobile', null, null, null, 'type Mobile'),
  ('batchdata', 'phone', 'landline', 1, null, 'landline', null, null, null, 'type Land Line'),
  ('batchdata', 'phone', 'voip', 1, null, 'voip', null, null, null, 'type VoIP'),
  ('batchdata', 'phone', 'dnc', 1, null, null, true, null, null, 'on a do-not-call list'),
  ('batchdata', 'phone', 'not_dnc', 1, null, null, false, null, null, 'on no do-not-call list'),
  ('batchdata', 'phone', 'tcpa', 1, null, null, null, true, null, 'TCPA blacklist'),
  ('batchdata', 'person', 'tcpa', 1, null, null, null, true, null, 'TCPA blacklist'),
  ('batchdata', 'person', 'litigator', 1, null, null, null, true, null, 'known litigator'),
  ('batchdata', 'person', 'deceased', 1, null, null, null, null, true, 'deceased');

-- One row per provider: its availability, and the end of its backoff. All replicas read and write it.
create table pipeline.provider_states (
  provider text primary key,
  failures integer not null default 0,
  paused_until timestamptz,
  last_success_at timestamptz,
  last_fault text
);
comment on column pipeline.provider_states.failures is 'calls in a row that failed; those that failed during one pause count once';

create table pipeline.provider_grants (
  provider text not null references pipeline.provider_states on delete cascade,
  at timestamptz not null,
  units integer not null
);
create index provider_grants_idx on pipeline.provider_grants (provider, at);
comment on table pipeline.provider_grants is 'what was asked of each provider within its current window: the published rate limit, kept exactly';

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

create function app.note_held_maks(lead_ids uuid[], maks text[]) returns setof uuid
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Record a conflict for each address key that a provider returned and that belongs to another lead. Return the leads.
  with held as (
    select w.lead_id, h.id as other_lead_id, w.mak
    from unnest(lead_ids, maks) as w (lead_id, mak)
    join leads h on h.mak = w.mak and h.id <> w.lead_id
  ),
  noted as (
    insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
    select 'key_held', lead_id, other_lead_id, 'mak', mak
    from held
    on conflict do nothing
  )
  select lead_id from held
$$;

revoke all on function
  pipeline.take_turn(text, integer, integer, double precision, integer, double precision), app.note_held_maks(uuid[], text[])
from public;
grant execute on function
  pipeline.take_turn(text, integer, integer, double precision, integer, double precision), app.note_held_maks(uuid[], text[])
to svc_skiptrace;
grant select, insert, update on pipeline.provider_states to svc_skiptrace;
grant select, insert, delete on pipeline.provider_grants to svc_skiptrace;
reset role;
