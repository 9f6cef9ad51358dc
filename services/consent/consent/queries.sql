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

-- name: is_withdrawal_new$
-- Return whether a withdrawal of all consents of a lead says something new.
-- It does not where the last act was a withdrawal too, unless a form is open: a signature of it may be under way, which is not visible
-- yet, and only a withdrawal with a later time ends it.
-- always a value
select exists (
  select
  from app.consent_tokens t
  where t.lead_id = :lead_id
  and t.used_at is null
  and t.created_at > now() - interval '7 days'
)
or not exists (
  select
  from app.lead_consent_audit w
  where w.lead_id = :lead_id
  and w.action = 'withdrawn'
  and w.value_hash is null
  and not exists (
    select from app.lead_consent_audit g where g.lead_id = w.lead_id and g.action = 'granted' and g.at > w.at
  )
);

-- name: read_form^
-- Return the facts from which the form of a lead is made.
-- The best number of the lead is the chosen one, else the first verified one.
-- row: FormFacts
select
  l.id as lead_id, l.data_key, b.id as broker_id, b.legal_name, b.active, t.version as text_version, t.text,
  k.value_ciphertext as number_ciphertext
from app.leads l
left join app.brokers b on b.id = l.assigned_broker_id
left join lateral (select x.version, x.text from app.consent_texts x order by x.version desc limit 1) t on true
left join lateral (
  select c.value_ciphertext
  from app.lead_contacts c
  where c.lead_id = l.id
  and c.channel = 'phone'
  order by (c.value_hash = l.phone_hash) is true desc, c.verified is true desc, c.rank, c.value_hash
  limit 1
) k on true
where l.id = :lead_id;

-- name: has_text$
-- Return whether a text is published.
-- always a value
select exists (select from app.consent_texts);

-- name: issue_token$
-- Issue a token of the lead's form. The oldest unused one makes room for it.
-- always a value
select app.issue_consent_token(:lead_id, :nonce_hash);

-- name: find_token^
-- row: IssuedToken
-- not null: lead_id
select lead_id, nonce_hash, used_at
from app.consent_tokens
where id = :token_id
and lead_id is not null;

-- name: use_token$
-- Mark a token as used. Return its id; None if it was used already.
update app.consent_tokens
set used_at = now()
where id = :token_id
and used_at is null
returning id;

-- name: find_signature^
-- Return the signature that used a token.
-- row: RecordedSignature
-- not null: value_hash
select a.value_hash, a.signer_ciphertext, a.signer_hash, b.legal_name
from app.lead_consent_audit a
join app.brokers b on b.id = a.broker_id
where a.token_id = :token_id
and a.action = 'granted';

-- name: find_known_number$
-- Return whether the lead has the number.
-- always a value
select exists (
  select from app.lead_contacts where lead_id = :lead_id and channel = 'phone' and value_hash = :value_hash
);

-- name: grant_consent^
-- Record a signature.
-- row: GrantedConsent
-- always one row
-- not null: audit_id, seq, row_hash, covers, covers[], lifted
select audit_id, seq, row_hash, covers, lifted
from app.grant_consent(
  :lead_id, :value_hash, :hash_key_id, :broker_id, :text_version, :token_id, 'form', :signed_at, :text_hash, :page_hash, :page,
  :signer_hash, :signer
);

-- name: list_lifted_suppressions
-- Return the opt-outs that a signature lifted.
select s.id
from app.suppressions s
join app.lead_consent_audit a on a.id = s.lifted_by
where a.lead_id = :lead_id
and s.value_hash = :value_hash
and s.lifted_at = :signed_at
order by s.id;

-- name: mark_replied
-- Change the status of a lead that signed to `replied`. A lead that opted out of emails, or has a final status, keeps it.
-- not null: result
select result
from app.transition_lead(array[:lead_id]::uuid[], 'replied', 'consent_granted');

-- name: read_home^
-- Return the keys by which ingest finds the lead again.
-- row: LeadHome
select
  mak, apn, property_address, property_unit, property_city, property_state, property_zip, fips, county, assigned_broker_id
from app.leads
where id = :lead_id;

-- name: find_verified_email$
-- Return the encrypted verified address of a lead: the chosen one, else the first. None if it has none.
select c.value_ciphertext
from app.lead_contacts c
join app.leads l on l.id = c.lead_id
where c.lead_id = :lead_id
and c.channel = 'email'
and c.verified
order by (c.value_hash = l.email_hash) is true desc, c.rank, c.value_hash
limit 1;
