-- Suppressions, proof of consent, and the decisions of the contact eligibility gate.
set local role equity_owner;

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
comment on table app.suppressions is 'keyed hash of an email address or phone number that must not be contacted, written by ingest';

create table app.consent_texts (
  version integer primary key,
  text text not null,
  published_at timestamptz not null default now()
);
comment on table app.consent_texts is 'a version of the text to which people consent; no service writes it yet';

create table app.consent_tokens (
  id uuid primary key default gen_random_uuid(),
  lead_id uuid references app.leads,
  nonce_hash text unique not null,
  created_at timestamptz not null default now(),
  used_at timestamptz
);
comment on table app.consent_tokens is 'a link by which one person may consent once; no service writes it yet';
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
comment on table app.lead_consent_audit is 'proof of a consent or of its withdrawal, append-only; no service writes it yet';
create index lead_consent_audit_lead_idx on app.lead_consent_audit (lead_id, at);

create function app.cleanup_old_consent_tokens(older_than interval default '30 days') returns integer
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Delete unused tokens only. A used token is evidence and stays.
  with deleted as (
    delete from consent_tokens where used_at is null and created_at < now() - greatest(older_than, interval '7 days') returning 1
  )
  select count(*)::integer from deleted
$$;

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
comment on table pipeline.contact_decisions is 'a decision of the contact eligibility gate, written by log_contact_decisions()';
create index contact_decisions_lead_idx on pipeline.contact_decisions (lead_id, at desc);
create index contact_decisions_at_idx on pipeline.contact_decisions using brin (at);

create function pipeline.log_contact_decision(
  of_lead uuid, by_channel text, to_value_hash bytea, is_allowed boolean, with_reason text
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  values (of_lead, by_channel, to_value_hash, is_allowed, with_reason)
$$;

-- One call writes all decisions of a feed, which decides about hundreds of leads in one transaction.
create function pipeline.log_contact_decisions(
  of_leads uuid[], by_channels text[], to_value_hashes bytea[], are_allowed boolean[], with_reasons text[]
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  select d.lead_id, d.channel, d.value_hash, d.allowed, d.reason
  from unnest(of_leads, by_channels, to_value_hashes, are_allowed, with_reasons)
    with ordinality as d (lead_id, channel, value_hash, allowed, reason, ord)
  order by d.ord
$$;
comment on function pipeline.log_contact_decisions is 'arrays of the same length; each place is one decision';

create function pipeline.delete_old_decisions(most integer) returns integer
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Keep decisions until five years after the last decision about the lead (16 CFR 310.5). Delete a limited number per call.
  with deleted as (
    delete from contact_decisions
    where id in (
      select d.id
      from contact_decisions d
      where d.at < now() - interval '5 years'
      and not exists (
        select from contact_decisions later where later.lead_id = d.lead_id and later.at >= now() - interval '5 years'
      )
      limit most
    )
    returning 1
  )
  select count(*)::integer from deleted
$$;

grant select on app.suppressions to svc_skiptrace, svc_feeder, svc_replies, svc_consent, svc_voice;
grant insert on app.suppressions to svc_ingest, svc_consent;
grant select, insert on app.consent_texts, app.lead_consent_audit to svc_consent;
grant select, insert, update (used_at) on app.consent_tokens to svc_consent;
grant execute on function app.cleanup_old_consent_tokens to svc_consent, svc_recorder;
grant execute on function pipeline.log_contact_decision, pipeline.log_contact_decisions to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;
grant execute on function pipeline.delete_old_decisions to svc_recorder;
reset role;
