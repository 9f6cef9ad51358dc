-- Brokers, partners and uploads.
set local role equity_owner;

create table app.brokers (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  email text,
  daily_limit integer not null default 250 check (daily_limit between 0 and 10000),
  booking_link text,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  feed_weekdays smallint[] not null default '{1,2,3,4,5}' check (feed_weekdays <@ '{1,2,3,4,5}'::smallint[]),
  feed_on_holidays boolean,
  days_off date[] not null default '{}'
);
comment on table app.brokers is 'a home-equity broker, written by `equity brokers`; id is the id of the broker in auth.users';
comment on column app.brokers.feed_weekdays is 'ISO weekdays on which leads are fed: 1 is Monday, 5 is Friday';
comment on column app.brokers.feed_on_holidays is 'true: leads are fed on federal holidays; null: FEED_ON_HOLIDAYS decides';
comment on column app.brokers.days_off is 'single days on which no lead is fed';
create unique index brokers_name_key on app.brokers (lower(name));

create table app.broker_settings (
  broker_id uuid primary key references app.brokers on delete cascade,
  notifications jsonb not null default '{}',
  preferences jsonb not null default '{}',
  updated_at timestamptz not null default now()
);
comment on table app.broker_settings is 'settings that a broker chooses; no service writes them yet';

create table app.territories (
  id bigint generated always as identity primary key,
  broker_id uuid not null references app.brokers on delete cascade,
  state text not null check (state ~ '^[A-Z]{2}$'),
  county text,
  zip text check (zip ~ '^[0-9]{5}$'),
  created_at timestamptz not null default now(),
  check (county is null or zip is null)
);
comment on table app.territories is 'a state, county or ZIP code whose leads a broker gets, written by `equity brokers`';
create unique index territories_place_key on app.territories (broker_id, state, coalesce(county, ''), coalesce(zip, ''));

create table pipeline.territory_passes (
  only_one boolean primary key default true check (only_one),
  territories bytea not null,
  seen_at timestamptz not null,
  is_final boolean not null
);
comment on table pipeline.territory_passes is
  'territories of the last run that assigned leads without a broker. is_final: it ran after all records that were in flight when the territories changed';

create table app.partners (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) between 1 and 200),
  broker_ids uuid[],
  default_broker_id uuid references app.brokers on delete set null,
  created_at timestamptz not null default now(),
  check (default_broker_id is null or broker_ids is null or default_broker_id = any (broker_ids))
);
comment on table app.partners is 'a company that uploads leads, written by `equity partners`';
comment on column app.partners.broker_ids is 'brokers whose leads this partner may assign and edit; null: all brokers';
create unique index partners_name_key on app.partners (lower(name));

create table app.partner_keys (
  key_id text primary key check (key_id ~ '^[A-Za-z0-9_.-]{1,64}$'),
  partner_id uuid not null references app.partners on delete cascade,
  scheme text not null check (scheme in ('body', 'v2')),
  secret_encrypted bytea not null,
  active boolean not null default true,
  created_at timestamptz not null default now(),
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on table app.partner_keys is 'a signing key of a partner, written by `equity keys`; the gateway records the last use';
comment on column app.partner_keys.scheme is 'each key has one scheme; otherwise a v2 signature would be valid for a body';
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
  spool_disk_id text not null,
  lease_owner text,
  lease_until timestamptz,
  received_at timestamptz not null default now(),
  published_at timestamptz,
  done_at timestamptz,
  problem text,
  resends integer not null default 0,
  resent_at timestamptz,
  check (rows_published <= rows_total)
);
comment on table app.uploads is 'one signed CSV file and the progress of its rows, written by the gateway';
comment on column app.uploads.resends is 'number of times that all rows were published again without progress in between';
comment on column app.uploads.resent_at is 'time of the last request to publish all rows again';
create index uploads_open_idx on app.uploads (received_at) where state in ('received', 'publishing', 'accounted');
create index uploads_partner_idx on app.uploads (partner_id, received_at desc);

create table app.ingest_replay_guard (
  partner_id uuid not null references app.partners on delete cascade,
  content_sha256 bytea not null,
  upload_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (partner_id, content_sha256)
);
comment on table app.ingest_replay_guard is
  'hash of the content of a recent upload, written by the gateway, which recognises a repeated upload by it';
create index ingest_replay_guard_received_idx on app.ingest_replay_guard (received_at);

create function app.cleanup_old_replay_guards(older_than interval default '7 days') returns integer
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  with deleted as (
    delete from ingest_replay_guard where received_at < now() - greatest(older_than, interval '7 days') returning 1
  )
  select count(*)::integer from deleted
$$;

create table app.upload_tallies (
  id bigint generated always as identity primary key,
  upload_id uuid not null,
  inserted integer not null default 0,
  updated integer not null default 0,
  duplicate integer not null default 0,
  rejected integer not null default 0,
  reasons jsonb not null default '{}',
  unread jsonb not null default '{}',
  at timestamptz not null default now()
);
create index upload_tallies_upload_idx on app.upload_tallies (upload_id);
comment on table app.upload_tallies is 'counts of one batch of an upload, written by ingest; append-only, so that concurrent batches never update the same row';
comment on column app.upload_tallies.unread is
  'unreadable values that were left out, by field: {"est_value": {"values": 3, "rows": [2, 17, 20]}}, at most five rows';

create table app.upload_rejects (
  upload_id uuid not null,
  row integer not null,
  reasons text[] not null,
  detail text not null default '',
  row_encrypted bytea not null,
  at timestamptz not null default now(),
  primary key (upload_id, row)
);
comment on table app.upload_rejects is 'a rejected row of an upload, written by ingest; the gateway reports it to the partner';
comment on column app.upload_rejects.row_encrypted is 'cells of the rejected row, encrypted because they are personal data';

create function app.lock_broker_for_feed(of_broker uuid)
returns table (
  name text, daily_limit integer, active boolean, feed_weekdays smallint[], feed_on_holidays boolean, days_off date[]
)
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Allow one feed per broker at a time, and none during a change of its limit. The lock lasts until the transaction ends.
  select b.name, b.daily_limit, b.active, b.feed_weekdays, b.feed_on_holidays, b.days_off
  from brokers b
  where b.id = of_broker
  for no key update
$$;

grant select on app.brokers to svc_gateway, svc_ingest, svc_feeder, authenticated;
grant select (id, name, active) on app.brokers to svc_pull;
grant select (id, name) on app.brokers to svc_recorder;
grant execute on function app.lock_broker_for_feed to svc_feeder;
grant select, insert, update on app.broker_settings to authenticated;
grant select on app.territories to svc_ingest, authenticated;
grant select, insert, update on pipeline.territory_passes to svc_ingest;
grant select, insert on app.partners to svc_gateway;
grant select, insert, update (last_used_at) on app.partner_keys to svc_gateway;
grant select, insert, update on app.uploads to svc_gateway;
grant select, insert, update, delete on app.ingest_replay_guard to svc_gateway;
grant execute on function app.cleanup_old_replay_guards to svc_gateway;
grant insert on app.upload_tallies to svc_ingest;
grant select, insert, update (row_encrypted) on app.upload_rejects to svc_ingest;
grant select on app.upload_tallies, app.upload_rejects to svc_gateway;
reset role;
