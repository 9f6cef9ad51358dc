-- Statements of the answers' sender. An answer has a lease while its email is looked for, and an intent (`sending`) before the call.

-- name: skip_late_answers!
-- Skip answers that waited too long: the person does not expect them any more.
update app.reply_answers
set state = 'skipped', reason = 'too_late', claimed_until = null, retry_at = null
where state = 'due'
and created_at <= now() - :max_age::interval
and (claimed_until is null or claimed_until <= now());

-- name: claim_due_answer^
-- Lease the answer that waits longest. Other replicas skip it until the lease ends.
-- row: DueAnswer
-- not null: claimed_until
with due as (
  select w.id
  from app.reply_answers w
  where w.state = 'due'
  and (w.retry_at is null or w.retry_at <= now())
  and (w.claimed_until is null or w.claimed_until <= now())
  order by coalesce(w.retry_at, w.created_at), w.id
  limit 1
  for update skip locked
)
update app.reply_answers w
set claimed_until = now() + :lease::interval
from due d
join app.reply_answers x on x.id = d.id
join app.replies r on r.id = x.reply_id
where w.id = d.id
returning
  w.id, w.reply_id, w.lead_id, w.template, w.template_version, w.value_hash, w.hash_key_id, w.claimed_until,
  coalesce(r.received_email_id, w.reply_to_email_id, r.vendor_email_id) as email_id, r.at as replied_at, r.is_auto_reply;

-- name: lock_lead!
-- Hold the lead's row, so that its answers are counted and its status is read at one moment.
select id
from app.leads
where id = :lead_id
for no key update;

-- name: lock_answer^
-- Hold a leased answer, and return the facts about it. None if the lease ended.
-- `recent_answers`: other answers to the lead in the last 24 hours.
-- row: AnswerFacts
-- not null: recent_answers
select
  l.data_key,
  b.name as broker_name,
  c.settings ->> 'postal_address' as postal_address,
  r.text_ciphertext,
  (
    select count(*)
    from app.reply_answers o
    where o.lead_id = w.lead_id
    and o.id <> w.id
    and o.claimed_at > now() - interval '24 hours'
    and o.state in ('sending', 'sent', 'unknown', 'skipped')
  ) as recent_answers
from app.reply_answers w
join app.replies r on r.id = w.reply_id
join app.leads l on l.id = w.lead_id
left join app.brokers b on b.id = l.assigned_broker_id
left join app.campaigns c on c.id = r.campaign_id
where w.id = :answer_id
and w.state = 'due'
and w.claimed_until = :claimed_until
and w.claimed_until > now()
for update of w;

-- name: start_sending$
-- Store the intent of the call. Return its time, which fences this attempt; None if the lease ended or the row changed.
update app.reply_answers
set
  state = 'sending', reason = null, retry_at = null, claimed_at = now(), claimed_until = now() + :lease::interval,
  reply_to_email_id = :email_id, account = :account, subject_ciphertext = :subject_ciphertext, text_ciphertext = :text_ciphertext
where id = :answer_id
and state = 'due'
and claimed_until = :claimed_until
and claimed_until > now()
returning claimed_at;

-- name: end_due_answer!
-- Refuse or skip an answer for which no call was made, unless its lease ended.
update app.reply_answers
set state = :state, reason = :reason, claimed_until = null, retry_at = null
where id = :answer_id
and state = 'due'
and claimed_until = :claimed_until;

-- name: release_due_answer!
-- Let an answer wait, for at least *delay* and longer the older it is.
update app.reply_answers
set
  reason = :reason, claimed_until = null,
  retry_at = now() + greatest(:delay::interval, least(interval '1 hour', (now() - created_at) / 4))
where id = :answer_id
and state = 'due'
and claimed_until = :claimed_until;

-- name: return_to_due!
-- Let an answer wait again whose call was certainly not executed.
update app.reply_answers
set
  state = 'due', reason = :reason, claimed_at = null, claimed_until = null,
  retry_at = now() + greatest(:delay::interval, least(interval '1 hour', (now() - created_at) / 4))
where id = :answer_id
and state = 'sending'
and claimed_at = :claimed_at;

-- name: mark_refused!
update app.reply_answers
set state = 'refused', reason = :reason, claimed_until = null
where id = :answer_id
and state in ('sending', 'unknown')
and claimed_at = :claimed_at;

-- name: mark_unknown!
update app.reply_answers
set state = 'unknown', reason = :reason, claimed_until = null, retry_at = now() + :delay::interval
where id = :answer_id
and state = 'sending'
and claimed_at = :claimed_at;

-- name: mark_sent^
-- Mark an answer as sent, and return what its event needs; None if it was marked before.
-- nullable: :vendor_email_id, :sent_at
-- row: SentAnswer
update app.reply_answers w
set
  state = 'sent', reason = null, claimed_until = null, retry_at = null, sent_at = coalesce(:sent_at, now()),
  vendor_email_id = :vendor_email_id
from app.replies r
where w.id = :answer_id
and w.claimed_at = :claimed_at
and w.state <> 'sent'
and r.id = w.reply_id
returning
  w.id, w.reply_id, w.lead_id, w.broker_id, w.template, w.template_version, w.value_hash, w.hash_key_id, w.vendor_email_id,
  r.campaign_id, r.sequence_step;

-- name: claim_unknown_answer^
-- Lease an answer to look it up: one whose call had no usable response, or whose sender died.
-- row: UnknownAnswer
-- not null: claimed_at, claimed_until, email_id, is_last_lookup
with due as (
  select w.id
  from app.reply_answers w
  where (w.state = 'unknown' and (w.retry_at is null or w.retry_at <= now()) or w.state = 'sending')
  and (w.claimed_until is null or w.claimed_until <= now())
  order by w.claimed_at, w.id
  limit 1
  for update skip locked
)
update app.reply_answers w
set state = 'unknown', reason = coalesce(w.reason, 'sender_lost'), claimed_until = now() + :lease::interval
from due d
where w.id = d.id
returning
  w.id, w.claimed_at, w.claimed_until, w.reply_to_email_id as email_id, w.value_hash,
  w.claimed_at <= now() - :longest::interval as is_last_lookup;

-- name: postpone_lookup!
-- Look the answer up again later: after *delay*, and less often the older it is.
update app.reply_answers
set
  claimed_until = null, checked_at = now(),
  retry_at = now() + greatest(:delay::interval, least(interval '1 hour', (now() - claimed_at) / 2))
where id = :answer_id
and state = 'unknown'
and claimed_until = :claimed_until;

-- name: give_up_answer!
-- Stop looking for an answer that was never found. It is not sent again: it may still have reached the person.
update app.reply_answers
set state = 'skipped', reason = 'not_found', claimed_until = null, retry_at = null, checked_at = now()
where id = :answer_id
and state = 'unknown'
and claimed_until = :claimed_until;

-- name: measure_answers
-- Count the answers that are not done, by state, with the age of the oldest.
-- row: OpenAnswers
-- not null: answers, oldest_seconds
select
  state, count(*) as answers,
  extract(epoch from now() - min(coalesce(claimed_at, created_at)))::double precision as oldest_seconds
from app.reply_answers
where state in ('due', 'sending', 'unknown')
group by state;
