-- Suppressions that operators add, import and lift (`equity suppressions`), with a log of who did it and why.
set local role equity_owner;

lock table app.suppressions in access exclusive mode;

create table app.suppression_changes (
  id bigint generated always as identity primary key,
  suppression_id bigint not null references app.suppressions,
  action text not null check (action in ('added', 'lifted')),
  actor text not null check (actor <> ''),
  login text not null default session_user,
  note text not null check (note <> ''),
  at timestamptz not null default clock_timestamp()
);
create index suppression_changes_suppression_idx on app.suppression_changes (suppression_id);
comment on table app.suppression_changes is
  'who added or lifted a suppression as an operator, and why; append-only, written by functions of `equity suppressions`';
comment on column app.suppression_changes.actor is 'user of the machine';
comment on column app.suppression_changes.login is 'login role of the session; the caller cannot set it';

alter table app.suppression_reasons
  add column added_by_operator boolean not null default false,
  add column lifted_by_operator boolean not null default false;
comment on column app.suppression_reasons.added_by_operator is 'true: an operator may add an entry for this reason';
comment on column app.suppression_reasons.lifted_by_operator is
  'true: an operator may lift an entry that an operator added; false for a statement of the person, a registry, a death';
update app.suppression_reasons
set
  added_by_operator = true,
  lifted_by_operator = reason = 'operator'
where reason in ('operator', 'registry', 'litigator', 'deceased', 'wrong_person', 'complaint', 'opt_out');

alter table app.suppressions
  drop constraint suppressions_check,
  add column lifted_by_change bigint references app.suppression_changes,
  add constraint suppressions_lift_check check ((lifted_at is null) = (num_nonnulls(lifted_by, lifted_by_change) = 0)),
  add constraint suppressions_one_lift_check check (num_nonnulls(lifted_by, lifted_by_change) < 2);
comment on column app.suppressions.lifted_by_change is 'row of suppression_changes: the operator who lifted it';

create function app.add_suppressions(
  by_channel text, of_values bytea[], under_key text, with_reason text, by_actor text, with_note text
) returns table (value_hash bytea, suppression_id bigint, is_new boolean)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Suppress values as an operator, by opt_out(): with its locks, the end of consents, and the trigger that ends memberships. A
-- value that is suppressed for this reason already stays as it is.
#variable_conflict use_column
declare
  given bytea;
  added_at timestamptz;
begin
  if not exists (select from suppression_reasons r where r.reason = with_reason and r.added_by_operator) then
    raise exception 'operators do not add the reason %', with_reason using errcode = 'check_violation';
  end if;
  -- All locks first, in the order of lock_contacts(), against deadlocks.
  perform pg_advisory_xact_lock(k.key)
  from (
    select distinct ('x' || encode(substring(v.given from 1 for 8), 'hex'))::bit(64)::bigint as key
    from unnest(of_values) as v (given)
    order by 1
  ) k;
  added_at := clock_timestamp();
  for given in select distinct v.given from unnest(of_values) as v (given) order by v.given loop
    select o.suppression_id, o.is_new into suppression_id, is_new
    from opt_out(by_channel, given, under_key, with_reason, null, added_at, null) o;
    value_hash := given;
    if is_new then
      insert into suppression_changes (suppression_id, action, actor, note)
      values (suppression_id, 'added', by_actor, with_note);
    end if;
    return next;
  end loop;
end
$$;

create function app.lift_suppression(of_suppression bigint, by_actor text, with_note text) returns text
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Lift an entry that an operator added by decision. Return lifted, or why not: missing, already, kept (no operator may lift its
-- reason), not_ours (no operator added it).
declare
  found_row suppressions;
  change bigint;
begin
  select * into found_row from suppressions where id = of_suppression;
  if not found then
    return 'missing';
  end if;
  perform pg_advisory_xact_lock(('x' || encode(substring(found_row.value_hash from 1 for 8), 'hex'))::bit(64)::bigint);
  select * into found_row from suppressions where id = of_suppression for update;
  if found_row.lifted_at is not null then
    return 'already';
  elsif not (select r.lifted_by_operator from suppression_reasons r where r.reason = found_row.reason) then
    return 'kept';
  elsif not exists (select from suppression_changes c where c.suppression_id = of_suppression and c.action = 'added') then
    return 'not_ours';
  end if;
  insert into suppression_changes (suppression_id, action, actor, note)
  values (of_suppression, 'lifted', by_actor, with_note)
  returning id into change;
  update suppressions set lifted_at = clock_timestamp(), lifted_by_change = change where id = of_suppression;
  return 'lifted';
