-- Replies to emails, their classifications and answers, and other webhooks of Instantly (docs/replies.md).
set local role equity_owner;

insert into app.suppression_reasons (reason, meaning, lifted_by_signature)
values ('bounced', 'the address does not exist any more, or refuses emails', false);

create table app.replies (
  id uuid primary key,
  event_id uuid not null unique,
  lead_id uuid references app.leads on delete cascade,
  broker_id uuid references app.brokers on delete cascade,
  campaign_id uuid references app.campaigns on delete set null,
  source text not null default 'reply' check (source in ('reply', 'label')),
  sequence_step smallint check (sequence_step > 0),
  vendor_campaign_id text,
  vendor_email_id text,
  account text,
  value_hash bytea,
  hash_key_id text,
  matched_by text check (matched_by in ('lead_id', 'address')),
  is_auto_reply boolean not null default false,
  at timestamptz not null,
  received_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  subject_ciphertext bytea,
  text_ciphertext bytea,
  other_ciphertext bytea,
  text_hash bytea,
  is_truncated boolean not null default false,
  opt_out_rules text[] not null default '{}',
  state text not null check (state in ('content_missing', 'received', 'routed')),
  claimed_until timestamptz,
  reclassify_requested_at timestamptz,
  classification smallint not null default 0 check (classification >= 0),
  intent text check (intent ~ '^[a-z_]+$'),
  sentiment text check (sentiment in ('positive', 'neutral', 'negative')),
  confidence real check (confidence between 0 and 1),
  classified_by text check (classified_by in ('rules', 'model', 'label')),
  model text,
  fallback_reason text,
  is_call_requested boolean not null default false,
  route text check (route ~ '^[a-z_]+$'),
  routed_at timestamptz,
  check ((value_hash is null) = (hash_key_id is null)),
  check ((lead_id is null) = (matched_by is null)),
  check (lead_id is not null or num_nonnulls(subject_ciphertext, text_ciphertext, other_ciphertext) = 0),
  check (state <> 'routed' or num_nulls(intent, classified_by, route, routed_at) = 0)
);
create index replies_lead_idx on app.replies (lead_id, at desc);
create index replies_recorded_idx on app.replies (recorded_at);
create index replies_broker_idx on app.replies (broker_id);
create index replies_campaign_idx on app.replies (campaign_id);
create index replies_email_idx on app.replies (vendor_email_id);
create index replies_value_idx on app.replies (value_hash);
create index replies_open_idx on app.replies (recorded_at)
  where state = 'received' or reclassify_requested_at is not null;
create index replies_content_missing_idx on app.replies (recorded_at) where state = 'content_missing';
comment on table app.replies is
  'an inbound reply, or a label that Instantly reports for a lead without a reply; written by replies, one row for each webhook';
comment on column app.replies.id is 'our id; vendor_email_id may name the email answered, so two replies can share it';
comment on column app.replies.event_id is 'id of the webhook, which the gateway derives from its content';
comment on column app.replies.lead_id is 'null: no lead has the address';
comment on column app.replies.broker_id is 'broker of the lead when the reply came';
comment on column app.replies.source is 'reply; label: a label at Instantly, without a reply that it could belong to';
comment on column app.replies.account is 'mailbox of ours that got the reply, at Instantly `eaccount`';
comment on column app.replies.value_hash is 'keyed hash of the address of the sender';
comment on column app.replies.matched_by is 'lead_id: id and address name the same lead; address: the address alone';
comment on column app.replies.at is 'time of the reply by Instantly, never after received_at';
comment on column app.replies.received_at is 'time at which the gateway received the webhook';
comment on column app.replies.subject_ciphertext is 'encrypted with the data key of the lead, like both texts; null without a lead or key';
comment on column app.replies.text_ciphertext is 'new text: what the person wrote in this reply, without quotes';
comment on column app.replies.other_ciphertext is 'new text of the HTML part, where it differs';
comment on column app.replies.text_hash is 'keyed hash of the new text';
comment on column app.replies.is_truncated is 'whether a part was too long to be read whole';
comment on column app.replies.opt_out_rules is 'rules by which the text is an opt-out; never words of the person';
comment on column app.replies.state is
  'content_missing: only a stub came, the content must be fetched; received: waits for the classifier; routed: done';
