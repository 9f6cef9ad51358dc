-- Which email at Instantly a reply is, and how far emails were compared with replies (docs/replies.md, Reconciliation).
set local role equity_owner;

alter table app.replies
  add received_email_id text,
  add found_by text not null default 'webhook' check (found_by in ('webhook', 'reconciliation')),
  add late_event_id uuid;
comment on column app.replies.received_email_id is
  'id at Instantly of the email that the person sent, once it is certain; vendor_email_id may be the email answered';
comment on column app.replies.found_by is 'webhook; reconciliation: in the list of emails at Instantly, before any webhook';
comment on column app.replies.late_event_id is 'webhook that came after the reconciliation had found the reply';
create unique index replies_received_email_idx on app.replies (received_email_id) where received_email_id is not null;
create unique index replies_late_event_idx on app.replies (late_event_id) where late_event_id is not null;

create table app.email_reconciliation (
  is_only boolean primary key default true check (is_only),
  checked_until timestamptz not null,
  claimed_until timestamptz,
  completed_at timestamptz,
  found bigint not null default 0 check (found >= 0)
);
comment on table app.email_reconciliation is
  'one row: progress of the comparison of emails at Instantly with replies; written by replies after each page';
comment on column app.email_reconciliation.checked_until is
  'every email that Instantly created before this time was compared with the replies';
comment on column app.email_reconciliation.claimed_until is 'lease of the process that compares';
comment on column app.email_reconciliation.completed_at is 'time at which a comparison last reached the present';
comment on column app.email_reconciliation.found is 'replies without a webhook that were found so far';

alter table app.email_reconciliation enable row level security;
alter table app.email_reconciliation force row level security;
create policy owner_all on app.email_reconciliation for all to equity_owner using (true) with check (true);
create policy replies_all on app.email_reconciliation for all to svc_replies using (true) with check (true);
create policy operator_read on app.email_reconciliation for select to equity_operator using (true);
create policy service_role_read on app.email_reconciliation for select to service_role using (true);
grant select, insert, update on app.email_reconciliation to svc_replies;
grant select on app.email_reconciliation to equity_operator, service_role;

grant update (received_email_id, late_event_id) on app.replies to svc_replies;
grant execute on function pipeline.stamp_of to svc_replies;
grant select (received_email_id, found_by, late_event_id) on app.replies to equity_operator;
reset role;
