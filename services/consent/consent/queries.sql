-- Statements of the consent service, which logs in as `svc_consent`.

-- name: read_contact_hashes
-- Return the addresses and numbers of a lead.
-- row: ContactHash
select channel, value_hash, hash_key_id
from app.lead_contacts
where lead_id = :lead_id
order by channel, value_hash;

-- name: find_leads_with_value
-- Return the leads that have an address or number.
select lead_id
from app.lead_contacts
where channel = :channel
and value_hash = :value_hash
order by lead_id;

-- name: list_leads
-- row: ConcernedLead
select id, assigned_broker_id, lead_version
from app.leads
where id = any (:lead_ids)
order by id;

-- name: unsubscribe_leads
-- Change the status of leads to `unsubscribed`. A lead whose status is final stays as it is: the suppression refuses it anyway.
-- not null: result
select result
from app.transition_lead(:lead_ids::uuid[], 'unsubscribed', 'opt_out');

-- name: list_ended_consents
-- Return the rows of proof that this transaction wrote about these numbers and leads.
-- row: EndedConsent
select a.id, a.lead_id, a.seq, a.action, a.value_hash, a.hash_key_id, a.row_hash, l.assigned_broker_id
from app.lead_consent_audit a
join app.leads l on l.id = a.lead_id
where (a.value_hash = any (:value_hashes::bytea[]) or a.lead_id = any (:lead_ids::uuid[]))
and a.action in ('withdrawn', 'voided')
and a.recorded_at = now()
order by a.id;

-- name: has_withdrawn$
-- Return whether the person withdrew all consents of a lead and signed nothing since. Pressing the button again says nothing new.
-- always a value
select exists (
  select
  from app.lead_consent_audit w
  where w.lead_id = :lead_id
  and w.action = 'withdrawn'
  and w.value_hash is null
  and not exists (
    select from app.lead_consent_audit g where g.lead_id = w.lead_id and g.action = 'granted' and g.at > w.at
  )
);
