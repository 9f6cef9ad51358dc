-- Leads, their contact details and the conflicts between records.
set local role equity_owner;

create type app.campaign_status as enum (
  'new', 'queued', 'active', 'replied', 'paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted'
);

create table app.leads (
  id uuid primary key,
  mak text check (mak ~ '^[0-9]{10}$'),
  property_address text,
  property_unit text,
  property_city text,
  property_state text,
  property_zip text,
  county text,
  fips text,
  apn text,
  owner_first_name text,
  owner_last_name text,
  owner2_first_name text,
  owner2_last_name text,
  company_name text,
  mailing_address text,
  mailing_unit text,
  mailing_city text,
  mailing_state text,
  mailing_zip text,
  property_type text,
  bedrooms smallint,
  bathrooms numeric(5,2),
  building_sqft integer,
  lot_sqft bigint,
  year_built smallint,
  owner_occupied boolean,
  vacant boolean,
  est_value bigint,
  est_equity bigint,
  est_ltv numeric(7,2),
  open_loans smallint,
  open_loan_balance bigint,
  last_sale_date date,
  last_sale_amount bigint,
  apn_key text,
  addr_hash bytea,
  deceased_owner boolean not null default false,
  do_not_mail boolean not null default false,
  litigator boolean not null default false,
  observed integer[] not null,
  source text not null,
  assigned_broker_id uuid,
  lead_score integer not null default 0,
  score_contributions jsonb,
  data_key bytea,
  notes text,
  preferences jsonb,
  campaign_status app.campaign_status not null default 'new',
  paused_from app.campaign_status,
  added_to_campaign_at timestamptz,
  current_sequence_step integer not null default 0,
  last_reply_at timestamptz,
  email_encrypted bytea,
  email_hash bytea,
  phone_encrypted bytea,
  phone_hash bytea,
  email_verified boolean not null default false,
  phone_verified boolean not null default false,
  email_verification_codes text[] not null default '{}',
  phone_verification_codes text[] not null default '{}',
  melissa_payload jsonb,
  consent boolean not null default false,
  consented_at timestamptz,
  consent_method text,
  vapi_call_id text,
  call_attempt_count integer not null default 0,
  lead_version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint consent_requires_timestamp check (consent = false or consented_at is not null),
  constraint lead_score_range check (lead_score between 0 and 100),
  constraint leads_broker_fk foreign key (assigned_broker_id) references app.brokers (id) on delete set null
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

comment on column app.leads.apn_key is 'state|county|parcel number without punctuation: a parcel number is unique in its county only';
comment on column app.leads.addr_hash is 'first 16 bytes of the SHA-256 of the normalised address, unit included';
comment on column app.leads.observed is 'for each fact, in the order of pipeline.leads_staging: day it was seen * 16 + rank of its source';
comment on column app.leads.data_key is 'the key of this lead''s contact details, wrapped by the master key';

-- Unique keys: a key belongs to at most one lead.
create unique index leads_mak_key on app.leads (mak) where mak is not null;
create unique index leads_apn_key on app.leads (apn_key) where apn_key is not null;
create unique index leads_addr_hash_key on app.leads (addr_hash) where addr_hash is not null;

-- Indexes under the names of the original specification.
create index leads_feed_hot_idx on app.leads (added_to_campaign_at, lead_score desc)
  where campaign_status in ('queued', 'active') and phone_verified is true;
create index leads_feed_email_idx on app.leads (assigned_broker_id, lead_score desc, id)
  where campaign_status = 'queued' and email_verified is true;
create index leads_replied_lookup_idx on app.leads (last_reply_at desc) where campaign_status = 'replied';
create index leads_active_phone_idx on app.leads (campaign_status, added_to_campaign_at, phone_verified, lead_score desc)
  where campaign_status <> 'new';
create index leads_last_reply_idx on app.leads (campaign_status, last_reply_at, phone_verified, vapi_call_id, lead_score desc)
  where last_reply_at is not null;
create index leads_broker_idx on app.leads (assigned_broker_id);

create table app.lead_contacts (
  lead_id uuid not null references app.leads (id) on delete cascade,
  channel text not null check (channel in ('phone', 'email')),
  value_hash bytea not null,
  hash_key_id text not null,
  normalisation_version smallint not null default 1,
  value_ciphertext bytea not null,
  source text not null,
  line_type text,
  first_seen timestamptz not null default now(),
  rank smallint not null default 0,
  verified boolean,
  verified_at timestamptz,
  codes text[] not null default '{}',
  dnc boolean,
  dnc_checked_at timestamptz,
  litigator boolean,
  primary key (lead_id, channel, value_hash)
);
create index lead_contacts_value_idx on app.lead_contacts (value_hash);
comment on table app.lead_contacts is 'flags belong to the value and never move from one number to another';

create type pipeline.contact_candidate as (
  lead_id uuid,
  channel text,
  value_hash bytea,
  value_ciphertext bytea,
  source text,
  line_type text,
  rank smallint,
  dnc boolean
);
comment on type pipeline.contact_candidate is 'a phone or email of a record on its way to lead_contacts';

create table app.lead_conflicts (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('key_held', 'key_differs', 'owner_changed')),
  lead_id uuid not null references app.leads (id) on delete cascade,
  other_lead_id uuid references app.leads (id) on delete cascade,
  column_name text not null,
  value text not null,
  upload_id uuid,
  row integer,
  event_id uuid,
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  resolved_by text,
  resolution text check (resolution in ('keep', 'take', 'dismiss')),
  note text
);
create unique index lead_conflicts_once_key
  on app.lead_conflicts (lead_id, kind, column_name, value, coalesce(other_lead_id, '00000000-0000-0000-0000-000000000000'));
