-- Tables of verification, feeding and proof of consent.
set local role equity_owner;

create table app.skip_trace_requests (
  id uuid primary key default gen_random_uuid(),
  provider text not null,
  requested_at timestamptz not null default now(),
  answered_at timestamptz,
  outcome text not null default 'asked' check (outcome in ('asked', 'answered', 'failed', 'unknown')),
  records integer not null check (records between 1 and 100),
  cost_cents numeric(12, 4),
  answer_sealed bytea
);
comment on column app.skip_trace_requests.outcome is 'asked is committed before the call; a crash in between leaves it, and the sweep says unknown';

create table app.skip_trace_attempts (
  request_id uuid not null references app.skip_trace_requests on delete cascade,
  lead_id uuid not null references app.leads on delete cascade,
  provider text not null,
  outcome text,
  at timestamptz not null default now(),
  primary key (request_id, lead_id)
);
create index skip_trace_attempts_lead_idx on app.skip_trace_attempts (lead_id, at desc);

create table app.verification_code_map (
  provider text not null,
  channel text not null check (channel in ('email', 'phone')),
  code text not null,
  is_verified boolean,
  version integer not null default 1,
  meaning text not null default '',
  primary key (provider, channel, code)
);
comment on column app.verification_code_map.is_verified is 'true: this code verifies; false: it rules the value out; null: it says neither';

insert into app.verification_code_map (provider, channel, code, is_verified, meaning)
values
  ('melissa', 'phone', 'PS01', true, 'valid'),
  ('melissa', 'phone', 'PS02', null, 'seven digits match'),
  ('melissa', 'phone', 'PS03', null, 'area code corrected'),
  ('melissa', 'phone', 'PS06', null, 'area code corrected'),
  ('melissa', 'phone', 'PS07', null, 'cell'),
  ('melissa', 'phone', 'PS08', null, 'landline'),
  ('melissa', 'phone', 'PS09', null, 'VoIP'),
  ('melissa', 'phone', 'PE01', false, 'invalid'),
  ('melissa', 'phone', 'PE02', false, 'blank'),
  ('melissa', 'phone', 'PE03', false, 'bad digits'),
  ('melissa', 'phone', 'PE04', false, 'multiple'),
  ('melissa', 'phone', 'PE05', false, 'bad prefix'),
  ('melissa', 'email', 'ES01', true, 'syntax and domain are good'),
  ('melissa', 'email', 'ES02', false, 'invalid'),
  ('melissa', 'email', 'ES03', null, 'unknown'),
  ('melissa', 'email', 'ES04', null, 'mobile'),
  ('melissa', 'email', 'ES05', false, 'disposable'),
  ('melissa', 'email', 'ES06', false, 'spamtrap domain'),
  ('melissa', 'email', 'ES07', null, 'accepts all'),
  ('melissa', 'email', 'ES08', null, 'role account'),
  ('melissa', 'email', 'ES21', true, 'mailbox verified'),
  ('melissa', 'email', 'ES32', false, 'malicious'),
  ('melissa', 'email', 'ES33', false, 'malicious'),
  ('melissa', 'email', 'ES34', false, 'malicious'),
  ('melissa', 'email', 'ES35', false, 'spamtrap'),
  ('melissa', 'email', 'ES36', false, 'spamtrap'),
  ('melissa', 'email', 'ES37', false, 'breach'),
  ('melissa', 'email', 'EE01', false, 'syntax'),
  ('melissa', 'email', 'EE02', false, 'domain missing'),
  ('melissa', 'email', 'EE03', false, 'server missing'),
  ('melissa', 'email', 'EE04', false, 'mailbox invalid'),
  ('batchdata', 'phone', 'reachable', true, 'tested and reachable'),
  ('batchdata', 'phone', 'unreachable', false, 'tested and not reachable'),
  ('batchdata', 'email', 'tested', true, 'tested');

create table app.personas (
  id integer primary key,
  name text not null unique,
  profile jsonb not null default '{}'
);

