-- Leads, their contact details and their campaign status. The columns of lead facts are in 0006.
set local role equity_owner;

create type app.campaign_status as enum (
  'new', 'queued', 'active', 'replied', 'paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted'
);

create table app.leads (
  id uuid primary key,
  source text not null,
  stamp integer not null default 0,
  observed jsonb not null default '{}',
  assigned_broker_id uuid,
  assignable_broker_ids uuid[],
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
comment on table app.leads is 'one home with its owner, made of many records; each service writes the columns that it is granted';
comment on column app.leads.stamp is
  'observation of the facts that observed does not name: days since 1970 * 16 + rank of the source';
comment on column app.leads.observed is 'stamps of single facts, by name, where they differ from stamp';
comment on column app.leads.assignable_broker_ids is
  'for a lead without a broker: brokers to which its senders together may assign it; null: all brokers';
comment on column app.leads.data_key is 'key of the contact details of this lead, wrapped by the master key';

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
create index leads_unassigned_idx on app.leads (id) where assigned_broker_id is null;
-- Leads whose score does not yet include a verified contact. They are few at any time, whatever the size of the table.
create index leads_unscored_idx on app.leads (id)
  where email_verified and not coalesce(score_contributions ? 'verified_email', false)
  or phone_verified and not coalesce(score_contributions ? 'verified_phone', false);

create table pipeline.leads_staging (
  ord integer,
  id uuid,
  stamp integer,
  observed jsonb,
  source text,
  broker_id uuid,
  editable_brokers uuid[],
  data_key bytea,
  lead_score integer,
  score_contributions jsonb,
  upload_id uuid,
  row integer,
  event_id uuid,
  email text,
  phone text,
  raw jsonb,
  loaded_at timestamptz default now()
);
comment on table pipeline.leads_staging is
  'row type of upsert_leads(); for loads by hand also a table. stamp and observed as in app.leads; lead facts are in 0006';

create function pipeline.stamp_of(fact text, value anyelement, stamp integer, observed jsonb) returns integer
language sql immutable parallel safe as $$
  -- Return the stamp of a fact; null if the fact has no value.
  select case when value is not null then coalesce((observed ->> fact)::integer, stamp) end
$$;

create function pipeline.last_stamp_of_today() returns integer
language sql stable parallel safe as $$
  -- Return a stamp that no record of today exceeds.
  select (current_date - date '1970-01-01') * 16 + 15
$$;

create function pipeline.wins(stamp integer, value anyelement, held_stamp integer, held anyelement) returns boolean
language sql immutable parallel safe as $$
  -- Return whether a value replaces the stored one: the later observation wins, then the higher source rank (both in the
  -- stamp), then the larger value. The order of arrival does not matter, so any order gives the same lead.
  select value is not null and (
    held is null or stamp > coalesce(held_stamp, 0) or (stamp = coalesce(held_stamp, 0) and value > held))
$$;

create function pipeline.wins_text(stamp integer, value text, held_stamp integer, held text) returns boolean
language sql immutable parallel safe as $$
  -- Same rule for text, compared byte by byte.
  select value is not null and (
    held is null or stamp > coalesce(held_stamp, 0) or (stamp = coalesce(held_stamp, 0) and value > held collate "C"))
$$;

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
  litigator_checked_at timestamptz,
  primary key (lead_id, channel, value_hash)
);
comment on table app.lead_contacts is
  'a phone or email of a lead, written by ingest and skiptrace; its flags belong to the value and never move to another one';
create index lead_contacts_value_idx on app.lead_contacts (value_hash);
comment on column app.lead_contacts.litigator_checked_at is
  'time of the last check, whatever its result; dnc_checked_at is the same for dnc';

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
comment on type pipeline.contact_candidate is
  'phone or email of a record, as a parameter of the statement that stores contacts';

-- Contact details in psql and in backfills: functions of the original specification. Services encrypt values before they send
-- them to PostgreSQL.
create function app.encrypt_email(email text, enc_key text) returns bytea
language sql volatile strict set search_path = pg_catalog, pg_temp as $$
  -- For psql and backfills. Services encrypt values before they send them to PostgreSQL.
  select extensions.pgp_sym_encrypt(lower(trim(email)), enc_key)
