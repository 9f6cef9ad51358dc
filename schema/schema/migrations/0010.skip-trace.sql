-- Vendor throttle and skip tracing: rate limits hold across replicas, requests and responses survive a crash, and codes have
-- versions.
set local role equity_owner;

create table pipeline.provider_states (
  provider text primary key,
  failures integer not null default 0,
  backoff_until timestamptz,
  half_open boolean not null default false,
  access_denied boolean not null default false,
  last_success_at timestamptz,
  last_failure text
);
comment on table pipeline.provider_states is 'circuit breaker and backoff of each provider, shared by all replicas';
comment on column pipeline.provider_states.failures is 'failed calls in a row; calls that fail during one backoff count once';
comment on column pipeline.provider_states.half_open is 'one call probes the provider, and the backoff is its time limit';
comment on column pipeline.provider_states.access_denied is 'the last call was denied access, which only a person can restore';

create table pipeline.provider_permits (
  provider text not null references pipeline.provider_states on delete cascade,
  at timestamptz not null,
  units integer not null
);
create index provider_permits_idx on pipeline.provider_permits (provider, at);
comment on table pipeline.provider_permits is 'permits in the current window of each provider, by which its published rate limit holds';

-- Callers acquire permits and record results only through functions, so that all callers of a vendor share one limit.
create function pipeline.acquire_permit(
  of_provider text, wanted integer, per_window integer, window_seconds double precision, failure_threshold integer,
  probe_seconds double precision, shared_with text default null
) returns table (granted integer, wait_seconds double precision, state text)
language plpgsql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
-- Return the number of permitted units of a provider now, or the time to wait. State: available; rate_limited; backing_off
-- (after a failure, or as long as the provider asked for); circuit_open (`failure_threshold` calls failed in a row);
-- half_open (this one call tests the provider). Providers with one API key share its rate limit, stored under one of their
-- names. Each has its own backoff and circuit breaker.
#variable_conflict use_column
declare
  limited text := coalesce(shared_with, of_provider);
  s provider_states;
  now_ timestamptz;
  used integer;
  oldest timestamptz;
begin
  insert into provider_states (provider)
  select p from (values (limited), (of_provider)) w (p) group by p order by p
  on conflict do nothing;
  perform from provider_states where provider = limited for update;
  select * into s from provider_states where provider = of_provider for update;
  now_ := clock_timestamp();
  if s.backoff_until > now_ then
    return query select
      0,
      extract(epoch from s.backoff_until - now_)::double precision,
      case when s.failures >= failure_threshold then 'circuit_open' else 'backing_off' end;
    return;
  end if;
  delete from provider_permits where provider = limited and at <= now_ - make_interval(secs => window_seconds);
  select coalesce(sum(units), 0), min(at) into used, oldest from provider_permits where provider = limited;
  if used >= per_window then
    return query select
      0,
      greatest(0.01, extract(epoch from oldest - now_) + window_seconds)::double precision,
      'rate_limited'::text;
    return;
  end if;
  if s.failures >= failure_threshold then
    update provider_states
    set backoff_until = now_ + make_interval(secs => probe_seconds), half_open = true
    where provider = of_provider;
    wanted := 1;
  end if;
  wanted := least(wanted, per_window - used);
  insert into provider_permits (provider, at, units) values (limited, now_, wanted);
  return query select
    wanted,
    0::double precision,
    case when s.failures >= failure_threshold then 'half_open' else 'available' end;
end
$$;

