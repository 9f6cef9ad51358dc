set local role equity_owner;
lock table app.suppressions in access exclusive mode;
drop trigger trg_guard_lift on app.suppressions;
drop trigger trg_guard_lift_insert on app.suppressions;

create or replace function app.opt_out(
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

create or replace function app.grant_consent(
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

drop function app.guard_lift, app.may_lift_opt_out, app.is_own_opt_out, app.is_same_person;

-- One value has one active row for each reason again: the oldest one, with the time of the newest statement.
create temporary table merged_opt_outs on commit drop as
select s.id, min(s.id) over (partition by s.value_hash) as kept_id, max(s.at) over (partition by s.value_hash) as newest_at
from app.suppressions s
where s.channel = 'phone' and s.reason = 'opt_out' and s.lifted_at is null;
update app.suppressions s set at = m.newest_at from merged_opt_outs m where m.id = s.id and s.at < m.newest_at;
update app.suppression_changes c
set suppression_id = m.kept_id
from merged_opt_outs m
where c.suppression_id = m.id and m.id <> m.kept_id;
delete from app.suppressions where id in (select id from merged_opt_outs where id <> kept_id);
drop table merged_opt_outs;
drop index app.suppressions_active_idx, app.suppressions_active_opt_out_key, app.suppressions_active_key;
create unique index suppressions_active_key on app.suppressions (channel, value_hash, reason) where lifted_at is null;
comment on column app.suppressions.lead_id is null;
reset role;