create table app.campaigns (
  id uuid primary key default gen_random_uuid(),
  broker_id uuid not null references app.brokers on delete cascade,
  persona_id integer references app.personas,
  name text not null,
  vendor_campaign_id text,
  version integer not null default 1,
  sequence jsonb not null default '[]',
  active boolean not null default true,
  synced_at timestamptz,
  unique (broker_id, name)
);

create table app.feed_slots (
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  lead_id uuid not null unique references app.leads on delete cascade,
  state text not null default 'reserved' check (state in ('reserved', 'added', 'refused')),
  at timestamptz not null default now(),
  primary key (broker_id, local_date, lead_id)
);

create table app.vendor_memberships (
  lead_id uuid not null references app.leads on delete cascade,
  campaign_id uuid not null references app.campaigns on delete cascade,
  desired text not null check (desired in ('in', 'out')),
  actual text not null default 'unknown' check (actual in ('in', 'out', 'unknown')),
  vendor_lead_id text,
  checked_at timestamptz,
  changed_at timestamptz not null default now(),
  primary key (lead_id, campaign_id)
);
create index vendor_memberships_open_idx on app.vendor_memberships (changed_at) where desired <> actual;

create table app.suppressions (
  id bigint generated always as identity primary key,
  channel text not null check (channel in ('email', 'phone')),
  value_hash bytea not null,
  hash_key_id text not null,
  reason text not null,
  lead_id uuid references app.leads on delete set null,
  at timestamptz not null default now(),
  unique (channel, value_hash)
);

create table app.consent_texts (
  version integer primary key,
  text text not null,
  published_at timestamptz not null default now()
);

create table app.consent_tokens (
  id uuid primary key default gen_random_uuid(),
  lead_id uuid references app.leads,
  nonce_hash text unique not null,
  created_at timestamptz not null default now(),
  used_at timestamptz
);
create index consent_tokens_lead_idx on app.consent_tokens (lead_id);

create table app.lead_consent_audit (
  id bigint generated always as identity primary key,
  lead_id uuid not null references app.leads,
  action text not null,
  phone_hash bytea,
  seller text,
  text_version integer references app.consent_texts,
  evidence jsonb not null default '{}',
  at timestamptz not null default now()
);
create index lead_consent_audit_lead_idx on app.lead_consent_audit (lead_id, at);

create table pipeline.contact_decisions (
  id bigint generated always as identity primary key,
  lead_id uuid not null,
  channel text not null check (channel in ('email', 'phone')),
  value_hash bytea,
  allowed boolean not null,
  reason text not null,
  decided_by text not null default session_user,
  at timestamptz not null default now()
);
create index contact_decisions_lead_idx on pipeline.contact_decisions (lead_id, at desc);

create function pipeline.log_contact_decision(
  of_lead uuid, by_channel text, to_value_hash bytea, is_allowed boolean, with_reason text
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  values (of_lead, by_channel, to_value_hash, is_allowed, with_reason)
$$;

create materialized view app.mv_contactable_leads as
select id as lead_id, id, assigned_broker_id, campaign_status, lead_score, added_to_campaign_at, email_verified, phone_verified,
  property_state, property_zip
from app.leads
where campaign_status in ('queued', 'active')
and (email_verified or phone_verified)
and not deceased_owner
and not litigator;
create unique index mv_contactable_leads_id_key on app.mv_contactable_leads (id);
create index mv_contactable_leads_feed_idx on app.mv_contactable_leads (assigned_broker_id, campaign_status, lead_score desc)
  where added_to_campaign_at is null;
comment on materialized view app.mv_contactable_leads is 'no contact details, closed to brokers: they read contactable_leads';

create view app.contactable_leads with (security_barrier) as
select * from app.mv_contactable_leads where assigned_broker_id = (select auth.uid());

create function app.refresh_contactable_leads() returns void
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Refresh the candidate snapshot without blocking its readers. A concurrent second call does nothing.
begin
  if pg_try_advisory_xact_lock(hashtext('refresh_contactable_leads')) then
    refresh materialized view concurrently app.mv_contactable_leads;
  end if;
end
$$;
reset role;
