-- Mails that services send themselves, over SMTP: an intent row before each mail (docs/mails.md).
set local role equity_owner;

create table app.mails (
  id uuid primary key,
  service text not null default current_user,
  lead_id uuid not null references app.leads,
  broker_id uuid references app.brokers,
  purpose text not null default 'service' check (purpose = 'service'),
  template text not null check (template ~ '^[a-z0-9_]+$'),
  template_version integer not null check (template_version > 0),
  value_hash bytea not null,
  hash_key_id text not null,
  content_ciphertext bytea,
  message_id text,
  state text not null default 'queued' check (state in ('queued', 'sending', 'sent', 'refused', 'unknown')),
  reason text check (reason ~ '^[a-z0-9_]+$'),
  attempts integer not null default 0,
  queued_at timestamptz not null default now(),
  retry_at timestamptz not null default now(),
  claim_id uuid,
  claimed_until timestamptz,
  sending_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  check ((state in ('sent', 'refused', 'unknown')) = (finished_at is not null))
);
create index mails_queued_idx on app.mails (service, retry_at) where state = 'queued';
create index mails_sending_idx on app.mails (service, claimed_until) where state = 'sending';
create index mails_unknown_idx on app.mails (service, finished_at) where state = 'unknown';
create index mails_lead_idx on app.mails (lead_id, created_at);
create index mails_created_idx on app.mails (created_at);
comment on table app.mails is
  'a mail that a service sends over SMTP: written by queue_mail() in the transaction that wants it, sent by the same service';
comment on column app.mails.service is 'role that queued the mail and sends it';
comment on column app.mails.value_hash is 'keyed hash of the address of the recipient';
comment on column app.mails.content_ciphertext is
  'recipient, subject, text and language, encrypted with the data key of the lead; null: erased';
comment on column app.mails.message_id is 'Message-ID, the same in each attempt; set before the first';
comment on column app.mails.state is
  'queued; sending: the content may reach the server; sent; refused; unknown: no answer after the content, never repeated by itself';
comment on column app.mails.reason is 'reason of a refusal, of the next attempt, or for which the result is not known, as a code';
comment on column app.mails.queued_at is 'start of the time in which attempts are made';
comment on column app.mails.claim_id is 'the attempt that may change the row; another one is fenced off';
comment on column app.mails.claimed_until is 'end of the lease of this attempt';

create function app.retry_mail(of_mail uuid, even_unknown boolean) returns text
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Queue a mail again that was refused, or on purpose one of which the result is not known. Return retried, or why not: queued,
-- sending, sent, unknown, erased, missing.
declare
  mail mails;
begin
  select * into mail from mails where id = of_mail for update;
  if not found then
    return 'missing';
  elsif mail.content_ciphertext is null then
    return 'erased';
  elsif mail.state in ('queued', 'sending', 'sent') or (mail.state = 'unknown' and not even_unknown) then
    return mail.state;
  end if;
  update mails
  set state = 'queued', reason = null, attempts = 0, queued_at = now(), retry_at = now(), claim_id = null,
    claimed_until = null, sending_at = null, finished_at = null
  where id = of_mail;
  return 'retried';
end
$$;

alter table app.mails enable row level security;
alter table app.mails force row level security;
create policy owner_all on app.mails for all to equity_owner using (true) with check (true);
-- A service sees and sends its own mails only.
create policy sender_own on app.mails
  for all to svc_consent, svc_voice, svc_notify using (service = current_user) with check (service = current_user);
create policy operator_read on app.mails for select to equity_operator using (true);
create policy service_role_read on app.mails for select to service_role using (true);
create policy broker_mails_select on app.mails
  for select to authenticated
  using (lead_id in (select l.id from app.leads l where l.assigned_broker_id = (select auth.uid())));

grant select on app.mails to svc_consent, svc_voice, svc_notify, service_role;
grant
  insert (
    id, lead_id, broker_id, template, template_version, value_hash, hash_key_id, content_ciphertext
  ),
  update (
    message_id, state, reason, attempts, retry_at, claim_id, claimed_until, sending_at, finished_at
  )
on app.mails to svc_consent, svc_voice, svc_notify;
grant select (
  id, service, lead_id, broker_id, purpose, template, template_version, value_hash, hash_key_id, message_id, state, reason,
  attempts, queued_at, retry_at, sending_at, finished_at, created_at
) on app.mails to equity_operator;
grant select (id, lead_id, broker_id, purpose, template, template_version, state, sending_at, finished_at, created_at)
  on app.mails to authenticated;
grant execute on function app.retry_mail to equity_operator;
-- The facts of the gate about an email: the stamps of the names of the owner.
grant execute on function pipeline.stamp_of to svc_consent, svc_voice;
reset role;
