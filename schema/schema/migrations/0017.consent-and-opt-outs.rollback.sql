-- A suppression that was lifted is deleted, because the former version has no word for it. Of several about one value the first
-- stays.
set local role equity_owner;
revoke execute on function pipeline.acquire_permit, pipeline.record_success, pipeline.record_failure from svc_replies, svc_voice;
revoke select on pipeline.provider_states from svc_replies, svc_voice;
revoke select (id, assigned_broker_id) on app.leads from svc_billing, svc_notify;
revoke select on app.brokers from svc_billing, svc_notify, svc_replies, svc_consent, svc_voice;
revoke select on app.lead_conflicts, app.vendor_memberships, app.campaigns from svc_replies;
revoke select (
  lead_id, channel, value_hash, hash_key_id, normalisation_version, source, line_type, first_seen, rank, verified, verified_at,
  codes, dnc, dnc_checked_at, litigator, litigator_checked_at
) on app.lead_contacts from svc_replies;
revoke select on app.lead_contacts, app.lead_conflicts from svc_consent, svc_voice;
revoke select on app.lead_consent_audit from svc_voice;
revoke select (
  id, lead_id, seq, action, value_hash, hash_key_id, broker_id, text_version, covers, reason, at, recorded_at
) on app.lead_consent_audit from svc_replies;
grant insert on app.lead_consent_audit to svc_consent;
grant insert on app.suppressions to svc_consent;
grant select on app.suppressions to svc_skiptrace, svc_feeder, svc_replies, svc_voice;
grant select (channel, value_hash) on app.suppressions to equity_operator;

update pipeline.lead_transitions
set roles = array_remove(roles, 'svc_voice')
where from_status in ('queued', 'active', 'replied') and to_status = 'paused';
update pipeline.lead_transitions
set roles = array_remove(roles, 'svc_consent')
where from_status in ('queued', 'active') and to_status = 'replied';

alter table app.brokers drop column legal_name, drop column daily_calls, drop column calls_per_hour;

drop function pipeline.log_contact_decisions;
alter table pipeline.contact_decisions drop column purpose;
create function pipeline.log_contact_decision(
  of_lead uuid, by_channel text, to_value_hash bytea, is_allowed boolean, with_reason text
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  values (of_lead, by_channel, to_value_hash, is_allowed, with_reason)
$$;
create function pipeline.log_contact_decisions(
  of_leads uuid[], by_channels text[], to_value_hashes bytea[], are_allowed boolean[], with_reasons text[]
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  select d.lead_id, d.channel, d.value_hash, d.allowed, d.reason
  from unnest(of_leads, by_channels, to_value_hashes, are_allowed, with_reasons)
    with ordinality as d (lead_id, channel, value_hash, allowed, reason, ord)
  order by d.ord
$$;
comment on function pipeline.log_contact_decisions is 'arrays of the same length; each place is one decision';
grant execute on function pipeline.log_contact_decision, pipeline.log_contact_decisions to
  svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice, svc_billing,
  svc_notify;

drop view app.owner_changes;
create or replace function app.pause_for_new_owner(lead_ids uuid[]) returns void
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Apply a change of owner. The consent of the old owner says nothing about the new one. The lead is paused until a person
  -- reviews it.
  update leads
  set consent = false,
      consent_method = null,
      paused_from = case when campaign_status in ('queued', 'active', 'replied') then campaign_status else paused_from end,
      campaign_status = case when campaign_status in ('queued', 'active', 'replied') then 'paused' else campaign_status end
  where id = any (lead_ids)
  and (consent or campaign_status in ('queued', 'active', 'replied'))
$$;
drop function
  app.grant_consent, app.opt_out, app.withdraw_consent, app.end_consent, app.append_consent_audit, app.hash_consent_audit;

create or replace view pipeline.due_adds with (security_invoker) as
select m.lead_id, m.campaign_id, s.local_date, m.retry_at, m.changed_at
from app.feed_slots s
join app.vendor_memberships m on m.lead_id = s.lead_id and m.desired = 'in' and m.actual = 'out'
join app.campaigns c
  on c.id = m.campaign_id and c.broker_id = s.broker_id and c.active and c.vendor_campaign_id is not null and c.problem is null
join app.brokers b on b.id = s.broker_id and b.active and b.daily_limit > 0
join app.leads l
  on l.id = m.lead_id and l.assigned_broker_id = s.broker_id and l.campaign_status = 'active' and not l.deceased_owner
  and not l.litigator
join app.lead_contacts k
  on k.lead_id = m.lead_id and k.channel = 'email' and k.value_hash = m.value_hash and k.verified and k.litigator is not true
where s.state = 'reserved'
and not exists (select from app.suppressions x where x.channel = 'email' and x.value_hash = m.value_hash);
drop view app.active_suppressions;

drop trigger trg_remove_suppressed_members on app.suppressions;
delete from app.suppressions s
where s.lifted_at is not null
or exists (
  select from app.suppressions o
  where o.channel = s.channel and o.value_hash = s.value_hash and o.lifted_at is null and o.id < s.id
);
alter table app.suppressions
  drop column evidence_hash,
  drop column lifted_at,
  drop column lifted_by,
  drop constraint suppressions_reason_fkey,
  add constraint suppressions_channel_value_hash_key unique (channel, value_hash);
create trigger trg_remove_suppressed_members after insert or update on app.suppressions
for each row when (new.channel = 'email')
execute function app.remove_suppressed_members();
comment on table app.suppressions is 'keyed hash of an email address or phone number that must not be contacted, written by ingest';
comment on column app.suppressions.at is null;
drop table app.suppression_reasons;

drop index
  app.lead_consent_audit_seq_key, app.lead_consent_audit_token_key, app.lead_consent_audit_evidence_key,
  app.lead_consent_audit_value_idx;
alter table app.lead_consent_audit
  drop constraint lead_consent_audit_action_check,
  drop constraint lead_consent_audit_check,
  add column seller text;
update app.lead_consent_audit set seller = broker_id::text;
alter table app.lead_consent_audit
  drop column seq,
  drop column broker_id,
  drop column hash_key_id,
  drop column covers,
  drop column reason,
  drop column token_id,
  drop column text_hash,
  drop column page_hash,
  drop column page_ciphertext,
  drop column signer_hash,
  drop column signer_ciphertext,
  drop column evidence_hash,
  drop column recorded_at,
  drop column previous_hash,
  drop column row_hash;
alter table app.lead_consent_audit rename column value_hash to phone_hash;
comment on column app.lead_consent_audit.phone_hash is null;
comment on column app.lead_consent_audit.at is null;
comment on table app.lead_consent_audit is 'proof of a consent or of its withdrawal, append-only; no service writes it yet';
alter table app.consent_texts drop column covers;
reset role;