comment on column app.replies.claimed_until is 'lease of the process that classifies the reply or fetches its content';
comment on column app.replies.classification is 'number of the classification that holds; 0: none yet';
comment on column app.replies.fallback_reason is 'reason for which rules decided instead of the model';
comment on column app.replies.route is 'row of the routing table that was applied';

create table app.reply_classifications (
  reply_id uuid not null references app.replies on delete cascade,
  classification smallint not null check (classification > 0),
  at timestamptz not null default now(),
  intent text not null,
  sentiment text,
  confidence real,
  classified_by text not null,
  model text,
  fallback_reason text,
  is_call_requested boolean not null default false,
  route text not null,
  primary key (reply_id, classification)
);
comment on table app.reply_classifications is
  'history of the classifications of a reply, append-only; the row of the reply has the last one; written by replies';

create table app.reply_answers (
  id uuid primary key,
  reply_id uuid not null unique references app.replies on delete cascade,
  lead_id uuid not null references app.leads on delete cascade,
  broker_id uuid references app.brokers on delete cascade,
  template text not null check (template ~ '^[a-z_]+$'),
  template_version integer not null check (template_version > 0),
  state text not null check (state in ('due', 'sending', 'sent', 'unknown', 'refused', 'skipped')),
  reason text check (reason ~ '^[a-z0-9_,]+$'),
  value_hash bytea not null,
  hash_key_id text not null,
  reply_to_email_id text,
  account text,
  vendor_email_id text,
  subject_ciphertext bytea,
  text_ciphertext bytea,
  created_at timestamptz not null default now(),
  retry_at timestamptz,
  claimed_at timestamptz,
  claimed_until timestamptz,
  sent_at timestamptz,
  checked_at timestamptz,
  check (state <> 'sent' or sent_at is not null)
);
create index reply_answers_lead_idx on app.reply_answers (lead_id, created_at);
create index reply_answers_broker_idx on app.reply_answers (broker_id);
create index reply_answers_open_idx on app.reply_answers (created_at) where state in ('due', 'sending', 'unknown');
comment on table app.reply_answers is
  'an automatic answer to a reply, at most one; written by replies before Instantly is called, in the transaction that routes';
comment on column app.reply_answers.state is
  'due; sending: the call was made or is about to be; sent; unknown: the call may have been executed, and is never repeated; '
  'refused: by the gate or Instantly; skipped: not sent on purpose';
comment on column app.reply_answers.reason is 'cause of refused, skipped or unknown, as codes';
comment on column app.reply_answers.value_hash is 'keyed hash of the address that is answered';
comment on column app.reply_answers.reply_to_email_id is 'email at Instantly that is answered';
comment on column app.reply_answers.vendor_email_id is 'our email at Instantly, once it is known';
comment on column app.reply_answers.account is 'mailbox of ours that answers';
comment on column app.reply_answers.text_ciphertext is 'what was sent, encrypted with the data key of the lead';

create table app.instantly_events (
  event_id uuid primary key,
  type text not null check (length(type) <= 80),
  outcome text not null check (outcome ~ '^[a-z_]+$'),
  lead_id uuid references app.leads on delete cascade,
  vendor_campaign_id text,
  vendor_email_id text,
  at timestamptz not null,
  received_at timestamptz not null
);
create index instantly_events_at_idx on app.instantly_events (at);
create index instantly_events_lead_idx on app.instantly_events (lead_id);
comment on table app.instantly_events is
  'a webhook of Instantly that is neither a reply nor a sent email; written by replies, and deleted after 400 days';
comment on column app.instantly_events.type is 'event_type of the webhook; other when it is none of the documented ones';
comment on column app.instantly_events.outcome is 'what the service did: opted_out, bounced, labelled, counted or unmatched';

do $$
declare
  name text;
begin
  foreach name in array array['replies', 'reply_classifications', 'reply_answers', 'instantly_events'] loop
    execute format('alter table app.%I enable row level security', name);
    execute format('alter table app.%I force row level security', name);
    execute format('create policy owner_all on app.%I for all to equity_owner using (true) with check (true)', name);
    execute format('create policy replies_all on app.%I for all to svc_replies using (true) with check (true)', name);
    execute format('create policy operator_read on app.%I for select to equity_operator using (true)', name);
    execute format('create policy service_role_read on app.%I for select to service_role using (true)', name);
    execute format('grant select on app.%I to service_role', name);
  end loop;
