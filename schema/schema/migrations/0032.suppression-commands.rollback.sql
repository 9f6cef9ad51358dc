set local role equity_owner;
lock table app.suppressions in access exclusive mode;
update pipeline.lead_transitions set roles = array_remove(roles, 'equity_operator') where to_status = 'unsubscribed';
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
-- No contact follows an active opt-out of its value. A suppression that was lifted counts until the lift was recorded.
select 'contact_after_opt_out', 'decision ' || d.id, d.lead_id, d.at
from pipeline.contact_decisions d
join app.suppressions s on s.channel = d.channel and s.value_hash = d.value_hash
left join app.lead_consent_audit l on l.id = s.lifted_by
where d.allowed
and d.at > s.recorded_at
and (s.lifted_at is null or l.recorded_at > d.at)
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
revoke insert (topic, key, headers, body) on svc_consent.outbox from equity_operator;
revoke usage on schema svc_consent from equity_operator;
drop function app.lift_suppression(bigint, text, text);
drop function app.add_suppressions(text, bytea[], text, text, text, text);
revoke select (id, hash_key_id, lead_id, recorded_at, lifted_by_change) on app.suppressions from equity_operator;
revoke select (reason, meaning, added_by_operator, lifted_by_operator) on app.suppression_reasons from equity_operator;
drop policy operator_read on app.suppression_reasons;
-- An entry that an operator lifted would have no proof of its lift: it counts again.
update app.suppressions s
set lifted_at = null, lifted_by_change = null
where s.lifted_by_change is not null
and not exists (
  select
  from app.suppressions o
  where o.channel = s.channel and o.value_hash = s.value_hash and o.reason = s.reason and o.lifted_at is null
)
and s.id = (
  select max(o.id)
  from app.suppressions o
  where o.channel = s.channel and o.value_hash = s.value_hash and o.reason = s.reason and o.lifted_by_change is not null
);
alter table app.suppressions
  drop constraint suppressions_lift_check,
  drop constraint suppressions_one_lift_check;
alter table app.suppression_changes drop constraint suppression_changes_suppression_id_fkey;
delete from app.suppressions where lifted_by_change is not null;
alter table app.suppressions
  drop column lifted_by_change,
  add constraint suppressions_check check ((lifted_at is null) = (lifted_by is null));
drop table app.suppression_changes;
alter table app.suppression_reasons drop column added_by_operator, drop column lifted_by_operator;
reset role;
