-- Statements of the score.

-- name: read_facts_to_score
-- Return the facts of leads, with the numbers of phones and emails that were not ruled out.
-- The numbers of those that are verified are part of them.
-- row: FactsToScore
-- not null: phones, emails, verified_phones, verified_emails
-- role: ingest, feeder
select
  l.id, l.est_value, l.est_equity, l.est_ltv, l.open_loans, l.open_loan_balance, l.owner_occupied, l.vacant, l.last_sale_date,
  l.deceased_owner, l.do_not_mail, l.litigator, coalesce(c.phones, 0) as phones, coalesce(c.emails, 0) as emails,
  coalesce(c.verified_phones, 0) as verified_phones, coalesce(c.verified_emails, 0) as verified_emails
from app.leads l
left join (
  select
    lead_id,
    count(*) filter (where channel = 'phone') as phones,
    count(*) filter (where channel = 'email') as emails,
    count(*) filter (where channel = 'phone' and verified) as verified_phones,
    count(*) filter (where channel = 'email' and verified) as verified_emails
  from app.lead_contacts
  where lead_id = any (:lead_ids::uuid[])
  and verified is not false
  group by lead_id
) c on c.lead_id = l.id
where l.id = any (:lead_ids::uuid[]);
