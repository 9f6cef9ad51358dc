-- Only the person's own opt-out is lifted by a signature: an opt-out from calls has a row for each person who gave it, and the database
-- refuses any other lift (docs/consent.md, ADR 57).
set local role equity_owner;
lock table app.suppressions in access exclusive mode;

drop index app.suppressions_active_key;
create unique index suppressions_active_key on app.suppressions (channel, value_hash, reason)
where lifted_at is null and not (channel = 'phone' and reason = 'opt_out');
create unique index suppressions_active_opt_out_key
on app.suppressions (value_hash, coalesce(lead_id, '00000000-0000-0000-0000-000000000000'))
where lifted_at is null and channel = 'phone' and reason = 'opt_out';
create index suppressions_active_idx on app.suppressions (channel, value_hash) where lifted_at is null;
comment on column app.suppressions.lead_id is
  'lead of the person who gave it; null: unknown, such as a number that was typed on a page';

create function app.is_same_person(first_lead uuid, second_lead uuid) returns boolean
language sql stable set search_path = pg_catalog, app, pg_temp as $$
  -- Return whether two leads are one person: the same lead, or leads of one home that share an owner. Leads are of one home if they have
  -- the same written address, or if one was found to hold a key of the other.
  select first_lead = second_lead
  or exists (
    select
    from leads a
    join leads b on b.id = second_lead
    where a.id = first_lead
    and share_an_owner(
      owners_named(a.owner_first_name, a.owner_last_name, a.owner2_first_name, a.owner2_last_name, a.company_name),
      owners_named(b.owner_first_name, b.owner_last_name, b.owner2_first_name, b.owner2_last_name, b.company_name))
    and (
      (
        lower(a.property_address) = lower(b.property_address) and a.property_zip = b.property_zip
        and lower(coalesce(a.property_unit, '')) = lower(coalesce(b.property_unit, ''))
      )
      or exists (
        select
        from lead_conflicts c
        where c.kind = 'key_held' and c.resolution is distinct from 'dismiss'
        and ((c.lead_id = a.id and c.other_lead_id = b.id) or (c.lead_id = b.id and c.other_lead_id = a.id))
      )
    )
  )
$$;

create function app.is_own_opt_out(of_value bytea, giver uuid, given_at timestamptz, signer uuid, signed_at timestamptz)
returns boolean
language sql stable set search_path = pg_catalog, app, pg_temp as $$
  -- Return whether an opt-out from calls was given before a signature, by the person who signed. No home may have changed hands between
  -- both. An opt-out without a lead is the signer's only if a source other than the form gave the signer's lead the number, and no lead
  -- of another person has it.
  select given_at <= signed_at
  and not exists (
    select
    from owner_changes o
    where o.lead_id in (giver, signer) and o.at > given_at and o.at <= signed_at
  )
  and case
    when giver is not null then is_same_person(giver, signer)
    else
      exists (
        select
        from lead_contacts c
        where c.channel = 'phone' and c.value_hash = of_value and c.lead_id = signer and c.source <> 'consent_form'
      )
      and not exists (
        select
        from lead_contacts c
        where c.channel = 'phone' and c.value_hash = of_value and not is_same_person(c.lead_id, signer)
      )
  end
$$;

create function app.may_lift_opt_out(of_suppression bigint, by_lead uuid, signed_at timestamptz) returns boolean
language sql stable set search_path = pg_catalog, app, pg_temp as $$
  -- Return whether a signature of a lead may lift a suppression: the person's own opt-out from calls, and no entry of an operator.
  select exists (
    select
    from suppressions s
    where s.id = of_suppression and s.channel = 'phone' and s.reason = 'opt_out'
    and not exists (select from suppression_changes c where c.suppression_id = s.id and c.action = 'added')
    and is_own_opt_out(s.value_hash, s.lead_id, s.at, by_lead, signed_at)
  )
$$;

create function app.guard_lift() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Refuse a lift by a signature unless the signature is recorded in this transaction and is of the person who opted out. An opt-out
-- that arrives after the signature is inserted as lifted by it.
declare
  signature lead_consent_audit;
