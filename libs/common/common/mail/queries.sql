-- Statements of the mailer, run by the service that queues and sends the mails. The policies of app.mails show a service its
-- own mails only.
-- role: consent, voice

-- name: read_data_key$
-- Return the wrapped data key of a lead; None if it was erased or has no contacts.
select data_key
from app.leads
where id = :lead_id;

-- name: insert_mail!
-- nullable: :broker_id
insert into app.mails (
  id, lead_id, broker_id, template, template_version, value_hash, hash_key_id, content_ciphertext
)
values (
  :mail_id, :lead_id, :broker_id, :template, :template_version, :value_hash, :hash_key_id, :content_ciphertext
);

-- name: claim_mail^
-- Lease the mail that waits longest. Another replica skips it until the lease ends.
-- row: ClaimedMail
with due as (
  select m.id
  from app.mails m
  where m.state = 'queued'
  and m.retry_at <= now()
  and m.queued_at > now() - :max_age::interval
  and (m.claimed_until is null or m.claimed_until < now())
  order by m.retry_at, m.id
  limit 1
  for update skip locked
)
update app.mails m
set claim_id = :claim_id, claimed_until = now() + :lease::interval, attempts = m.attempts + 1
from due d
join app.mails w on w.id = d.id
join app.leads l on l.id = w.lead_id
where m.id = d.id
returning m.id, m.lead_id, m.broker_id, m.template, m.template_version, m.value_hash, m.hash_key_id, m.content_ciphertext,
  m.attempts, l.data_key;

-- name: start_sending$
-- Mark a claimed mail as about to be sent. Return its Message-ID; None where another attempt has it by now.
update app.mails
set state = 'sending', sending_at = now(), claimed_until = now() + :lease::interval, reason = null,
  message_id = coalesce(message_id, :message_id)
where id = :mail_id
and claim_id = :claim_id
and state = 'queued'
and claimed_until > now()
returning message_id;

-- name: finish_mail!
-- Record the result of an attempt that still has the mail. A late answer replaces `unknown`.
-- nullable: :reason
update app.mails
set state = :state, reason = :reason, finished_at = now(), claimed_until = null
where id = :mail_id
and claim_id = :claim_id
and state in ('queued', 'sending', 'unknown');

-- name: requeue_mail!
-- Let a mail wait for its next attempt: nothing of it was sent.
update app.mails
set state = 'queued', reason = :reason, retry_at = now() + :delay::interval, claimed_until = null, sending_at = null,
  finished_at = null
where id = :mail_id
and claim_id = :claim_id
and state in ('queued', 'sending', 'unknown');

-- name: mark_lost_mails_unknown!
-- Mark mails whose sender died while the content may have reached the server.
update app.mails
set state = 'unknown', reason = 'sender_lost', finished_at = now(), claimed_until = null
where state = 'sending'
and claimed_until < now();

-- name: expire_mails!
-- Refuse mails that could not be sent for too long.
update app.mails
set state = 'refused', reason = 'expired', finished_at = now(), claimed_until = null
where state = 'queued'
and queued_at <= now() - :max_age::interval
and (claimed_until is null or claimed_until < now());

-- name: measure_mails^
-- Count the mails that wait and those of the last day whose result is not known.
-- row: MailCounts
-- not null: waiting, oldest_seconds, unknown
-- always one row
select
  (select count(*) from app.mails where state in ('queued', 'sending')) as waiting,
  (
    select coalesce(extract(epoch from now() - min(queued_at)), 0)::double precision
    from app.mails
    where state in ('queued', 'sending')
  ) as oldest_seconds,
  (select count(*) from app.mails where state = 'unknown' and finished_at > now() - interval '1 day') as unknown;