$$;

create function app.decrypt_email(email_encrypted bytea, enc_key text) returns text
language sql stable strict set search_path = pg_catalog, pg_temp as $$
  select extensions.pgp_sym_decrypt(email_encrypted, enc_key)
$$;

create function app.hash_email(email text, pepper text) returns bytea
language sql immutable strict set search_path = pg_catalog, pg_temp as $$
  -- Return the keyed hash by which services look up contacts. pepper: the 64 hex digits of CONTACT_HASH_KEY.
  select extensions.hmac(convert_to(lower(trim(email)), 'UTF8'), decode(pepper, 'hex'), 'sha256')
$$;

create table pipeline.lead_transitions (
  from_status app.campaign_status not null,
  to_status app.campaign_status not null,
  roles text[] not null,
  primary key (from_status, to_status)
);
comment on table pipeline.lead_transitions is
  'login roles that may change the status of a lead from one value to another; the owner may make each of these changes';

insert into pipeline.lead_transitions (from_status, to_status, roles)
values
  ('new', 'queued', '{svc_skiptrace,svc_feeder}'),
  ('new', 'replied', '{svc_replies}'),
  ('queued', 'active', '{svc_feeder}'),
  ('queued', 'paused', '{svc_feeder,svc_replies,svc_consent,svc_ingest}'),
  ('queued', 'replied', '{svc_replies}'),
  ('queued', 'new', '{svc_feeder,svc_skiptrace}'),
  -- A lead that got a slot but never reached Instantly is queued again (ADR 20). It received no email.
  ('active', 'queued', '{svc_feeder}'),
  ('active', 'paused', '{svc_feeder,svc_replies,svc_consent,svc_ingest}'),
  ('active', 'replied', '{svc_replies}'),
  ('replied', 'paused', '{svc_feeder,svc_replies,svc_consent,svc_ingest}'),
  ('replied', 'active', '{svc_replies,svc_feeder}'),
  ('paused', 'new', '{svc_feeder,svc_replies,svc_consent}'),
  ('paused', 'queued', '{svc_feeder,svc_replies,svc_consent}'),
  ('paused', 'active', '{svc_feeder,svc_replies,svc_consent}'),
  ('paused', 'replied', '{svc_replies,svc_feeder,svc_consent}'),
  ('bounced', 'replied', '{svc_replies}'),
  ('unsubscribed', 'do_not_contact', '{svc_consent,svc_replies,svc_voice,svc_ingest}');

insert into pipeline.lead_transitions (from_status, to_status, roles)
select s, 'converted'::app.campaign_status, '{svc_voice}'::text[]
from unnest('{new,queued,active,replied,paused,bounced}'::app.campaign_status[]) s
union all
select s, 'unsubscribed', '{svc_consent,svc_replies,svc_voice}'::text[]
from unnest('{new,queued,active,replied,paused,bounced,converted}'::app.campaign_status[]) s
union all
-- Ingest closes a lead that a source forbids to contact (docs/protective-columns.md).
select s, 'do_not_contact', '{svc_consent,svc_replies,svc_voice,svc_ingest}'::text[]
from unnest('{new,queued,active,replied,paused,bounced,converted}'::app.campaign_status[]) s
union all
select s, 'bounced', '{svc_replies,svc_feeder}'::text[]
from unnest('{new,queued,active,replied,paused}'::app.campaign_status[]) s;

create function pipeline.may_transition(
  from_status app.campaign_status, to_status app.campaign_status, paused_from app.campaign_status
) returns boolean
language sql stable security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Return whether the login role of this session may make this transition. A paused lead may return to its previous state
  -- or go to `replied`.
  select exists (
    select
    from lead_transitions m
    where m.from_status = $1
    and m.to_status = $2
    and ($1 <> 'paused' or $2 = 'replied' or $2 = coalesce($3, 'new') or $2 in ('converted', 'unsubscribed', 'do_not_contact', 'bounced'))
    and (session_user = any (m.roles) or session_user not like 'svc\_%' and pg_has_role(session_user, 'equity_owner', 'member'))
  )
