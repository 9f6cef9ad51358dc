-- Statements of the replies service, which logs in as `svc_replies`.

-- name: find_matches
-- Return the leads that have the address. First comes the one that a webhook names, then members of its campaign, then the newest.
-- row: Match
-- nullable: :named_lead_id, :vendor_campaign_id
-- type: :named_lead_id LeadId
-- type: id LeadId
-- not null: is_named
select l.id, l.assigned_broker_id, l.data_key, coalesce(l.id = :named_lead_id, false) as is_named
from app.lead_contacts c
join app.leads l on l.id = c.lead_id
where c.channel = 'email'
and c.value_hash = :value_hash
order by
  coalesce(l.id = :named_lead_id, false) desc,
  exists (
    select
    from app.vendor_memberships m
    join app.campaigns k on k.id = m.campaign_id
    where m.lead_id = l.id and m.value_hash = c.value_hash and k.vendor_campaign_id = :vendor_campaign_id
  ) desc,
  l.added_to_campaign_at desc nulls last,
  l.id;

-- name: read_named_lead
-- Return the lead that a webhook names by its id, without a proof by its address.
-- row: Match
-- not null: is_named
select id, assigned_broker_id, data_key, true as is_named
from app.leads
where id = :lead_id;

-- name: lock_leads
-- Lock leads in the order of their ids, and return them as they are then.
-- row: RoutedLead
select id, assigned_broker_id, lead_version
from app.leads
where id = any (:lead_ids)
order by id
for no key update;

-- name: find_campaign^
-- row: CampaignTexts
select id, version, sequence, settings ->> 'postal_address' as postal_address
from app.campaigns
where vendor_campaign_id = :vendor_campaign_id
order by id
limit 1;

-- name: find_campaign_id$
select id
from app.campaigns
where vendor_campaign_id = :vendor_campaign_id
order by id
limit 1;

-- name: list_recent_campaigns
-- Return campaigns whose texts a reply may quote, where the webhook names none of ours.
-- row: CampaignTexts
select id, version, sequence, settings ->> 'postal_address' as postal_address
from app.campaigns
where vendor_campaign_id is not null
order by synced_at desc nulls last, id
limit :page_size;

-- name: insert_reply$
-- Insert a reply, once for each webhook. Return its id, or nothing if it is known.
-- nullable: :lead_id, :broker_id, :campaign_id, :sequence_step, :vendor_campaign_id, :vendor_email_id, :account, :value_hash, :hash_key_id, :matched_by, :subject_ciphertext, :text_ciphertext, :other_ciphertext, :text_hash, :received_email_id
insert into app.replies (
  id, event_id, lead_id, broker_id, campaign_id, source, sequence_step, vendor_campaign_id, vendor_email_id, account, value_hash,
  hash_key_id, matched_by, is_auto_reply, at, received_at, subject_ciphertext, text_ciphertext, other_ciphertext, text_hash,
  is_truncated, opt_out_rules, state, received_email_id, found_by
)
values (
  :reply_id, :event_id, :lead_id, :broker_id, :campaign_id, :source, :sequence_step, :vendor_campaign_id, :vendor_email_id, :account,
  :value_hash, :hash_key_id, :matched_by, :is_auto_reply, :at, :received_at, :subject_ciphertext, :text_ciphertext,
  :other_ciphertext, :text_hash, :is_truncated, :opt_out_rules, :state, :received_email_id,
  case when :received_email_id::text is null then 'webhook' else 'reconciliation' end
)
on conflict (event_id) do nothing
returning id;

-- name: store_content$
-- Store the content of a reply of which only a stub had come. Return its id, or nothing if it has its content.
-- nullable: :subject_ciphertext, :text_ciphertext, :other_ciphertext, :text_hash
update app.replies
set
  subject_ciphertext = :subject_ciphertext,
  text_ciphertext = :text_ciphertext,
  other_ciphertext = :other_ciphertext,
  text_hash = :text_hash,
  is_truncated = :is_truncated,
  is_auto_reply = :is_auto_reply,
  opt_out_rules = :opt_out_rules,
  state = 'received',
  claimed_until = null
where id = :reply_id
and state = 'content_missing'
returning id;

-- name: lock_reply^
-- Lock a reply, and return what routing needs.
-- row: RoutedReply
select
  id, event_id, lead_id, campaign_id, source, sequence_step, vendor_email_id, account, value_hash, hash_key_id, is_auto_reply, at,
  state, classification, intent, route, reclassify_requested_at
from app.replies
where id = :reply_id
for update;

-- name: read_reply^
-- Return what routing needs of a reply, without a lock.
-- row: RoutedReply
-- always one row
select
  id, event_id, lead_id, campaign_id, source, sequence_step, vendor_email_id, account, value_hash, hash_key_id, is_auto_reply, at,
  state, classification, intent, route, reclassify_requested_at
