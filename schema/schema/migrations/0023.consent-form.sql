-- Consent form: publishers of texts, tokens of the form, statements made at the office, and what operators read for a proof
-- (docs/consent.md).
set local role equity_owner;

alter table app.consent_texts
  add column published_by text check (published_by <> ''),
  add column published_login text default session_user;
comment on table app.consent_texts is
  'a version of the text to which people consent, written by `equity consent texts publish` and never changed';
comment on column app.consent_texts.text is 'elements of the text by language, as canonical JSON; its SHA-256 is in the proof';
comment on column app.consent_texts.published_by is 'user of the machine who published it';
comment on column app.consent_texts.published_login is 'login role of the session; the caller cannot set it';
revoke insert on app.consent_texts from svc_consent;
grant insert (version, text, covers, published_by) on app.consent_texts to svc_consent;

comment on table app.consent_tokens is
  'permission to sign one form, written into the page by the service consent; a used one is evidence and stays';
comment on column app.consent_tokens.nonce_hash is 'SHA-256 of the random part of the token';

create function app.issue_consent_token(of_lead uuid, with_nonce_hash text) returns uuid
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Issue a token of the lead's form and return its id. At most 20 unused tokens of a lead are open: the oldest make room.
-- Calls for one lead run one at a time. A token that is being used meanwhile is not deleted.
declare
  issued uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('app.consent_tokens ' || of_lead, 0));
  delete from consent_tokens
  where used_at is null
  and id in (
    select t.id
    from consent_tokens t
    where t.lead_id = of_lead and t.used_at is null and t.created_at > now() - interval '7 days'
    order by t.created_at desc, t.id
    offset 19);
  insert into consent_tokens (lead_id, nonce_hash) values (of_lead, with_nonce_hash) returning id into issued;
  return issued;
end
$$;
revoke insert on app.consent_tokens from svc_consent;

create table app.consent_statements (
  lead_id uuid not null references app.leads,
  evidence_hash bytea not null,
  statement_ciphertext bytea not null,
  recorded_at timestamptz not null default now(),
  primary key (lead_id, evidence_hash)
);
comment on table app.consent_statements is
  'a withdrawal that a person stated at the office, written by `equity consent withdraw` in the transaction that records it';
comment on column app.consent_statements.evidence_hash is
  'SHA-256 of a salt and the statement; rows of lead_consent_audit and suppressions carry the same hash';
comment on column app.consent_statements.statement_ciphertext is
  'salt and statement (reason, and who took it), encrypted with the data key of the lead';

alter table app.consent_statements enable row level security;
alter table app.consent_statements force row level security;
create policy owner_all on app.consent_statements for all to equity_owner using (true) with check (true);
create policy consent_read on app.consent_statements for select to svc_consent using (true);
create policy consent_insert on app.consent_statements for insert to svc_consent with check (true);
create policy service_role_read on app.consent_statements for select to service_role using (true);
create policy consent_statements_select on app.consent_statements
  for select to authenticated
  using (exists (select from app.leads l where l.id = lead_id and l.assigned_broker_id = (select auth.uid())));

create function app.open_consent_proof(by_access bigint, of_lead uuid)
returns table (
  kind text, audit_id bigint, evidence_hash bytea, ciphertext bytea, data_key bytea
)
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Return the encrypted pages, signers and statements of a lead's proof, if an earlier transaction of the same login logged
  -- the access, as open_contacts() does. kind: page, signer, statement.
  with access as (
    select
    from access_log a
    where a.id = by_access
    and a.reveals
    and a.lead_ids @> array[of_lead]
    and a.login = session_user
    and a.at < now()
    and a.at > now() - interval '1 day'
  )
  select p.kind, p.audit_id, p.evidence_hash, p.ciphertext, l.data_key
  from access
  cross join lateral (
    select 'page' as kind, e.id as audit_id, e.evidence_hash, e.page_ciphertext as ciphertext
    from lead_consent_audit e
    where e.lead_id = of_lead and e.page_ciphertext is not null
    union all
    select 'signer', e.id, e.evidence_hash, e.signer_ciphertext
    from lead_consent_audit e
    where e.lead_id = of_lead and e.signer_ciphertext is not null
    union all
    select 'statement', null, s.evidence_hash, s.statement_ciphertext
    from consent_statements s
    where s.lead_id = of_lead
  ) p
  join leads l on l.id = of_lead
$$;

grant select (channel, value_hash, reason, at, lifted_at, lifted_by, evidence_hash) on app.suppressions to equity_operator;
grant select, insert (lead_id, evidence_hash, statement_ciphertext) on app.consent_statements to svc_consent;
grant select on app.consent_statements to service_role;
grant select (lead_id, evidence_hash, recorded_at) on app.consent_statements to authenticated;
grant execute on function app.issue_consent_token to svc_consent;
grant execute on function app.open_consent_proof to equity_operator;
grant select (legal_name) on app.brokers to equity_operator;
-- Skip tracing verifies numbers that a person signed before any other (docs/verification.md).
grant select (lead_id, action, value_hash, at) on app.lead_consent_audit to svc_skiptrace;
reset role;
