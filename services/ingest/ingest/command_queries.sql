-- Statements of ingest's commands, run with its role.

-- name: list_conflicts
-- row: ListedConflict
-- nullable: :kind
-- not null: property
select
  c.id, c.kind, c.lead_id, c.other_lead_id, c.column_name, c.value,
  case c.column_name
    when 'mak' then l.mak
    when 'apn_key' then l.apn_key
    when 'addr_hash' then encode(l.addr_hash, 'hex')
  end as lead_has,
  concat_ws(', ', concat_ws(' ', l.property_address, l.property_unit), l.property_city, l.property_state) as property,
  coalesce(nullif(concat_ws(' ', l.owner_first_name, l.owner_last_name), ''), l.company_name) as owner,
  concat_ws(', ', concat_ws(' ', o.property_address, o.property_unit), o.property_city, o.property_state) as other_property,
  coalesce(nullif(concat_ws(' ', o.owner_first_name, o.owner_last_name), ''), o.company_name) as other_owner,
  l.campaign_status as lead_status, b.name as broker,
  c.upload_id, c.row, c.created_at, c.resolved_at, c.resolved_by, c.resolution, c.note
from app.lead_conflicts c
join app.leads l on l.id = c.lead_id
left join app.leads o on o.id = c.other_lead_id
left join app.brokers b on b.id = l.assigned_broker_id
where (:with_resolved or c.resolved_at is null) and (:kind::text is null or c.kind = :kind)
order by c.id
limit :page_size;

-- name: resolve_conflict$
-- always a value
-- nullable: :note
select app.resolve_conflict(:conflict_id, :resolution, :by_whom, :note);

-- name: release_lead_of_conflict$
-- Resume the paused lead of a conflict. None where the lead is not paused.
select r.result
from app.lead_conflicts c
cross join lateral app.resume_leads(array[c.lead_id], 'conflict resolved') r
where c.id = :conflict_id
and r.result <> 'already';

-- name: find_outdated_data_keys
-- Lock the next leads whose data key is encrypted under another key than this.
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
-- row: OutdatedDataKey
-- not null: encrypted
-- type: :after LeadId
select id, data_key as encrypted
from app.leads
where id > :after
and data_key is not null
and substring(data_key from 3 for get_byte(data_key, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :page_size
for update;

-- name: save_data_keys!
update app.leads l
set data_key = s.encrypted
from unnest(:lead_ids::uuid[], :encrypted::bytea[]) as s (id, encrypted)
where l.id = s.id;

-- name: find_outdated_rejects
-- Lock the next rejected rows that are encrypted under another key than this.
-- row: OutdatedReject
select upload_id, row, row_encrypted as encrypted
from app.upload_rejects
where substring(row_encrypted from 3 for get_byte(row_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by upload_id, row
limit :page_size
for update;

-- name: lock_rejects
-- Lock the next rejected rows after one.
-- row: SearchedReject
select upload_id, row, row_encrypted as encrypted
from app.upload_rejects
where (upload_id, row) > (:upload_id, :row::integer)
order by upload_id, row
limit :page_size
for update;

-- name: save_rejects!
update app.upload_rejects r
set row_encrypted = s.encrypted
from unnest(:upload_ids::uuid[], :rows::integer[], :encrypted::bytea[]) as s (upload_id, row, encrypted)
where r.upload_id = s.upload_id
and r.row = s.row;

-- name: find_contact_sample^
-- Return one stored contact with its lead's data key, encrypted.
-- row: ContactSample
-- not null: data_key
select c.lead_id, c.channel, c.value_hash, c.value_ciphertext, l.data_key
from app.lead_contacts c
join app.leads l on l.id = c.lead_id
where c.hash_key_id = :hash_key_id
and l.data_key is not null
limit 1;
