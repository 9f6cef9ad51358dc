-- Opt-outs that a later signature can lift, the chained proof of consents, purposes of contacts, limits of calls, and the
-- grants of the services replies, consent, voice, billing and notify (docs/consent.md).
set local role equity_owner;

-- Suppressions ------------------------------------------------------------------------------------------------------------

create table app.suppression_reasons (
  reason text primary key check (reason ~ '^[a-z_]+$'),
  meaning text not null,
  lifted_by_signature boolean not null default false
);
comment on table app.suppression_reasons is 'reason for which a value is suppressed';
comment on column app.suppression_reasons.lifted_by_signature is
  'true: a later signature of the person for this number lifts the suppression; never for emails';
insert into app.suppression_reasons (reason, meaning, lifted_by_signature)
values
  ('opt_out', 'the person said so: reply, link, unsubscribe button, call or letter', true),
  ('wrong_person', 'the address or number is another person''s', false),
  ('litigator', 'the value belongs to a person who sues callers', false),
  ('deceased', 'the person died', false),
  ('registry', 'the number is on a do-not-call registry', false),
  ('complaint', 'the recipient reported an email as spam', false),
  ('forbidden_by_source', 'a file says that the value must not be used', false),
  ('operator', 'an operator entered it', false),
  ('erased', 'the person asked for erasure', false);
insert into app.suppression_reasons (reason, meaning)
select distinct lower(regexp_replace(s.reason, '[^A-Za-z_]', '_', 'g')), 'from an earlier version: ' || s.reason
from app.suppressions s
on conflict do nothing;
update app.suppressions
set reason = lower(regexp_replace(reason, '[^A-Za-z_]', '_', 'g'))
where reason !~ '^[a-z_]+$';

alter table app.suppressions
  drop constraint suppressions_channel_value_hash_key,
  add foreign key (reason) references app.suppression_reasons,
  add column evidence_hash bytea,
  add column lifted_at timestamptz,
  add column lifted_by bigint,
  add check ((lifted_at is null) = (lifted_by is null));
comment on table app.suppressions is
  'keyed hash of an email address or phone number that must not be contacted; active until it is lifted';
comment on column app.suppressions.at is 'time of the statement or fact that it comes from';
comment on column app.suppressions.evidence_hash is 'SHA-256 of the statement, so that a repeat of it has no second effect';
comment on column app.suppressions.lifted_by is 'row of lead_consent_audit: the signature that lifted it';
create unique index suppressions_active_key on app.suppressions (channel, value_hash, reason) where lifted_at is null;
create index suppressions_lifted_idx on app.suppressions (value_hash) where lifted_at is not null;

create view app.active_suppressions with (security_barrier) as
select id, channel, value_hash, hash_key_id, reason, lead_id, at
from app.suppressions
where lifted_at is null;
comment on view app.active_suppressions is 'suppressions that count; services read no others';

drop trigger trg_remove_suppressed_members on app.suppressions;
create trigger trg_remove_suppressed_members after insert or update on app.suppressions
for each row when (new.channel = 'email' and new.lifted_at is null)
execute function app.remove_suppressed_members();

create or replace view pipeline.due_adds with (security_invoker) as
select m.lead_id, m.campaign_id, s.local_date, m.retry_at, m.changed_at
from app.feed_slots s
join app.vendor_memberships m on m.lead_id = s.lead_id and m.desired = 'in' and m.actual = 'out'
join app.campaigns c
  on c.id = m.campaign_id and c.broker_id = s.broker_id and c.active and c.vendor_campaign_id is not null and c.problem is null
join app.brokers b on b.id = s.broker_id and b.active and b.daily_limit > 0
join app.leads l
  on l.id = m.lead_id and l.assigned_broker_id = s.broker_id and l.campaign_status = 'active' and not l.deceased_owner
  and not l.litigator
join app.lead_contacts k
  on k.lead_id = m.lead_id and k.channel = 'email' and k.value_hash = m.value_hash and k.verified and k.litigator is not true