end
$$;

create or replace view pipeline.broken_invariants with (security_barrier) as
-- Every contact has an allowing decision in its transaction.
select 'contact_without_decision' as invariant, c.kind || ' ' || c.row_id as row_id, c.lead_id, c.at
from pipeline.contacts c
where c.transaction_id is not null
and not exists (
  select
  from pipeline.contact_decisions d
  where d.lead_id = c.lead_id and d.transaction_id = c.transaction_id and d.channel = c.channel and d.allowed
  and (c.value_hash is null or d.value_hash = c.value_hash)
)
union all
-- No contact follows an active suppression of its value. One that was lifted counts until the lift was recorded: by the
-- person's signature, or by an operator.
select 'contact_after_opt_out', 'decision ' || d.id, d.lead_id, d.at
from pipeline.contact_decisions d
join app.suppressions s on s.channel = d.channel and s.value_hash = d.value_hash
left join app.lead_consent_audit l on l.id = s.lifted_by
left join app.suppression_changes o on o.id = s.lifted_by_change
where d.allowed
and d.at > s.recorded_at
and (s.lifted_at is null or coalesce(l.recorded_at, o.at) > d.at)
union all
-- Every signature keeps its text and the page as it was shown, until the lead is erased.
select 'consent_without_text', 'consent ' || a.id, a.lead_id, a.recorded_at
from app.lead_consent_audit a
where a.action = 'granted'
and (a.text_hash is null or a.page_hash is null or not exists (select from app.consent_texts t where t.version = a.text_version))
union all
-- Every chain of proof is intact.
select 'consent_chain_broken', 'consent ' || a.id, a.lead_id, a.recorded_at
from app.lead_consent_audit a
left join app.lead_consent_audit p on p.lead_id = a.lead_id and p.seq = a.seq - 1
where a.row_hash <> app.hash_consent_audit(a)
or a.previous_hash is distinct from p.row_hash
or (a.seq > 1 and p.seq is null)
union all
-- Every inbound reply gets a route within an hour, and at most one answer, also where it came twice.
select 'reply_without_route', 'reply ' || r.id, r.lead_id, r.recorded_at
from app.replies r
where r.state <> 'routed'
and r.recorded_at < now() - interval '1 hour'
union all
select 'reply_with_answers', 'reply ' || min(r.id::text), r.lead_id, max(w.claimed_at)
from app.reply_answers w
join app.replies r on r.id = w.reply_id
where w.transaction_id is not null
group by r.lead_id, r.at, r.text_hash
having count(*) > 1;

alter table app.suppression_changes enable row level security;
alter table app.suppression_changes force row level security;
create policy owner_all on app.suppression_changes for all to equity_owner using (true) with check (true);
create policy operator_read on app.suppression_changes for select to equity_operator using (true);
create policy service_role_read on app.suppression_changes for select to service_role using (true);
create policy operator_read on app.suppression_reasons for select to equity_operator using (true);

grant select on app.suppression_changes to equity_operator, service_role;
grant select (reason, meaning, added_by_operator, lifted_by_operator) on app.suppression_reasons to equity_operator;
grant select (id, hash_key_id, lead_id, recorded_at, lifted_by_change) on app.suppressions to equity_operator;
revoke execute on function app.add_suppressions, app.lift_suppression from public;
grant execute on function app.add_suppressions, app.lift_suppression to equity_operator;
-- An opt-out from emails that reaches the office changes the status, as every other one does.
update pipeline.lead_transitions set roles = roles || '{equity_operator}' where to_status = 'unsubscribed';
-- The events of opt-outs and ended consents are those of the service consent, whose relay publishes them.
grant usage on schema svc_consent to equity_operator;
grant insert (topic, key, headers, body) on svc_consent.outbox to equity_operator;
reset role;
