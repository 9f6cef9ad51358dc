-- Invariants of contacts, consents and replies: views that return offenders, and what they need to see (docs/invariants.md).
set local role equity_owner;

-- The transaction of each decision and of each contact. Both must be the same one.
alter table pipeline.contact_decisions
  add column transaction_id xid8,
  alter column at set default clock_timestamp();
alter table pipeline.contact_decisions alter column transaction_id set default pg_current_xact_id();
comment on column pipeline.contact_decisions.at is 'time of the decision, under the lock of the value';
comment on column pipeline.contact_decisions.transaction_id is 'transaction of the decision and of its contact';

alter table app.feed_slots add column transaction_id xid8;
alter table app.reply_answers add column transaction_id xid8;
alter table app.mails add column transaction_id xid8;
comment on column app.feed_slots.transaction_id is 'transaction that reserved the slot; null: before it was recorded';
comment on column app.reply_answers.transaction_id is 'transaction that claimed the answer for sending';
comment on column app.mails.transaction_id is 'transaction that claimed the mail for sending';

create function app.record_contact_transaction() returns trigger
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- Record the transaction that makes a row a contact. The trigger names the state that does.
begin
  new.transaction_id := pg_current_xact_id();
  return new;
end
$$;
create trigger trg_record_transaction_insert before insert on app.feed_slots
for each row when (new.state = 'reserved')
execute function app.record_contact_transaction();
create trigger trg_record_transaction before update of state on app.feed_slots
for each row when (new.state = 'reserved' and old.state <> 'reserved')
execute function app.record_contact_transaction();
create trigger trg_record_transaction before update of state on app.reply_answers
for each row when (new.state = 'sending')
execute function app.record_contact_transaction();
create trigger trg_record_transaction before update of state on app.mails
for each row when (new.state = 'sending')
execute function app.record_contact_transaction();

-- The time of recording, under the lock of the value: `at` is the time of the statement, which may be days older.
alter table app.suppressions add column recorded_at timestamptz;
update app.suppressions set recorded_at = at;
alter table app.suppressions
  alter column recorded_at set default clock_timestamp(),
  alter column recorded_at set not null;
comment on column app.suppressions.recorded_at is 'time from which the gate refuses';

-- The job asks for the last hours only.
create index feed_slots_at_idx on app.feed_slots using brin (at);
create index lead_consent_audit_recorded_idx on app.lead_consent_audit using brin (recorded_at);

create view pipeline.contacts with (security_barrier) as
select 'feed_slot' as kind, s.lead_id::text as row_id, s.lead_id, 'email' as channel, null::bytea as value_hash, s.transaction_id, s.at
from app.feed_slots s
where s.state <> 'returned'
union all
select 'reply_answer', a.id::text, a.lead_id, 'email', a.value_hash, a.transaction_id, a.claimed_at
from app.reply_answers a
where a.transaction_id is not null
union all
select 'mail', m.id::text, m.lead_id, 'email', m.value_hash, m.transaction_id, m.sending_at
from app.mails m
where m.transaction_id is not null;
comment on view pipeline.contacts is 'contacts that were made or are about to be made, of every service';

create view pipeline.broken_invariants with (security_barrier) as
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
comment on view pipeline.broken_invariants is
  'offenders against the invariants of contacts, consents and replies; empty, or something is wrong';

grant select on pipeline.broken_invariants to svc_recorder, equity_operator;
grant execute on function app.hash_consent_audit to svc_recorder, equity_operator;
reset role;