begin
  if tg_op = 'INSERT' then
    select a.* into signature
    from lead_consent_audit a
    where a.id = new.lifted_by and a.action = 'granted' and a.value_hash = new.value_hash and a.at = new.lifted_at;
  else
    select g.* into signature
    from lead_consent_audit l
    join lead_consent_audit g
      on g.lead_id = l.lead_id and g.seq = l.seq - 1 and g.action = 'granted' and g.value_hash = l.value_hash
      and g.recorded_at = now()
    where l.id = new.lifted_by and l.action = 'lifted' and l.value_hash = new.value_hash and l.recorded_at = now();
  end if;
  if signature.id is null
    or new.channel <> 'phone' or new.reason <> 'opt_out'
    or (tg_op = 'UPDATE' and not may_lift_opt_out(new.id, signature.lead_id, signature.at))
    or not is_own_opt_out(new.value_hash, new.lead_id, new.at, signature.lead_id, signature.at)
  then
    raise exception 'no signature of the person who opted out lifts this suppression' using errcode = 'check_violation';
  end if;
  return new;
end
$$;
create trigger trg_guard_lift_insert before insert on app.suppressions
for each row when (new.lifted_by is not null)
execute function app.guard_lift();
create trigger trg_guard_lift before update on app.suppressions
for each row when (new.lifted_by is not null and new.lifted_by is distinct from old.lifted_by)
execute function app.guard_lift();

create or replace function app.opt_out(
  by_channel text, of_value bytea, under_key text, with_reason text, of_lead uuid, opted_out_at timestamptz,
  with_evidence bytea
) returns table (suppression_id bigint, is_new boolean)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Suppress a value for every lead, and end the consents for it. Call it in the transaction that records the statement, after
-- lock_contacts(). It takes the lock of this value too. A repeat of a statement has no effect. Where this same person
-- signed for the number later, the suppression is recorded as lifted: the order in which both arrive does not matter. An opt-out from
-- calls has a row for each person who gave it.
#variable_conflict use_column
declare
  later lead_consent_audit;
  signed record;
  giver uuid := (select l.id from leads l where l.id = of_lead);
  is_of_person boolean := by_channel = 'phone' and with_reason = 'opt_out';
begin
  perform pg_advisory_xact_lock(('x' || encode(substring(of_value from 1 for 8), 'hex'))::bit(64)::bigint);
  select s.id into suppression_id
  from suppressions s
  where s.channel = by_channel and s.value_hash = of_value and s.reason = with_reason
  and (s.lifted_at is null or s.evidence_hash = with_evidence)
  and (not is_of_person or s.lead_id is not distinct from giver)
  order by s.lifted_at nulls first
  limit 1;
  is_new := not found;
  if is_new then
    select a.* into later
    from lead_consent_audit a
    where is_of_person and a.value_hash = of_value and a.action = 'granted' and a.at >= opted_out_at
    and is_own_opt_out(of_value, giver, opted_out_at, a.lead_id, a.at)
    order by a.at desc
    limit 1;
    insert into suppressions (channel, value_hash, hash_key_id, reason, lead_id, at, evidence_hash, lifted_at, lifted_by)
    values (
      by_channel, of_value, under_key, with_reason, giver, opted_out_at, with_evidence,
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

create or replace function app.grant_consent(
  of_lead uuid, of_value bytea, under_key text, for_broker uuid, of_text integer, by_token uuid, by_method text,
  signed_at timestamptz, with_text_hash bytea, with_page_hash bytea, with_page bytea, with_signer_hash bytea,
  with_signer bytea
) returns table (audit_id bigint, seq integer, row_hash bytea, covers text[], lifted integer)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Record a signature. It lifts the opt-outs from calls to this number that this same person made before it, and nothing
-- else. The summary of the lead changes unless a later withdrawal is recorded.
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
    where s.channel = 'phone' and s.value_hash = of_value and s.lifted_at is null
    and may_lift_opt_out(s.id, of_lead, signed_at));
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

revoke execute on function app.is_same_person, app.is_own_opt_out, app.may_lift_opt_out, app.guard_lift from public;
reset role;