where s.state = 'reserved'
and not exists (select from app.active_suppressions x where x.channel = 'email' and x.value_hash = m.value_hash);

-- Proof of consent --------------------------------------------------------------------------------------------------------

alter table app.consent_texts
  add column covers text[] not null default '{calls}'
  check (covers <> '{}' and covers <@ '{calls,texts}' and covers @> '{calls}');
comment on column app.consent_texts.covers is 'what a person who signs this text agrees to: calls, texts';

alter table app.lead_consent_audit
  rename column phone_hash to value_hash;
alter table app.lead_consent_audit
  drop column seller,
  add column seq integer,
  add column broker_id uuid references app.brokers,
  add column hash_key_id text check (hash_key_id !~ '\n'),
  add column covers text[] not null default '{}' check (covers <@ '{calls,texts}'),
  add column reason text not null default '' check (reason ~ '^[a-z_0-9]*$'),
  add column token_id uuid references app.consent_tokens,
  add column text_hash bytea,
  add column page_hash bytea,
  add column page_ciphertext bytea,
  add column signer_hash bytea,
  add column signer_ciphertext bytea,
  add column evidence_hash bytea,
  add column recorded_at timestamptz not null default now(),
  add column previous_hash bytea,
  add column row_hash bytea,
  add check (action in ('granted', 'withdrawn', 'voided', 'lifted', 'legacy_consent_without_time')),
  add check (action <> 'granted' or (value_hash is not null and broker_id is not null and text_version is not null));
create unique index lead_consent_audit_seq_key on app.lead_consent_audit (lead_id, seq);
create unique index lead_consent_audit_token_key on app.lead_consent_audit (token_id) where action = 'granted';
create unique index lead_consent_audit_evidence_key
  on app.lead_consent_audit (lead_id, action, evidence_hash, coalesce(value_hash, '')) where evidence_hash is not null;
create index lead_consent_audit_value_idx on app.lead_consent_audit (value_hash) where action = 'granted';
alter table app.suppressions add foreign key (lifted_by) references app.lead_consent_audit;

comment on table app.lead_consent_audit is
  'proof of a consent and of its end, one chain for each lead; append-only: services append by functions and change nothing';
comment on column app.lead_consent_audit.seq is 'place in the chain of the lead; 1 is the first';
comment on column app.lead_consent_audit.value_hash is 'keyed hash of the phone number; null: all numbers of the lead';
comment on column app.lead_consent_audit.broker_id is 'the seller who is named in the text';
comment on column app.lead_consent_audit.covers is 'what the text covers: calls, texts';
comment on column app.lead_consent_audit.reason is 'cause of a withdrawal, void or lift, as a code';
comment on column app.lead_consent_audit.text_hash is 'SHA-256 of the text of this version';
comment on column app.lead_consent_audit.page_hash is 'SHA-256 of a salt and the page as it was shown';
comment on column app.lead_consent_audit.page_ciphertext is 'salt and page, encrypted with the data key of the lead';
comment on column app.lead_consent_audit.signer_hash is
  'SHA-256 of a salt and what identifies the signer: name, number, network address, browser';
comment on column app.lead_consent_audit.signer_ciphertext is 'salt and these, encrypted with the data key of the lead';
comment on column app.lead_consent_audit.evidence_hash is 'SHA-256 of the statement of the person, such as a reply';
comment on column app.lead_consent_audit.at is 'time of the act of the person';
comment on column app.lead_consent_audit.recorded_at is 'time of this row';
comment on column app.lead_consent_audit.row_hash is
  'SHA-256 of the row and of the hash of the row before it, by hash_consent_audit()';

