-- Erasure of a person's data, and the keyed hashes by which later records of the person are refused (docs/adr/0053).
set local role equity_owner;

alter table app.leads add column erased_at timestamptz;
comment on column app.leads.erased_at is
  'time at which the data of the person was erased; such a lead has no data key, and no service can write personal data to it';
alter table app.leads add constraint leads_erased_check check (
  erased_at is null
  or num_nonnulls(
    data_key, notes, preferences, email_encrypted, email_hash, phone_encrypted, phone_hash, melissa_payload, mak, apn_key, apn,
    addr_hash, property_address, property_unit, property_city, property_zip, owner_first_name, owner_last_name,
    owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit, mailing_city, mailing_state, mailing_zip
  ) = 0
) not valid;
create index leads_erased_idx on app.leads (id) where erased_at is not null;
grant select (erased_at) on app.leads to authenticated, equity_operator;

create table pipeline.erasures (
  id uuid primary key,
  lead_id uuid,
  actor text not null check (actor <> ''),
  login text not null default session_user,
  reason text not null check (reason <> ''),
  at timestamptz not null
);
comment on table pipeline.erasures is
  'a request to erase a person, written by `equity erase` through erase_person(); it stays, so that the person does not come back';
comment on column pipeline.erasures.id is 'id of the lead; without a lead, the first 16 bytes of the hash of the value';
comment on column pipeline.erasures.lead_id is
  'null: only an address or number was erased. No foreign key: a restored backup may lack the lead';

create table pipeline.erased_hashes (
  erasure_id uuid not null references pipeline.erasures,
  kind text not null check (kind in ('email', 'phone', 'home', 'owner')),
  hash bytea not null,
  hash_key_id text not null,
  primary key (hash, kind, erasure_id)
);
create index erased_hashes_erasure_idx on pipeline.erased_hashes (erasure_id);
comment on table pipeline.erased_hashes is
  'keyed hash of an address, a number, a key of the home or a word of the owner''s name of an erased person; ingest refuses records by it';
comment on column pipeline.erased_hashes.kind is
  'email, phone: as in lead_contacts. home: a key of the home. owner: a word of a last name or company, which is salted by the erasure';

grant select on pipeline.erasures, pipeline.erased_hashes to equity_operator;

create function pipeline.find_erasures(hashes bytea[])
returns table (erasure_id uuid, lead_id uuid, kind text, hash bytea)
language plpgsql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
-- Return all hashes of the erasures that have one of these. It first takes the lock of upsert_leads(), as erase_person() does:
-- an erasure either is seen here, or waits until this transaction ends.
begin
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  return query
  select e.id, e.lead_id, h.kind, h.hash
  from erased_hashes h
  join erasures e on e.id = h.erasure_id
  where h.erasure_id in (select m.erasure_id from erased_hashes m where m.hash = any (hashes) and m.kind <> 'owner');
end
$$;

create function app.lock_for_erasure(of_lead uuid) returns void
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Take the locks of an erasure in the order in which others take them: the upsert, the contacts, the lead.
begin
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  perform pg_advisory_xact_lock(k.key)
  from (
    select ('x' || encode(substring(c.value_hash from 1 for 8), 'hex'))::bit(64)::bigint as key
    from lead_contacts c
    where c.lead_id = of_lead
    order by 1
  ) k;
  perform from leads where id = of_lead for update;
end
$$;

create function app.erase_values(of_erasure uuid) returns void
language plpgsql set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Suppress the addresses and numbers of an erasure for every lead, and delete them from every lead.
declare
  erasure erasures;
  gone record;
