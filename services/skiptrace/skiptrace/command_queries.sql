-- Statements of skiptrace's commands, run with its role.

-- name: find_outdated_lookups
-- Lock the next requests whose lookups are encrypted under another key than this.
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
-- row: OutdatedValue
-- not null: encrypted
select id, lookups_encrypted as encrypted
from app.skip_trace_requests
where id > :after
and lookups_encrypted is not null
and substring(lookups_encrypted from 3 for get_byte(lookups_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :page_size
for update;

-- name: save_lookups!
update app.skip_trace_requests r
set lookups_encrypted = s.encrypted
from unnest(:request_ids::uuid[], :encrypted::bytea[]) as s (id, encrypted)
where r.id = s.id;

-- name: find_outdated_responses
-- Lock the next requests whose response is encrypted under another key than this.
-- row: OutdatedValue
-- not null: encrypted
select id, response_encrypted as encrypted
from app.skip_trace_requests
where id > :after
and response_encrypted is not null
and substring(response_encrypted from 3 for get_byte(response_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :page_size
for update;

-- name: save_responses!
update app.skip_trace_requests r
set response_encrypted = s.encrypted
from unnest(:request_ids::uuid[], :encrypted::bytea[]) as s (id, encrypted)
where r.id = s.id;