create function pipeline.record_success(of_provider text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Write only on a change or once a second, because hundreds of calls share the row.
  update provider_states
  set
    failures = 0,
    backoff_until = null,
    half_open = false,
    access_denied = false,
    last_success_at = clock_timestamp(),
    last_failure = null
  where provider = of_provider
  and (
    failures > 0 or backoff_until is not null or last_success_at is null
    or last_success_at < clock_timestamp() - interval '1 second'
  )
$$;

create function pipeline.record_failure(
  of_provider text, failure text, is_probe boolean, is_denied boolean, failure_threshold integer,
  first_seconds double precision, longest_seconds double precision, least_seconds double precision
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Failures during one backoff count once. A backoff doubles with each failure, and is at least as long as the provider
  -- asked for. Denied access opens the circuit at once.
  update provider_states
  set failures = greatest(f.failures, case when is_denied then failure_threshold end),
      half_open = half_open and not is_probe,
      access_denied = is_denied,
      backoff_until = greatest(
        case when is_probe then null else backoff_until end,
        clock_timestamp() + make_interval(
          secs => greatest(least_seconds, least(longest_seconds, first_seconds * 2 ^ least(f.failures - 1, 20))))
      ),
      last_failure = failure
  from (
    select
      provider as name,
      failures + case when backoff_until > clock_timestamp() and not is_probe then 0 else 1 end as failures
    from provider_states
    where provider = of_provider
    for update
  ) f
  where provider = f.name
$$;

-- Skip tracing by file: a batch of exported leads that a person runs at the vendor. Each lead is one request.
create table app.skip_trace_batches (
  id uuid primary key,
  provider text not null,
  made_at timestamptz not null default now(),
  made_by text not null,
  lease_until timestamptz not null,
  glb_purpose text not null check (glb_purpose <> ''),
  dppa_purpose text not null check (dppa_purpose <> ''),
  warning_accepted_by text not null check (warning_accepted_by <> ''),
  written_at timestamptz
);
comment on table app.skip_trace_batches is
  'a file exported for a vendor without an API, with the exporting person and the permissible purpose, written by skiptrace';
comment on column app.skip_trace_batches.glb_purpose is 'permissible purpose under 15 U.S.C. 6802(e), as the vendor codes it';
comment on column app.skip_trace_batches.dppa_purpose is 'permissible use under 18 U.S.C. 2721(b), as the vendor codes it';
comment on column app.skip_trace_batches.written_at is
  'time at which the file was complete; null: incomplete, and it can be written again';

create table app.skip_trace_requests (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  batch_id uuid references app.skip_trace_batches,
  requested_at timestamptz not null default now(),
  lease_until timestamptz,
  answered_at timestamptz,
  outcome text not null default 'asked' check (outcome in ('asked', 'answered', 'failed', 'unknown', 'expired')),
  records integer not null check (records between 1 and 100),
  cost_cents numeric(12, 4),
  lookups_encrypted bytea,
  response_encrypted bytea,
  detail text
);
comment on table app.skip_trace_requests is 'a paid request to a provider of contact data, written by skiptrace before the call';
comment on column app.skip_trace_requests.batch_id is
  'exported file that contains the request; null: the request is an API call. No process waits for the result of a file';
comment on column app.skip_trace_requests.lease_until is
  'end of the wait for a response; then the outcome changes from asked to unknown';
comment on column app.skip_trace_requests.outcome is
  'asked: committed before the call. unknown: no response came before lease_until, for example after a crash. expired: exported in a file, and no usable result came back';
comment on column app.skip_trace_requests.cost_cents is
  'maximum cost while asked or unknown, then the cost of the response; in cents';
comment on column app.skip_trace_requests.lookups_encrypted is
  'persons and addresses of the request, encrypted under the master key; deleted together with the response';
create index skip_trace_requests_asked_idx on app.skip_trace_requests (lease_until) where outcome = 'asked';
create index skip_trace_requests_at_idx on app.skip_trace_requests (requested_at);
create index skip_trace_requests_batch_idx on app.skip_trace_requests (batch_id, id) where batch_id is not null;

create table app.skip_trace_attempts (
  request_id uuid not null references app.skip_trace_requests on delete cascade,
  lead_id uuid not null references app.leads on delete cascade,
  provider text not null,
  outcome text,
  at timestamptz not null default now(),
  merged_at timestamptz,
  primary key (request_id, lead_id)
);
comment on table app.skip_trace_attempts is 'a lead of a request and the result for it, written by skiptrace';
comment on column app.skip_trace_attempts.merged_at is
  'time at which the response was merged into the lead; null: not yet, or no response';
create index skip_trace_attempts_lead_idx on app.skip_trace_attempts (lead_id, at desc);
create index skip_trace_attempts_open_idx on app.skip_trace_attempts (request_id) where outcome is null and merged_at is null;

-- Versioned vendor codes. The highest version of a code is valid; the others record earlier meanings.
create table app.verification_code_map (
  provider text not null,
  channel text not null check (channel in ('email', 'phone', 'person')),
  code text not null,
  version integer not null default 1,
  is_verified boolean,
  line_type text check (line_type in ('mobile', 'landline', 'voip')),
  dnc boolean,
  litigator boolean,
  deceased boolean,
  meaning text not null default '',
  primary key (provider, channel, code, version)
);
comment on table app.verification_code_map is
  'meaning of the code of a provider for a phone, an email or a person, written by migrations; the highest version is valid';
comment on column app.verification_code_map.code is
  'code of the vendor; two letters and a star match all codes with this beginning that have no row';
comment on column app.verification_code_map.is_verified is
  'true: the code verifies the value; false: the value is invalid; null: neither';
comment on column app.verification_code_map.dnc is
  'true: on a do-not-call list; false: checked and on none; null: no statement';

insert into app.verification_code_map (provider, channel, code, is_verified, meaning)
values
  ('melissa', 'phone', 'PE*', false, 'any other error of a phone'),
  ('melissa', 'phone', 'PE01', false, 'invalid'),
  ('melissa', 'phone', 'PE02', false, 'blank'),
  ('melissa', 'phone', 'PE03', false, 'bad digits'),
  ('melissa', 'phone', 'PE04', false, 'multiple'),
  ('melissa', 'phone', 'PE05', false, 'bad prefix'),
  ('melissa', 'phone', 'PS01', true, 'valid'),
  ('melissa', 'phone', 'PS02', null, 'seven digits match'),
  ('melissa', 'phone', 'PS03', null, 'area code corrected'),
  ('melissa', 'phone', 'PS06', null, 'area code corrected'),
  ('melissa', 'phone', 'PS10', null, 'residential'),
  ('melissa', 'phone', 'PS11', null, 'business'),
  ('melissa', 'phone', 'PS12', null, 'small office or home office'),
  ('melissa', 'email', 'EE*', false, 'any other error of an email'),
  ('melissa', 'email', 'EE01', false, 'syntax'),
  ('melissa', 'email', 'EE02', false, 'domain missing'),
  ('melissa', 'email', 'EE03', false, 'server missing'),
  ('melissa', 'email', 'EE04', false, 'mailbox invalid'),
  ('melissa', 'email', 'ES01', true, 'syntax and domain are good'),
  ('melissa', 'email', 'ES02', false, 'invalid'),
  ('melissa', 'email', 'ES03', null, 'unknown'),
  ('melissa', 'email', 'ES04', null, 'mobile'),
  ('melissa', 'email', 'ES05', false, 'disposable'),
  ('melissa', 'email', 'ES06', false, 'spamtrap domain'),
  ('melissa', 'email', 'ES07', null, 'accepts all'),
  ('melissa', 'email', 'ES08', null, 'role account'),
  ('melissa', 'email', 'ES10', null, 'changed'),
  ('melissa', 'email', 'ES11', null, 'changed'),
  ('melissa', 'email', 'ES12', null, 'changed'),
  ('melissa', 'email', 'ES13', null, 'changed'),
  ('melissa', 'email', 'ES21', true, 'mailbox verified'),
  ('melissa', 'email', 'ES32', false, 'malicious'),
  ('melissa', 'email', 'ES33', false, 'malicious'),
  ('melissa', 'email', 'ES34', false, 'malicious'),
  ('melissa', 'email', 'ES35', false, 'spamtrap'),
  ('melissa', 'email', 'ES36', false, 'spamtrap'),
  ('melissa', 'email', 'ES37', false, 'breach'),
  ('batchdata', 'phone', 'reachable', true, 'tested and reachable'),
  ('batchdata', 'phone', 'unreachable', false, 'tested and not reachable'),
  ('batchdata', 'email', 'tested', true, 'tested'),
  -- TLO lists a value but does not verify it, so that a verifying provider checks it.
  ('tlo', 'phone', 'found', null, 'listed for the person, not verified'),
  ('tlo', 'email', 'found', null, 'listed for the person, not verified');

insert into app.verification_code_map (provider, channel, code, line_type, meaning)
values
  ('melissa', 'phone', 'PS07', 'mobile', 'cell'),
  ('melissa', 'phone', 'PS08', 'landline', 'landline'),
  ('melissa', 'phone', 'PS09', 'voip', 'VoIP'),
  ('batchdata', 'phone', 'landline', 'landline', 'type Land Line'),
  ('batchdata', 'phone', 'mobile', 'mobile', 'type Mobile'),
  ('batchdata', 'phone', 'voip', 'voip', 'type VoIP'),
  ('tlo', 'phone', 'landline', 'landline', 'type landline'),
  ('tlo', 'phone', 'mobile', 'mobile', 'type mobile'),
  ('tlo', 'phone', 'voip', 'voip', 'type VoIP');

insert into app.verification_code_map (provider, channel, code, dnc, litigator, deceased, meaning)
values
  ('melissa', 'person', 'DD01', null, null, true, 'deceased'),
  ('batchdata', 'phone', 'dnc', true, null, null, 'on a do-not-call list'),
  ('batchdata', 'phone', 'not_dnc', false, null, null, 'on no do-not-call list'),
  ('batchdata', 'phone', 'not_tcpa', null, false, null, 'not on the TCPA blacklist'),
  ('batchdata', 'phone', 'tcpa', null, true, null, 'TCPA blacklist'),
  ('batchdata', 'person', 'deceased', null, null, true, 'deceased'),
  ('batchdata', 'person', 'litigator', null, true, null, 'known litigator'),
  ('batchdata', 'person', 'tcpa', null, true, null, 'TCPA blacklist'),
  ('batchdata_dnc', 'phone', 'dnc', true, null, null, 'on a do-not-call list'),
  ('batchdata_dnc', 'phone', 'not_dnc', false, null, null, 'on no do-not-call list'),
  ('batchdata_tcpa', 'phone', 'not_tcpa', null, false, null, 'not on the TCPA blacklist'),
  ('batchdata_tcpa', 'phone', 'tcpa', null, true, null, 'TCPA blacklist'),
  ('tlo', 'person', 'deceased', null, null, true, 'deceased'),
  ('tlo', 'person', 'litigator', null, true, null, 'known litigator');

grant select on pipeline.provider_states to svc_skiptrace, svc_feeder;
grant select, delete on pipeline.provider_permits to svc_skiptrace;
grant execute on function pipeline.acquire_permit, pipeline.record_success, pipeline.record_failure
to svc_skiptrace, svc_feeder, svc_pull;
grant select, insert, update on app.skip_trace_requests, app.skip_trace_attempts, app.verification_code_map to svc_skiptrace;
grant select, insert, update (written_at) on app.skip_trace_batches to svc_skiptrace;
reset role;
