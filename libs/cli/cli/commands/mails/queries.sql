-- Statements of `equity mails`, run with the role of operators. No grant covers the content.
-- role: operator
-- json: decoded

-- name: list_mails
-- List the newest mails. Each filter that is null selects all.
-- row: ListedMail
-- nullable: :state, :lead_id
select m.id, m.service, m.lead_id, m.template, m.template_version, m.state, m.reason, m.attempts, m.retry_at, m.message_id,
  encode(m.value_hash, 'hex') as value_hash, m.created_at, m.sending_at, m.finished_at
from app.mails m
where (:state::text is null or m.state = :state)
and (:lead_id::uuid is null or m.lead_id = :lead_id)
order by m.created_at desc, m.id
limit :page_size;

-- name: find_mail^
-- row: ListedMail
select m.id, m.service, m.lead_id, m.template, m.template_version, m.state, m.reason, m.attempts, m.retry_at, m.message_id,
  encode(m.value_hash, 'hex') as value_hash, m.created_at, m.sending_at, m.finished_at
from app.mails m
where m.id = :mail_id;

-- name: retry_mail$
-- Queue a mail again. Return `retried`, or why not.
-- always a value
select app.retry_mail(:mail_id, :even_unknown);
