drop view pipeline.broken_invariants, pipeline.contacts;
drop index app.feed_slots_at_idx, app.lead_consent_audit_recorded_idx;
drop trigger trg_record_transaction on app.mails;
drop trigger trg_record_transaction on app.reply_answers;
drop trigger trg_record_transaction on app.feed_slots;
drop trigger trg_record_transaction_insert on app.feed_slots;
drop function app.record_contact_transaction;
alter table app.suppressions drop column recorded_at;
alter table app.mails drop column transaction_id;
alter table app.reply_answers drop column transaction_id;
alter table app.feed_slots drop column transaction_id;
alter table pipeline.contact_decisions
  alter column at set default now(),
  drop column transaction_id;
revoke execute on function app.hash_consent_audit from svc_recorder, equity_operator;
