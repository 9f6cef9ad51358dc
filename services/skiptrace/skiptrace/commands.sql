-- Statements of skiptrace's commands, run with its role.

-- name: find_outdated_lookups(key_id, after, limit)
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
select id, lookups_encrypted as encrypted
from app.skip_trace_requests
where id > :after
  and lookups_encrypted is not null
  and substring(lookups_encrypted from 3 for get_byte(lookups_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_lookups*!
update app.skip_trace_requests
set lookups_encrypted = :encrypted
where id = :id;

-- name: find_outdated_responses(key_id, after, limit)
select id, response_encrypted as encrypted
from app.skip_trace_requests
where id > :after
  and response_encrypted is not null
  and substring(response_encrypted from 3 for get_byte(response_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_responses*!
update app.skip_trace_requests
set response_encrypted = :encrypted
where id = :id;