end
$$;
-- A broker sees the replies of its leads of today, without their texts.
create policy broker_replies_select on app.replies
  for select to authenticated
  using (exists (select from app.leads l where l.id = lead_id and l.assigned_broker_id = (select auth.uid())));
create policy broker_reply_classifications_select on app.reply_classifications
  for select to authenticated
  using (exists (
    select
    from app.replies r
    join app.leads l on l.id = r.lead_id
    where r.id = reply_id and l.assigned_broker_id = (select auth.uid())
  ));
create policy broker_reply_answers_select on app.reply_answers
  for select to authenticated
  using (exists (select from app.leads l where l.id = lead_id and l.assigned_broker_id = (select auth.uid())));

grant select, insert on app.replies, app.reply_classifications, app.reply_answers, app.instantly_events to svc_replies;
grant update (
  lead_id, broker_id, campaign_id, value_hash, hash_key_id, matched_by, is_auto_reply, subject_ciphertext, text_ciphertext,
  other_ciphertext, text_hash, is_truncated, opt_out_rules, state, claimed_until, reclassify_requested_at, classification,
  intent, sentiment, confidence, classified_by, model, fallback_reason, is_call_requested, route, routed_at, account,
  vendor_email_id
) on app.replies to svc_replies;
grant update (
  state, reason, reply_to_email_id, account, vendor_email_id, subject_ciphertext, text_ciphertext, retry_at, claimed_at,
  claimed_until, sent_at, checked_at
) on app.reply_answers to svc_replies;
grant delete on app.instantly_events to svc_replies;
grant select (id, name) on app.personas to svc_replies;

grant select (
  id, lead_id, broker_id, campaign_id, source, sequence_step, matched_by, is_auto_reply, at, received_at, recorded_at, state,
  opt_out_rules, is_truncated, classification, intent, sentiment, confidence, classified_by, model, fallback_reason,
  is_call_requested, route, routed_at
) on app.replies to authenticated;
grant select (
  id, event_id, lead_id, broker_id, campaign_id, source, sequence_step, vendor_campaign_id, vendor_email_id, account,
  value_hash, hash_key_id, matched_by, is_auto_reply, at, received_at, recorded_at, is_truncated, opt_out_rules, state,
  reclassify_requested_at, classification, intent, sentiment, confidence, classified_by, model, fallback_reason,
  is_call_requested, route, routed_at
) on app.replies to equity_operator;
grant select on app.reply_classifications to authenticated, equity_operator;
grant select (
  id, reply_id, lead_id, broker_id, template, template_version, state, reason, created_at, retry_at, claimed_at, sent_at,
  checked_at
) on app.reply_answers to authenticated;
grant select (
  id, reply_id, lead_id, broker_id, template, template_version, state, reason, value_hash, hash_key_id, reply_to_email_id,
  account, vendor_email_id, created_at, retry_at, claimed_at, claimed_until, sent_at, checked_at
) on app.reply_answers to equity_operator;
grant select on app.instantly_events to equity_operator;

create function app.open_replies(by_access bigint, of_replies uuid[])
returns table (
  reply_id uuid, lead_id uuid, data_key bytea, subject_ciphertext bytea, text_ciphertext bytea, other_ciphertext bytea,
  answer_id uuid, answer_subject_ciphertext bytea, answer_text_ciphertext bytea
)
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Return the encrypted texts of replies and answers, if an earlier transaction of the same login logged the access to their
  -- leads. It is the only way of an operator to them.
  select
    r.id, r.lead_id, l.data_key, r.subject_ciphertext, r.text_ciphertext, r.other_ciphertext, w.id, w.subject_ciphertext,
    w.text_ciphertext
  from access_log a
  join replies r on r.id = any (of_replies) and r.lead_id = any (a.lead_ids)
  join leads l on l.id = r.lead_id
  left join reply_answers w on w.reply_id = r.id
  where a.id = by_access
  and a.login = session_user
  and a.reveals
  and a.at < now()
  and a.at > now() - interval '1 day'
$$;
revoke execute on function app.open_replies from public;
grant execute on function app.open_replies to equity_operator;
reset role;
