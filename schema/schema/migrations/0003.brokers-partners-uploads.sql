-- Partners, brokers and uploads.
set local role equity_owner;

create table app.brokers (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  email text,
  daily_limit integer not null default 250 check (daily_limit between 0 and 10000),
  booking_link text,
  active boolean not null default true,
  created_at timestamptz not null default now()
);
comment on table app.brokers is 'id is the auth user id of the broker';
create unique index brokers_name_key on app.brokers (lower(name));

create table app.broker_settings (
  broker_id uuid primary key references app.brokers on delete cascade,
  notifications jsonb not null default '{}',
  preferences jsonb not null default '{}',
  updated_at timestamptz not null default now()
);

create table app.territories (
  id bigint generated always as identity primary key,
  broker_id uuid not null references app.brokers on delete cascade,
  state text not null check (state ~ '^[A-Z]{2}$'),
  county text,
  zip text check (zip ~ '^[0-9]{5}$'),
  created_at timestamptz not null default now(),
  check (county is null or zip is null)
);
create unique index territories_place_key on app.territories (broker_id, state, coalesce(county, ''), coalesce(zip, ''));

create table app.partners (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  broker_ids uuid[],
  default_broker_id uuid references app.brokers on delete set null,
  created_at timestamptz not null default now(),
  check (default_broker_id is null or broker_ids is null or default_broker_id = any (broker_ids))
);
comment on column app.partners.broker_ids is 'brokers whose leads this partner may assign and edit; null: any';
create unique index partners_name_key on app.partners (lower(name));

create table app.partner_keys (
  key_id text primary key check (key_id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  partner_id uuid not null references app.partners on delete cascade,
  scheme text not null check (scheme in ('body', 'v2')),
  secret_sealed bytea not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on column app.partner_keys.scheme is 'a key is for one scheme only, else a v2 signature would pass for a body';
create index partner_keys_partner_idx on app.partner_keys (partner_id) where active;

create type app.upload_state as enum ('received', 'publishing', 'accounted', 'done', 'needs_resend', 'failed');

create table app.uploads (
  id uuid primary key,
  partner_id uuid not null references app.partners,
  key_id text not null,
  sha256 bytea not null check (length(sha256) = 32),
  size bigint not null check (size >= 0),
  filename text,
  broker_id uuid references app.brokers on delete set null,
  state app.upload_state not null default 'received',
  rows_total integer check (rows_total >= 0),
  rows_published integer not null default 0,
  columns text[],
  encoding text,
  delimiter text,
  spool_host text not null,
  lease_owner text,
  lease_until timestamptz,
  received_at timestamptz not null default now(),
  published_at timestamptz,
  done_at timestamptz,
  problem text,
  check (rows_published <= rows_total)
);
create index uploads_open_idx on app.uploads (received_at) where state in ('received', 'publishing', 'accounted');
create index uploads_partner_idx on app.uploads (partner_id, received_at desc);

create table app.ingest_replay_guard (
  partner_id uuid not null references app.partners on delete cascade,
  content_sha256 bytea not null,
  upload_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (partner_id, content_sha256)
);
create index ingest_replay_guard_received_idx on app.ingest_replay_guard (received_at);

create table app.upload_tallies (
  id bigint generated always as identity primary key,
  upload_id uuid not null,
  inserted integer not null default 0,
  updated integer not null default 0,
  duplicate integer not null default 0,
  rejected integer not null default 0,
  reasons jsonb not null default '{}',
  at timestamptz not null default now()
);
create index upload_tallies_upload_idx on app.upload_tallies (upload_id);
comment on table app.upload_tallies is 'append-only, one row a batch: the totals of an upload without a hot row';

create table app.upload_rejects (
  upload_id uuid not null,
  row integer not null,
  reasons text[] not null,
  detail text not null default '',
  row_sealed bytea not null,
  at timestamptz not null default now(),
  primary key (upload_id, row)
);
comment on column app.upload_rejects.row_sealed is 'the cells as they came, sealed: they are personal data';

create table pipeline.job_runs (
  job text not null,
  local_date date not null,
  host text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  outcome text,
  detail text,
  primary key (job, local_date)
);

create function pipeline.claim_job(of_job text, on_date date, by_host text) returns boolean
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Return true for one caller per job and date. Return true again if that run failed a minute ago, or did not finish within
  -- an hour.
  with claimed as (
    insert into job_runs (job, local_date, host)
    select of_job, on_date, by_host
    where split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
    on conflict (job, local_date) do update
    set host = by_host, started_at = now(), finished_at = null, outcome = null, detail = null
    where (job_runs.finished_at is null and job_runs.started_at < now() - interval '1 hour')
       or (job_runs.outcome = 'failed' and job_runs.finished_at < now() - interval '1 minute')
    returning 1
  )
  select exists (select from claimed)
$$;

create function pipeline.finish_job(of_job text, on_date date, with_outcome text, with_detail text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  update job_runs
  set finished_at = now(), outcome = with_outcome, detail = with_detail
  where job = of_job
  and local_date = on_date
  and (split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member'))
$$;

grant execute on function pipeline.claim_job(text, date, text), pipeline.finish_job(text, date, text, text) to pipeline_writer;
reset role;