create function app.hash_consent_audit(entry app.lead_consent_audit) returns bytea
language sql stable set search_path = pg_catalog, app, pg_temp as $$
  -- Return the hash that chains a row to the one before it. docs/consent.md gives the lines.
  select sha256(convert_to(concat_ws(e'\n',
    'consent-audit-1',
    'lead_id=' || entry.lead_id,
    'seq=' || entry.seq,
    'action=' || entry.action,
    'value_hash=' || coalesce(encode(entry.value_hash, 'hex'), ''),
    'hash_key_id=' || coalesce(entry.hash_key_id, ''),
    'broker_id=' || coalesce(entry.broker_id::text, ''),
    'text_version=' || coalesce(entry.text_version::text, ''),
    'covers=' || array_to_string(entry.covers, ','),
    'reason=' || entry.reason,
    'token_id=' || coalesce(entry.token_id::text, ''),
    'text_hash=' || coalesce(encode(entry.text_hash, 'hex'), ''),
    'page_hash=' || coalesce(encode(entry.page_hash, 'hex'), ''),
    'signer_hash=' || coalesce(encode(entry.signer_hash, 'hex'), ''),
    'evidence_hash=' || coalesce(encode(entry.evidence_hash, 'hex'), ''),
    'at=' || to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'recorded_at=' || to_char(entry.recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'previous_hash=' || coalesce(encode(entry.previous_hash, 'hex'), '')
  ), 'UTF8'))
$$;

create function app.append_consent_audit(entry app.lead_consent_audit) returns app.lead_consent_audit
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- Append a row to the chain of its lead, under the lock of the lead. Id, place, time and hashes are set here.
declare
  last_row lead_consent_audit;
begin
  perform from leads where id = entry.lead_id for no key update;
  select * into last_row from lead_consent_audit where lead_id = entry.lead_id order by seq desc limit 1;
  entry.seq := coalesce(last_row.seq, 0) + 1;
  entry.previous_hash := last_row.row_hash;
  entry.covers := coalesce(entry.covers, '{}');
  entry.reason := coalesce(entry.reason, '');
  entry.evidence := coalesce(entry.evidence, '{}');
  entry.recorded_at := now();
  entry.row_hash := hash_consent_audit(entry);
  insert into lead_consent_audit (
    lead_id, seq, action, value_hash, hash_key_id, broker_id, text_version, covers, reason, token_id, text_hash, page_hash,
    page_ciphertext, signer_hash, signer_ciphertext, evidence, evidence_hash, at, recorded_at, previous_hash, row_hash
  )
  values (
    entry.lead_id, entry.seq, entry.action, entry.value_hash, entry.hash_key_id, entry.broker_id, entry.text_version,
    entry.covers, entry.reason, entry.token_id, entry.text_hash, entry.page_hash, entry.page_ciphertext, entry.signer_hash,
    entry.signer_ciphertext, entry.evidence, entry.evidence_hash, entry.at, entry.recorded_at, entry.previous_hash,
    entry.row_hash
  )
  returning * into entry;
  return entry;
end
$$;

-- Rows of an earlier version get their place and hash.
do $$
declare
  entry app.lead_consent_audit;
  former app.lead_consent_audit;
begin
  for entry in select * from app.lead_consent_audit order by lead_id, id loop
    if former.lead_id is distinct from entry.lead_id then
      former := null;
    end if;
    entry.seq := coalesce(former.seq, 0) + 1;
    entry.previous_hash := former.row_hash;
    entry.row_hash := app.hash_consent_audit(entry);
    update app.lead_consent_audit
    set seq = entry.seq, previous_hash = entry.previous_hash, row_hash = entry.row_hash
    where id = entry.id;
    former := entry;
  end loop;
end
$$;
alter table app.lead_consent_audit alter column seq set not null, alter column row_hash set not null;

create function app.end_consent(
  of_lead uuid, by_action text, with_reason text, of_value bytea, under_key text, ended_at timestamptz, with_evidence bytea
) returns app.lead_consent_audit
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- Append the end of a consent and clear the summary of the lead, unless the person signed later. The same statement ends it
-- once: a repeat returns the first row.
declare
  entry lead_consent_audit;
begin
  perform from leads where id = of_lead for no key update;
  select * into entry
  from lead_consent_audit
  where lead_id = of_lead and action = by_action and evidence_hash = with_evidence and value_hash is not distinct from of_value;
  if found then
    return entry;
  end if;
  entry.lead_id := of_lead;
  entry.action := by_action;
  entry.reason := with_reason;
  entry.value_hash := of_value;
  entry.hash_key_id := under_key;
  entry.at := ended_at;
  entry.evidence_hash := with_evidence;
  entry := append_consent_audit(entry);
  update leads
  set consent = false, consent_method = null
  where id = of_lead and consent and consented_at <= ended_at;
  return entry;
end
$$;

create function app.withdraw_consent(
  of_lead uuid, how text, of_value bytea, under_key text, withdrawn_at timestamptz, with_evidence bytea
) returns table (audit_id bigint, seq integer, row_hash bytea)
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Record that a person withdrew the consent for one number, or for null all consents of the lead.
  select e.id, e.seq, e.row_hash
  from end_consent(of_lead, 'withdrawn', how, of_value, under_key, withdrawn_at, with_evidence) e
$$;

create function app.opt_out(
  by_channel text, of_value bytea, under_key text, with_reason text, of_lead uuid, opted_out_at timestamptz,
  with_evidence bytea
) returns table (suppression_id bigint, is_new boolean)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Suppress a value for every lead, and end the consents for it. Call it in the transaction that records the statement, after
-- lock_contacts(). It takes the lock of this value too. A repeat of a statement has no effect. Where the person signed for
-- the number later, the suppression is recorded as lifted: the order in which both arrive does not matter.
#variable_conflict use_column
declare
  later lead_consent_audit;
  signed record;
begin
  perform pg_advisory_xact_lock(('x' || encode(substring(of_value from 1 for 8), 'hex'))::bit(64)::bigint);
  select s.id into suppression_id
  from suppressions s
  where s.channel = by_channel and s.value_hash = of_value and s.reason = with_reason
  and (s.lifted_at is null or s.evidence_hash = with_evidence)
  order by s.lifted_at nulls first
  limit 1;
  is_new := not found;
  if is_new then
    select a.* into later
    from lead_consent_audit a
    join suppression_reasons r on r.reason = with_reason and r.lifted_by_signature
    where by_channel = 'phone' and a.value_hash = of_value and a.action = 'granted' and a.at >= opted_out_at
    order by a.at desc
    limit 1;
    insert into suppressions (channel, value_hash, hash_key_id, reason, lead_id, at, evidence_hash, lifted_at, lifted_by)
    values (
      by_channel, of_value, under_key, with_reason, (select id from leads where id = of_lead), opted_out_at, with_evidence,
      later.at, later.id)
    returning id into suppression_id;
  else
    -- A signature between both statements does not lift it.
    update suppressions set at = opted_out_at where id = suppression_id and lifted_at is null and at < opted_out_at;
  end if;
  if by_channel = 'phone' then
    for signed in
      select a.lead_id
      from lead_consent_audit a
      where a.value_hash = of_value and a.action = 'granted'
      group by a.lead_id
      having max(a.at) > coalesce(
        (
          select max(e.at)
          from lead_consent_audit e
          where e.lead_id = a.lead_id and e.action in ('withdrawn', 'voided') and (e.value_hash is null or e.value_hash = of_value)
        ),
        '-infinity')
      and min(a.at) <= opted_out_at
      order by a.lead_id
    loop
      perform end_consent(
        signed.lead_id, case with_reason when 'opt_out' then 'withdrawn' else 'voided' end, with_reason, of_value, under_key,
        opted_out_at, with_evidence);
    end loop;
  end if;
  return next;
end
$$;

create function app.grant_consent(
  of_lead uuid, of_value bytea, under_key text, for_broker uuid, of_text integer, by_token uuid, by_method text,
  signed_at timestamptz, with_text_hash bytea, with_page_hash bytea, with_page bytea, with_signer_hash bytea,
  with_signer bytea
) returns table (audit_id bigint, seq integer, row_hash bytea, covers text[], lifted integer)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Record a signature. It lifts the opt-outs from calls to this number that the person made before it, and nothing else. The
-- summary of the lead changes unless a later withdrawal is recorded.
#variable_conflict use_column
declare
  entry lead_consent_audit;
  lift lead_consent_audit;
  liftable bigint[];
begin
  perform pg_advisory_xact_lock(('x' || encode(substring(of_value from 1 for 8), 'hex'))::bit(64)::bigint);
  entry.lead_id := of_lead;
  entry.action := 'granted';
  entry.value_hash := of_value;
  entry.hash_key_id := under_key;
  entry.broker_id := for_broker;
  entry.text_version := of_text;
  entry.covers := (select t.covers from consent_texts t where t.version = of_text);
  entry.token_id := by_token;
  entry.text_hash := with_text_hash;
  entry.page_hash := with_page_hash;
  entry.page_ciphertext := with_page;
  entry.signer_hash := with_signer_hash;
  entry.signer_ciphertext := with_signer;
  entry.at := signed_at;
  entry := append_consent_audit(entry);

  liftable := array(
    select s.id
    from suppressions s
    join suppression_reasons r on r.reason = s.reason and r.lifted_by_signature
    where s.channel = 'phone' and s.value_hash = of_value and s.lifted_at is null and s.at <= signed_at);
  lifted := cardinality(liftable);
  if lifted > 0 then
    lift.lead_id := of_lead;
    lift.action := 'lifted';
    lift.reason := 'signature';
    lift.value_hash := of_value;
    lift.hash_key_id := under_key;
    lift.broker_id := for_broker;
    lift.at := signed_at;
    lift := append_consent_audit(lift);
    update suppressions set lifted_at = signed_at, lifted_by = lift.id where id = any (liftable);
  end if;

  -- A statement that was made after the signature may have arrived before it.
  perform end_consent(
    of_lead, case s.reason when 'opt_out' then 'withdrawn' else 'voided' end, s.reason, of_value, under_key, s.at,
    s.evidence_hash)
  from suppressions s
  where s.channel = 'phone' and s.value_hash = of_value and s.at > signed_at
  order by s.at;

  update leads
  set consent = true, consented_at = signed_at, consent_method = by_method
  where id = of_lead
  and (consented_at is null or consented_at <= signed_at)
  and not exists (
    select
    from lead_consent_audit e
    where e.lead_id = of_lead and e.action in ('withdrawn', 'voided') and e.at >= signed_at
    and (e.value_hash is null or e.value_hash = of_value));
  audit_id := entry.id;
  seq := entry.seq;
  row_hash := entry.row_hash;
  covers := entry.covers;
  return next;
end
$$;

create or replace function app.pause_for_new_owner(lead_ids uuid[]) returns void
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Apply a change of owner. The consent of the old owner says nothing about the new one. The lead is paused until a person
-- reviews it.
begin
  perform end_consent(l.id, 'voided', 'owner_changed', null, null, greatest(now(), l.consented_at), null)
  from leads l
  where l.id = any (lead_ids) and l.consent
  order by l.id;
  update leads
  set paused_from = campaign_status, campaign_status = 'paused'
  where id = any (lead_ids)
  and campaign_status in ('queued', 'active', 'replied');
end
$$;

create view app.owner_changes with (security_barrier) as
-- A sale counts until the end of its day in the last time zone of the United States.
select c.lead_id, c.created_at as at
from app.lead_conflicts c
where c.kind = 'owner_changed'
and (c.resolved_at is null or c.resolution = 'take')
union all
select l.id, (l.last_sale_date + 1)::timestamp at time zone 'Pacific/Honolulu'
from app.leads l
where l.last_sale_date is not null;
comment on view app.owner_changes is
  'times at which a home changed hands: sales, and conflicts of owners that are open or accepted, never dismissed ones';

-- Purposes of contacts ----------------------------------------------------------------------------------------------------

alter table pipeline.contact_decisions
  add column purpose text not null default 'campaign' check (purpose in ('campaign', 'answer', 'service'));
comment on column pipeline.contact_decisions.purpose is
  'campaign; answer: to a message just received; service: something the person requested';

drop function pipeline.log_contact_decision, pipeline.log_contact_decisions;
create function pipeline.log_contact_decisions(
  of_leads uuid[], by_channels text[], for_purposes text[], to_value_hashes bytea[], are_allowed boolean[], with_reasons text[]
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- One call writes all decisions of a feed, which decides about hundreds of leads in one transaction.
  insert into contact_decisions (lead_id, channel, purpose, value_hash, allowed, reason)
  select d.lead_id, d.channel, d.purpose, d.value_hash, d.allowed, d.reason
  from unnest(of_leads, by_channels, for_purposes, to_value_hashes, are_allowed, with_reasons)
    with ordinality as d (lead_id, channel, purpose, value_hash, allowed, reason, ord)
  order by d.ord
$$;
comment on function pipeline.log_contact_decisions is 'arrays of the same length; each place is one decision';

-- Brokers -----------------------------------------------------------------------------------------------------------------

alter table app.brokers
  add column legal_name text check (length(legal_name) between 1 and 200),
  add column daily_calls integer not null default 250 check (daily_calls between 0 and 10000),
  add column calls_per_hour integer not null default 500 check (calls_per_hour between 0 and 10000);
comment on column app.brokers.legal_name is 'name of the firm, as consent texts and calls give it; null: there is none yet';
comment on column app.brokers.daily_calls is 'calls on one business date';
comment on column app.brokers.calls_per_hour is 'calls in any 60 minutes';

-- Grants ------------------------------------------------------------------------------------------------------------------

update pipeline.lead_transitions
set roles = roles || '{svc_voice}'
where from_status in ('queued', 'active', 'replied') and to_status = 'paused';
-- A signature is an answer.
update pipeline.lead_transitions
set roles = roles || '{svc_consent}'
where from_status in ('queued', 'active') and to_status = 'replied';

do $$
declare
  name text;
begin
  foreach name in array array['suppression_reasons'] loop
    execute format('alter table app.%I enable row level security', name);
    execute format('alter table app.%I force row level security', name);
    execute format('create policy owner_all on app.%I for all to equity_owner using (true) with check (true)', name);
  end loop;
end
$$;

revoke select on app.suppressions from svc_skiptrace, svc_feeder, svc_replies, svc_voice;
revoke insert on app.suppressions from svc_consent;
revoke insert on app.lead_consent_audit from svc_consent;
revoke select (channel, value_hash) on app.suppressions from equity_operator;
grant select on app.active_suppressions to svc_skiptrace, svc_feeder, svc_replies, svc_consent, svc_voice;
grant select (channel, value_hash, reason) on app.active_suppressions to equity_operator;
grant select on app.suppression_reasons to svc_consent;
grant select on app.owner_changes to svc_replies, svc_consent, svc_voice;
grant select on app.lead_consent_audit to svc_voice;
grant select (
  id, lead_id, seq, action, value_hash, hash_key_id, broker_id, text_version, covers, reason, at, recorded_at
) on app.lead_consent_audit to svc_replies;
grant select on app.lead_contacts, app.brokers, app.lead_conflicts to svc_consent, svc_voice;
grant select (
  lead_id, channel, value_hash, hash_key_id, normalisation_version, source, line_type, first_seen, rank, verified, verified_at,
  codes, dnc, dnc_checked_at, litigator, litigator_checked_at
) on app.lead_contacts to svc_replies;
grant select on app.brokers, app.lead_conflicts, app.vendor_memberships, app.campaigns to svc_replies;
grant select on app.brokers to svc_billing, svc_notify;
grant select (id, assigned_broker_id) on app.leads to svc_billing, svc_notify;
grant select on pipeline.provider_states to svc_replies, svc_voice;
grant execute on function pipeline.acquire_permit, pipeline.record_success, pipeline.record_failure to svc_replies, svc_voice;
grant execute on function app.opt_out, app.withdraw_consent to svc_replies, svc_consent, svc_voice;
grant execute on function app.grant_consent, app.hash_consent_audit to svc_consent;
grant execute on function pipeline.log_contact_decisions to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;
reset role;
