-- Statements of `equity suppressions`, run with the role of operators.
-- role: operator
-- json: decoded

-- name: list_suppressions
-- List the newest suppressions. Each filter that is null selects all. `added_by` and `lifted_by`: operators.
-- row: ListedSuppression
-- nullable: :channel, :reason, :value_hash
-- not null: value_hash, is_active
select s.id, s.channel, s.reason, encode(s.value_hash, 'hex') as value_hash, s.hash_key_id, s.lead_id, s.at,
  s.lifted_at is null as is_active, s.lifted_at, a.actor as added_by, a.note as added_note,
  coalesce(l.actor, case when s.lifted_by is not null then 'signature' end) as lifted_by, l.note as lift_note
from app.suppressions s
left join app.suppression_changes a on a.suppression_id = s.id and a.action = 'added'
left join app.suppression_changes l on l.id = s.lifted_by_change
where (:channel::text is null or s.channel = :channel)
and (:reason::text is null or s.reason = :reason)
and (:value_hash::bytea is null or s.value_hash = :value_hash)
and (:with_lifted or s.lifted_at is null)
order by s.at desc, s.id desc
limit :page_size;

-- name: add_suppressions
-- row: AddedSuppression
-- not null: value_hash, suppression_id, is_new
select value_hash, suppression_id, is_new
from app.add_suppressions(:channel, :value_hashes, :hash_key_id, :reason, :actor, :note);

-- name: lift_suppression$
-- Lift an entry of operators. Return `lifted`, or why not.
-- always a value
select app.lift_suppression(:suppression_id, :actor, :note);

-- name: list_leads_with_values
-- Return the leads that have one of the values.
-- row: LeadWithValue
select c.value_hash, l.id, l.lead_version, l.assigned_broker_id
from app.lead_contacts c
join app.leads l on l.id = c.lead_id
where c.channel = :channel
and c.value_hash = any (:value_hashes::bytea[])
order by l.id, c.value_hash;

-- name: count_ended_memberships$
-- Count the leads that this transaction asked to leave a campaign because of their address.
-- always a value
select count(*)
from app.vendor_memberships
where value_hash = any (:value_hashes::bytea[])
and desired = 'out'
and changed_at = now();