from app.replies
where id = :reply_id;

-- name: find_last_reply$
-- Return the last reply of a lead to which a label can belong.
select id
from app.replies
where lead_id = :lead_id
and source = 'reply'
and at > :since
order by at desc, id desc
limit 1;

-- name: has_active_consent$
-- Return whether the person consented to calls of the broker, and nothing ended that.
-- always a value
select exists (
  select
  from app.lead_consent_audit g
  where g.lead_id = :lead_id
  and g.broker_id = :broker_id
  and g.action = 'granted'
  and 'calls' = any (g.covers)
  and not exists (
    select
    from app.lead_consent_audit w
    where w.lead_id = g.lead_id
    and w.action in ('withdrawn', 'voided')
    and (w.value_hash is null or w.value_hash = g.value_hash)
    and w.at >= g.at
  )
  and not exists (select from app.owner_changes o where o.lead_id = g.lead_id and o.at >= g.at)
  and not exists (select from app.active_suppressions s where s.channel = 'phone' and s.value_hash = g.value_hash)
);

-- name: transition_leads!
select result
from app.transition_lead(:lead_ids::uuid[], :to_status::app.campaign_status, :reason);

-- name: note_reply!
-- Set the time of the lead's last reply, never backwards.
update app.leads
set last_reply_at = :at
where id = :lead_id
and (last_reply_at is null or last_reply_at < :at);

-- name: count_answers$
-- Return the automatic answers of a lead in the last 24 hours, sent or about to be.
-- always a value
select count(*)
from app.reply_answers
where lead_id = :lead_id
and created_at > now() - interval '24 hours'
and state in ('due', 'sending', 'sent', 'unknown');

-- name: insert_answer!
-- Write the intent of an answer. A reply has at most one. One that a later classification skipped becomes due again.
-- nullable: :broker_id, :reason, :reply_to_email_id, :account
insert into app.reply_answers (
  id, reply_id, lead_id, broker_id, template, template_version, state, reason, value_hash, hash_key_id, reply_to_email_id, account
)
values (
  :answer_id, :reply_id, :lead_id, :broker_id, :template, :template_version, :state, :reason, :value_hash, :hash_key_id,
  :reply_to_email_id, :account
)
on conflict (reply_id) do update set state = excluded.state, reason = excluded.reason
where reply_answers.state = 'skipped' and reply_answers.reason = 'reclassified';

-- name: find_answer_state$
-- Return the state of the answer to a reply, and lock it.
select state
from app.reply_answers
where reply_id = :reply_id
for update;

-- name: skip_answer!
-- Skip the answer to a reply that now has another meaning, unless it was sent or may have been.
update app.reply_answers
set state = 'skipped', reason = 'reclassified'
where reply_id = :reply_id
and state = 'due';

-- name: insert_classification!
-- nullable: :sentiment, :confidence, :model, :fallback_reason
insert into app.reply_classifications (
  reply_id, classification, intent, sentiment, confidence, classified_by, model, fallback_reason, is_call_requested, route
)
values (
  :reply_id, :classification, :intent, :sentiment, :confidence, :classified_by, :model, :fallback_reason, :is_call_requested,
  :route
);

-- name: save_route!
-- nullable: :sentiment, :confidence, :model, :fallback_reason
update app.replies
set
  state = 'routed',
  classification = :classification,
  intent = :intent,
  sentiment = :sentiment,
  confidence = :confidence,
  classified_by = :classified_by,
  model = :model,
  fallback_reason = :fallback_reason,
  is_call_requested = :is_call_requested,
  route = :route,
  routed_at = now(),
  claimed_until = null,
  reclassify_requested_at = null
where id = :reply_id;

-- name: end_reclassification!
-- Keep the classification of a reply as it is.
update app.replies
set reclassify_requested_at = null, claimed_until = null
where id = :reply_id;

-- name: has_other_address
-- Return those of the leads that have another verified address which is not suppressed.
select l.id
from app.leads l
where l.id = any (:lead_ids)
and exists (
  select
  from app.lead_contacts c
  where c.lead_id = l.id
  and c.channel = 'email'
  and c.verified
  and c.value_hash <> :value_hash
  and not exists (
    select from app.active_suppressions s where s.channel = 'email' and s.value_hash = c.value_hash
  )
);

-- name: advance_steps
-- Set the steps that leads have received, never backwards. Return the leads of the webhooks that named a known one.
-- row: RoutedLead
update app.leads l
set current_sequence_step = greatest(l.current_sequence_step, w.step)
from (
  select u.lead_id, max(u.step) as step
  from unnest(:lead_ids::uuid[], :steps::integer[]) u (lead_id, step)
  group by u.lead_id
) w
where l.id = w.lead_id
and l.current_sequence_step < w.step
returning l.id, l.assigned_broker_id, l.lead_version;

