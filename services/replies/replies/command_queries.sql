-- Statements of `equity replies`, run as an operator. A new classification is requested as the service.
-- json: decoded

-- name: has_lead$
-- Return whether there is such a lead.
-- role: operator
-- always a value
select exists (select from app.leads where id = :lead_id);

-- name: list_replies
-- Return the newest replies that fit all conditions.
-- row: ListedReply
-- role: operator
-- nullable: :lead_id, :broker_id, :intent, :route, :state, :since
select
  r.id, r.lead_id, b.name as broker, r.at, r.state, r.intent, r.route, r.classified_by, r.confidence, r.fallback_reason, r.source,
  r.is_auto_reply, w.state as answer
from app.replies r
left join app.brokers b on b.id = r.broker_id
left join app.reply_answers w on w.reply_id = r.id
where (:lead_id::uuid is null or r.lead_id = :lead_id)
and (:broker_id::uuid is null or r.broker_id = :broker_id)
and (:intent::text is null or r.intent = :intent)
and (:route::text is null or r.route = :route)
and (:state::text is null or r.state = :state)
and (:since::timestamptz is null or r.recorded_at >= :since)
order by r.recorded_at desc, r.id desc
limit :page_size;

-- name: find_reply^
-- row: ShownReply
-- role: operator
select
  r.id, r.lead_id, b.name as broker, r.source, r.matched_by, r.is_auto_reply, r.at, r.received_at, r.recorded_at, r.sequence_step,
  r.vendor_email_id, r.account, r.state, r.opt_out_rules, r.is_truncated, r.classification, r.intent, r.sentiment, r.confidence,
  r.classified_by, r.model, r.fallback_reason, r.is_call_requested, r.route, r.routed_at, r.reclassify_requested_at
from app.replies r
left join app.brokers b on b.id = r.broker_id
where r.id = :reply_id;

-- name: list_classifications
-- Return the classifications of a reply, the first one first.
-- row: PastClassification
-- role: operator
select classification, at, intent, sentiment, confidence, classified_by, model, fallback_reason, is_call_requested, route
from app.reply_classifications
where reply_id = :reply_id
order by classification;

-- name: find_answer^
-- row: ShownAnswer
-- role: operator
select id, template, template_version, state, reason, created_at, claimed_at, sent_at, checked_at
from app.reply_answers
where reply_id = :reply_id;

-- name: open_replies
-- Return the encrypted texts of a reply and of its answer, for an access that is logged and committed.
-- row: OpenedReply
-- role: operator
-- not null: reply_id, lead_id
select
  reply_id, lead_id, data_key, subject_ciphertext, text_ciphertext, other_ciphertext, answer_id, answer_subject_ciphertext,
  answer_text_ciphertext
from app.open_replies(:access_id, :reply_ids::uuid[]);

-- name: count_replies
-- Return the number of replies since a time, by intent, origin of the decision and route.
-- row: ReplyCount
-- role: operator
-- nullable: :since
-- not null: replies
select r.intent, r.classified_by, r.route, r.fallback_reason, count(*) as replies
from app.replies r
where :since::timestamptz is null
or r.recorded_at >= :since
group by 1, 2, 3, 4
order by 5 desc, 1, 2, 3, 4;

-- name: request_reclassification
-- Request a new classification of replies whose text is kept, and return them. An opt-out stays.
-- role: replies
-- nullable: :reply_ids, :since
update app.replies
set reclassify_requested_at = now()
where state = 'routed'
and text_ciphertext is not null
and source = 'reply'
and route not in ('opt_out', 'wrong_person')
and (:reply_ids::uuid[] is null or id = any (:reply_ids))
and (:since::timestamptz is null or recorded_at >= :since)
and (not :only_fallbacks::boolean or fallback_reason is not null)
returning id;