begin
  select * into erasure from erasures where id = of_erasure;
  perform opt_out(
    v.kind, v.hash, v.hash_key_id, 'erased', erasure.lead_id, erasure.at, sha256(convert_to('erasure|' || of_erasure, 'UTF8')))
  from (select * from erased_hashes where erasure_id = of_erasure and kind in ('email', 'phone') order by hash) v;
  for gone in
    delete from lead_contacts c
    using erased_hashes h
    where h.erasure_id = of_erasure
    and h.kind in ('email', 'phone')
    and c.channel = h.kind
    and c.value_hash = h.hash
    returning c.lead_id, c.channel, c.value_hash
  loop
    update leads
    set email_encrypted = null, email_hash = null, email_verified = false, email_verification_codes = '{}'
    where id = gone.lead_id and gone.channel = 'email' and email_hash = gone.value_hash;
    update leads
    set phone_encrypted = null, phone_hash = null, phone_verified = false, phone_verification_codes = '{}'
    where id = gone.lead_id and gone.channel = 'phone' and phone_hash = gone.value_hash;
  end loop;
end
$$;

create function app.erase_texts(of_lead uuid) returns void
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- Delete what the person and we wrote to each other, and what providers of contact data said. What is not sent yet is not
-- sent. A response that other leads still wait for, or that has not arrived, is deleted by skiptrace afterwards.
begin
  update replies
  set
    subject_ciphertext = null, text_ciphertext = null, other_ciphertext = null, text_hash = null,
    intent = coalesce(intent, 'other'), classified_by = coalesce(classified_by, 'rules'), route = coalesce(route, 'erased'),
    routed_at = coalesce(routed_at, now()), state = 'routed', reclassify_requested_at = null
  where lead_id = of_lead;
  update reply_answers
  set
    subject_ciphertext = null, text_ciphertext = null,
    state = case when state = 'due' then 'skipped' else state end,
    reason = case when state = 'due' then 'erased' else reason end
  where lead_id = of_lead;
  update skip_trace_attempts a
  set outcome = 'erased', merged_at = now()
  from skip_trace_requests r
  where a.lead_id = of_lead and r.id = a.request_id and a.merged_at is null and a.outcome is null and r.outcome = 'answered';
  update skip_trace_requests r
  set lookups_encrypted = null, response_encrypted = null
  where r.id in (select a.request_id from skip_trace_attempts a where a.lead_id = of_lead)
  and (r.outcome <> 'asked' or r.batch_id is not null)
  and not exists (
    select
    from skip_trace_attempts a
    where a.request_id = r.id and a.lead_id <> of_lead and a.merged_at is null and r.outcome = 'answered'
  );
end
$$;

create function app.erase_lead(of_lead uuid, erased_at timestamptz) returns void
language plpgsql set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Close a lead and delete all that it says about a person and a home. Its state stays: it tells which law applied. The row
-- itself stays for the proof of consents, the decisions and the facts of the feed, which name no person.
declare
  lead leads;
begin
  select * into lead from leads where id = of_lead;
  if exists (select from lead_consent_audit a where a.lead_id = of_lead and a.action = 'granted') then
    perform end_consent(
      of_lead, 'voided', 'erased', null, null, erased_at, sha256(convert_to('erasure|' || of_lead, 'UTF8')));
  end if;
  perform transition_lead(array[of_lead], 'do_not_contact', 'erased');
  delete from legacy_contacts where lead_id = of_lead;
  delete from lead_contacts where lead_id = of_lead;
  delete from lead_conflicts where of_lead in (lead_id, other_lead_id);
  delete from leads_staging s
  where s.id = of_lead or s.mak = lead.mak or s.apn_key = lead.apn_key or s.addr_hash = lead.addr_hash;
  update leads l
  set
    erased_at = coalesce(l.erased_at, erase_lead.erased_at),
    source = 'erased', stamp = 0, observed = '{}', lead_score = 0, score_contributions = null, data_key = null, notes = null,
    preferences = null, paused_from = null,
    email_encrypted = null, email_hash = null, email_verified = false, email_verification_codes = '{}',
    phone_encrypted = null, phone_hash = null, phone_verified = false, phone_verification_codes = '{}', melissa_payload = null,
    consent = false, consent_method = null,
    mak = null, apn_key = null, apn = null, addr_hash = null, property_address = null, property_unit = null,
    property_city = null, property_zip = null, fips = null, county = null,
    owner_first_name = null, owner_last_name = null, owner2_first_name = null, owner2_last_name = null, company_name = null,
    mailing_address = null, mailing_unit = null, mailing_city = null, mailing_state = null, mailing_zip = null,
    property_type = null, bedrooms = null, bathrooms = null, building_sqft = null, lot_sqft = null, year_built = null,
    owner_occupied = null, vacant = null, est_value = null, est_equity = null, est_ltv = null, open_loans = null,
    open_loan_balance = null, last_sale_date = null, last_sale_amount = null, deceased_owner = false, do_not_mail = false,
    litigator = false
  where l.id = of_lead;