-- name: find_leads_of_addresses
-- Return the leads that have one of the addresses.
-- row: AddressedLead
select c.value_hash, l.id, l.assigned_broker_id, l.lead_version
from app.lead_contacts c
join app.leads l on l.id = c.lead_id
where c.channel = 'email'
and c.value_hash = any (:value_hashes)
order by l.id;

-- name: find_campaign_ids
-- row: CampaignOfWebhook
select id, vendor_campaign_id
from app.campaigns
where vendor_campaign_id = any (:vendor_campaign_ids);

-- name: insert_events!
-- nullable: :lead_ids[], :vendor_campaign_ids[], :vendor_email_ids[]
insert into app.instantly_events (event_id, type, outcome, lead_id, vendor_campaign_id, vendor_email_id, at, received_at)
select u.event_id, u.type, u.outcome, u.lead_id, u.vendor_campaign_id, u.vendor_email_id, u.at, u.received_at
from unnest(
  :event_ids::uuid[], :types::text[], :outcomes::text[], :lead_ids::uuid[], :vendor_campaign_ids::text[],
  :vendor_email_ids::text[], :ats::timestamptz[], :received_ats::timestamptz[]
) u (event_id, type, outcome, lead_id, vendor_campaign_id, vendor_email_id, at, received_at)
on conflict do nothing;

-- name: delete_old_events!
-- Delete events that are older than 400 days, a page at a time. Return their number.
delete from app.instantly_events
where event_id in (
  select e.event_id
  from app.instantly_events e
  where e.at < now() - interval '400 days'
  order by e.at
  limit :page_size
);

-- name: claim_replies
-- Lease the oldest replies that wait for a classification.
update app.replies
set claimed_until = now() + make_interval(secs => :lease_seconds)
where id in (
  select r.id
  from app.replies r
  where (r.state = 'received' or r.reclassify_requested_at is not null)
  and r.state <> 'content_missing'
  and (r.claimed_until is null or r.claimed_until < now())
  order by r.recorded_at
  limit :page_size
  for update skip locked
)
returning id;

-- name: renew_leases!
-- Extend the leases of replies that have no route yet.
update app.replies
set claimed_until = now() + make_interval(secs => :lease_seconds)
where id = any (:reply_ids::uuid[])
and claimed_until > now();

-- name: read_claimed_replies
-- row: ClaimedReply
select
  r.id, r.lead_id, r.is_auto_reply, r.subject_ciphertext, r.text_ciphertext, r.other_ciphertext, l.data_key, l.owner_first_name,
  l.owner_last_name, l.owner2_first_name, l.owner2_last_name, l.company_name, p.name as persona_name
from app.replies r
left join app.leads l on l.id = r.lead_id
left join app.campaigns k on k.id = r.campaign_id
left join app.personas p on p.id = k.persona_id
where r.id = any (:reply_ids)
order by r.recorded_at;

-- name: measure_replies^
-- Return what the alerts need. That is the age of the oldest reply that waits, and the decisions of the last hour.
-- row: ReplyFigures
-- always one row
-- not null: oldest_seconds, waiting, model_decisions, fallbacks
select
  coalesce(
    extract(epoch from now() - min(r.recorded_at) filter (where r.state in ('received', 'content_missing'))), 0
  )::double precision as oldest_seconds,
  count(*) filter (where r.state in ('received', 'content_missing')) as waiting,
  count(*) filter (where r.routed_at > now() - interval '1 hour' and r.classified_by = 'model') as model_decisions,
  count(*) filter (
    where r.routed_at > now() - interval '1 hour'
    and r.fallback_reason is not null
    and r.fallback_reason not in ('no_key', 'instructions', 'no_text')
  ) as fallbacks
from app.replies r
where r.state in ('received', 'content_missing')
or r.routed_at > now() - interval '1 hour';

-- name: measure_reply_rate^
-- Return the leads that entered campaigns from 21 to 7 days ago, and those of them whose person has replied.
-- row: ReplyRate
-- always one row
-- not null: fed, replied
select count(*) as fed, count(*) filter (where last_reply_at is not null) as replied
from app.leads
where added_to_campaign_at between now() - interval '21 days' and now() - interval '7 days'
and current_sequence_step > 0;

-- name: list_unpublished_webhooks
-- Return webhooks that wait in the gateway's outbox and that this service has not handled.
-- row: UnpublishedWebhook
-- not null: id, headers, created_at
select id, key, headers, body, created_at
from app.list_unpublished_replies(:older_than, :after_id, :page_size);