create index lead_conflicts_open_idx on app.lead_conflicts (created_at) where resolved_at is null;
comment on column app.lead_conflicts.value is 'the refused key or the keyed digest of the refused value; never a contact';

create table pipeline.leads_staging (
  ord integer,
  id uuid,
  stamp integer,
  source text,
  broker_id uuid,
  editable_brokers uuid[],
  data_key bytea,
  lead_score integer,
  score_contributions jsonb,
  upload_id uuid,
  row integer,
  event_id uuid,
  observed integer[],
  mak text,
  property_address text,
  property_unit text,
  property_city text,
  property_state text,
  property_zip text,
  county text,
  fips text,
  apn text,
  owner_first_name text,
  owner_last_name text,
  owner2_first_name text,
  owner2_last_name text,
  company_name text,
  mailing_address text,
  mailing_unit text,
  mailing_city text,
  mailing_state text,
  mailing_zip text,
  property_type text,
  bedrooms smallint,
  bathrooms numeric(5,2),
  building_sqft integer,
  lot_sqft bigint,
  year_built smallint,
  owner_occupied boolean,
  vacant boolean,
  est_value bigint,
  est_equity bigint,
  est_ltv numeric(7,2),
  open_loans smallint,
  open_loan_balance bigint,
  last_sale_date date,
  last_sale_amount bigint,
  apn_key text,
  addr_hash bytea,
  deceased_owner boolean,
  do_not_mail boolean,
  litigator boolean,
  email text,
  phone text,
  raw jsonb,
  loaded_at timestamptz default now()
);
comment on table pipeline.leads_staging is
  'row type of upsert_leads(); for loads by hand also a table. observed: stamps of single facts where they differ from stamp';

create function app.set_added_to_campaign_at() returns trigger
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
begin
  if new.campaign_status = 'active' and old.campaign_status is distinct from 'active' then
    new.added_to_campaign_at := coalesce(new.added_to_campaign_at, now());
  end if;
  return new;
end
$$;

create trigger trg_set_added_to_campaign_at before update on app.leads
for each row when (new.campaign_status is distinct from old.campaign_status)
execute function app.set_added_to_campaign_at();

create function app.count_lead_version() returns trigger
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- Increase the version of a lead on every change, by any role. Events carry the version that they saw.
begin
  new.lead_version := old.lead_version + 1;
  new.updated_at := now();
  return new;
end
$$;

create trigger trg_count_lead_version before update on app.leads
for each row execute function app.count_lead_version();
reset role;