end
$$;

create function app.erase_person(
  of_erasure uuid, of_lead uuid, by_whom text, with_reason text, erased_at timestamptz, kinds text[], hashes bytea[],
  key_ids text[]
) returns table (is_new boolean, waiting_responses integer)
language plpgsql security definer set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Erase a lead, or without one an address or number, in one transaction. kinds, hashes and key_ids are the hashes by which
-- later records are refused; those of the contacts of the lead are added. A repeat completes what a first call left.
-- waiting_responses: calls of skip tracing that still hold data of the person, until they have ended.
#variable_conflict use_column
begin
  perform lock_for_erasure(of_lead);
  insert into erasures (id, lead_id, actor, reason, at)
  values (of_erasure, of_lead, by_whom, with_reason, erased_at)
  on conflict do nothing;
  is_new := found;
  insert into erased_hashes (erasure_id, kind, hash, hash_key_id)
  select of_erasure, h.kind, h.hash, h.key_id
  from unnest(kinds, hashes, key_ids) as h (kind, hash, key_id)
  union
  select of_erasure, c.channel, c.value_hash, c.hash_key_id
  from lead_contacts c
  where c.lead_id = of_lead
  on conflict do nothing;
  perform erase_values(of_erasure);
  perform erase_texts(of_lead);
  perform erase_lead(of_lead, erased_at);
  select count(distinct r.id)::integer into waiting_responses
  from skip_trace_attempts a
  join skip_trace_requests r on r.id = a.request_id
  where a.lead_id = of_lead and num_nonnulls(r.lookups_encrypted, r.response_encrypted) > 0;
  return next;
end
$$;

create function app.drop_texts_of_erased_leads() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Drop the texts of a row that a service writes while its lead is erased, or later. It waits for an erasure in progress.
begin
  perform from leads where id = new.lead_id and erased_at is null for key share;
  if not found then
    case tg_table_name
      when 'replies' then
        new.subject_ciphertext := null;
        new.text_ciphertext := null;
        new.other_ciphertext := null;
        new.text_hash := null;
      when 'reply_answers' then
        new.subject_ciphertext := null;
        new.text_ciphertext := null;
    end case;
  end if;
  return new;
end
$$;
create trigger trg_drop_texts_of_erased_leads before insert or update on app.replies
for each row when (
  new.lead_id is not null
  and num_nonnulls(new.subject_ciphertext, new.text_ciphertext, new.other_ciphertext, new.text_hash) > 0)
execute function app.drop_texts_of_erased_leads();
create trigger trg_drop_texts_of_erased_leads before insert or update on app.reply_answers
for each row when (num_nonnulls(new.subject_ciphertext, new.text_ciphertext) > 0)
execute function app.drop_texts_of_erased_leads();

update pipeline.lead_transitions
set roles = roles || '{equity_operator}'
where to_status = 'do_not_contact';

revoke execute on function
  pipeline.find_erasures, app.lock_for_erasure, app.erase_values, app.erase_texts, app.erase_lead, app.erase_person,
  app.drop_texts_of_erased_leads
from public;
grant execute on function pipeline.find_erasures to svc_ingest;
grant execute on function app.lock_for_erasure, app.erase_person to equity_operator;
reset role;
