-- Statements of the comparison with Instantly. Emails are assigned to replies under the lock of `lock_identity`.

-- name: list_known_emails
-- Return those of these emails at Instantly that belong to a reply already.
-- not null: received_email_id
select received_email_id
from app.replies
where received_email_id = any (:email_ids::text[]);

-- name: list_unpaired_replies
-- Return the replies of an address that belong to no email yet.
-- They are of this time, or name one of the emails.
-- row: UnpairedReply
select id, at, vendor_email_id, text_hash
from app.replies
where value_hash = :value_hash
and source = 'reply'
and received_email_id is null
and (at between :since and :until or vendor_email_id = any (:email_ids::text[]))
order by at, id;

-- name: assign_emails!
-- Record which email each reply is.
update app.replies r
set received_email_id = p.email_id
from unnest(:reply_ids::uuid[], :email_ids::text[]) as p (reply_id, email_id)
where r.id = p.reply_id
and r.received_email_id is null;

-- name: find_assigned_email$
-- Return the email that a reply is, if it is certain.
select received_email_id
from app.replies
where id = :reply_id;

-- name: list_reconciled_replies
-- Return the replies of an address that the comparison found before their webhooks came, around a time.
-- row: ReconciledReply
-- nullable: :named_email_id
-- not null: received_email_id
select id, at, received_email_id, text_hash
from app.replies
where value_hash = :value_hash
and found_by = 'reconciliation'
and late_event_id is null
and received_email_id is not null
and (at between :since and :until or received_email_id = :named_email_id)
order by at, id;

-- name: link_late_webhook!
-- Record the webhook that came after the comparison had found the reply.
update app.replies
set late_event_id = :event_id
where id = :reply_id
and late_event_id is null;

-- name: is_webhook_linked$
-- Return whether a webhook was linked to a reply before.
-- always a value
select exists (
  select from app.replies where late_event_id = :event_id
);

-- name: claim_missing_content^
-- Lease the oldest reply of which only a stub came. The lease is also the wait before the next attempt.
-- row: MissingContent
-- not null: value_hash, is_old
with due as (
  select id
  from app.replies
  where state = 'content_missing'
  and value_hash is not null
  and (claimed_until is null or claimed_until <= now())
  order by claimed_until nulls first, recorded_at
  limit 1
  for update skip locked
)
update app.replies r
set claimed_until = now() + :lease::interval
from due d
where r.id = d.id
returning
  r.id, r.value_hash, r.at, coalesce(r.received_email_id, r.vendor_email_id) as email_id,
  r.recorded_at <= now() - :longest::interval as is_old;

-- name: assign_email$
-- Record which email a reply is, unless another reply is it. Return the reply's id.
update app.replies r
set received_email_id = :email_id
where r.id = :reply_id
and (r.received_email_id is null or r.received_email_id = :email_id)
and not exists (select from app.replies o where o.received_email_id = :email_id and o.id <> r.id)
returning r.id;

-- name: create_progress!
-- Begin the comparison a while before the first start, once.
insert into app.email_reconciliation (checked_until)
values (now() - :reach::interval)
on conflict do nothing;

-- name: claim_comparison^
-- Lease the comparison if it is due. Other replicas skip it until the lease ends.
-- row: Comparison
-- not null: claimed_until, ready_before
update app.email_reconciliation
set claimed_until = now() + :lease::interval
where (claimed_until is null or claimed_until <= now())
and (completed_at is null or completed_at <= now() - :every::interval)
returning checked_until, claimed_until, now() - :grace::interval as ready_before;

-- name: advance_comparison$
-- Record a page, and extend the lease. Return the end of the lease; None if it ended before.
-- not null: claimed_until
update app.email_reconciliation
set
  checked_until = greatest(checked_until, :checked_until), claimed_until = now() + :lease::interval, found = found + :found
where claimed_until = :claimed_until
and claimed_until > now()
returning claimed_until;

-- name: complete_comparison!
update app.email_reconciliation
set checked_until = greatest(checked_until, :checked_until), claimed_until = null, completed_at = now()
where claimed_until = :claimed_until;

-- name: release_comparison!
update app.email_reconciliation
set claimed_until = null
where claimed_until = :claimed_until;

-- name: request_comparison!
-- Let the next comparison begin at once.
update app.email_reconciliation
set completed_at = null;

-- name: measure_comparison$
-- Return the seconds since the time until which emails were compared; 0 before the first start.
-- always a value
select coalesce((select extract(epoch from now() - checked_until) from app.email_reconciliation), 0)::double precision;
