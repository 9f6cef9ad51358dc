-- Profiles of files, and the mapping of each upload: how the columns of its file are read.
set local role equity_owner;

alter table app.uploads
  add column mapping jsonb,
  add column title_rows integer not null default 0 check (title_rows >= 0),
  add column rows_skipped integer check (rows_skipped >= 0);
comment on column app.uploads.mapping is
  'profile, meaning of each column and rules for the rows, resolved when the file was received (common.records.file_mapping)';
comment on column app.uploads.title_rows is 'rows of the file before its header';
comment on column app.uploads.rows_skipped is 'rows that are no records: the header again, and footers; known once all rows are published';

alter table app.partners add column default_profile text check (default_profile ~ '^[a-z0-9][a-z0-9-]{0,59}$');
comment on column app.partners.default_profile is 'profile of the uploads of this partner that name none; null: it is recognised';

create table app.file_profiles (
  id bigint generated always as identity primary key,
  partner_id uuid references app.partners on delete cascade,
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,59}$'),
  version integer not null check (version > 0),
  definition text not null,
  saved_at timestamptz not null default now(),
  unique nulls not distinct (partner_id, name, version)
);
comment on table app.file_profiles is
  'saved profiles of files: of one partner, or of all where partner_id is null; the highest version of a name counts; written by commands and by uploads that save their mapping';
comment on column app.file_profiles.definition is 'the profile as YAML (common.records.file_profile)';

create function app.find_known_homes(maks text[], apn_keys text[], addr_hashes bytea[]) returns setof boolean
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  -- For each position of the arrays, of equal length: whether a lead has one of its keys. It tells the gateway nothing else about leads.
  select
    exists (select from leads l where l.mak = k.mak)
    or exists (select from leads l where l.apn_key = k.apn_key)
    or exists (select from leads l where l.addr_hash = k.addr_hash)
  from unnest(maks, apn_keys, addr_hashes) with ordinality as k (mak, apn_key, addr_hash, position)
  order by k.position
$$;
comment on function app.find_known_homes is 'used by dry runs of uploads to estimate which rows are known homes';

grant select (id, mapping) on app.uploads to svc_ingest;
grant select, insert on app.file_profiles to svc_gateway;
grant usage on sequence app.file_profiles_id_seq to svc_gateway;
grant update (default_profile) on app.partners to svc_gateway;
revoke execute on function app.find_known_homes from public;
grant execute on function app.find_known_homes to svc_gateway;
reset role;