$$;

create function app.guard_campaign_status() returns trigger
language plpgsql set search_path = pg_catalog, app, pipeline, pg_temp as $$
begin
  if not may_transition(old.campaign_status, new.campaign_status, old.paused_from) then
    raise exception '% may not change the status of a lead from % to %', session_user, old.campaign_status, new.campaign_status
      using errcode = 'EC001', hint = 'call transition_lead(), which returns `refused` instead';
  end if;
  return new;
end
$$;

create trigger trg_guard_campaign_status before update of campaign_status on app.leads
for each row when (new.campaign_status is distinct from old.campaign_status)
execute function app.guard_campaign_status();

create function app.transition_lead(lead_ids uuid[], to_status app.campaign_status, reason text)
returns table (lead_id uuid, result text)
language plpgsql security definer set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Change the status of leads and return one result for each: transitioned, refused or already. A refusal raises no error,
-- because it is an ordinary race that an unsubscribe overtakes a reply. `reason` is a short text for the logs of the caller.
#variable_conflict use_column
begin
  return query
  with locked as materialized (
    select l.id, l.campaign_status, l.paused_from
    from leads l
    where l.id = any (lead_ids)
    order by l.id
    for no key update
  ),
  transitioned as (
    update leads l
    set campaign_status = to_status,
        paused_from = case when to_status = 'paused' then k.campaign_status end
    from locked k
    where l.id = k.id
    and k.campaign_status <> to_status
    and may_transition(k.campaign_status, to_status, k.paused_from)
    returning l.id
  )
  select
    w.id,
    case
      when k.campaign_status = to_status then 'already'
      when m.id is not null then 'transitioned'
      else 'refused'
    end
  from unnest(lead_ids) as w (id)
  left join locked k on k.id = w.id
  left join transitioned m on m.id = w.id;
end
$$;

-- A service owns a column by a grant on it.
grant select on app.leads to svc_ingest, svc_skiptrace, svc_feeder, svc_replies, svc_consent, svc_voice;
grant select (
  id, source, assigned_broker_id, lead_score, score_contributions, notes, preferences, campaign_status, added_to_campaign_at,
  current_sequence_step, last_reply_at, email_verified, phone_verified, consent, consented_at, consent_method,
  call_attempt_count, lead_version, created_at, updated_at
), update (notes, preferences) on app.leads to authenticated;
grant
  insert (id, source, stamp, observed, assigned_broker_id, lead_score, score_contributions, data_key),
  update (stamp, observed, assigned_broker_id, assignable_broker_ids, lead_score, score_contributions, data_key)
on app.leads to svc_ingest;
grant update (
  email_encrypted, email_hash, phone_encrypted, phone_hash, email_verified, phone_verified, email_verification_codes,
  phone_verification_codes, melissa_payload
) on app.leads to svc_skiptrace;
grant update (added_to_campaign_at) on app.leads to svc_feeder;
grant update (last_reply_at, current_sequence_step) on app.leads to svc_replies;
grant update (consent, consented_at, consent_method) on app.leads to svc_consent;
grant update (vapi_call_id, call_attempt_count) on app.leads to svc_voice;

grant select, insert, delete on pipeline.leads_staging to svc_ingest;
grant execute on function pipeline.stamp_of, pipeline.wins, pipeline.wins_text to svc_ingest;
grant execute on function pipeline.stamp_of to svc_feeder;

grant select on app.lead_contacts to svc_ingest, svc_skiptrace, svc_feeder;
-- A record may add facts to a known phone, above all that it must not be called.
grant insert, update (dnc, line_type) on app.lead_contacts to svc_ingest;
grant insert (
  lead_id, channel, value_hash, hash_key_id, normalisation_version, value_ciphertext, source, line_type, rank, verified,
  verified_at, codes, dnc, dnc_checked_at, litigator, litigator_checked_at
), update (
  verified, verified_at, codes, dnc, dnc_checked_at, litigator, litigator_checked_at, rank, line_type
) on app.lead_contacts to svc_skiptrace;
grant execute on function app.transition_lead, pipeline.may_transition to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;
reset role;
