-- Statements of `equity keys rewrap`, run with the recorder's role.

-- name: find_outdated_dead_letters(key_id, limit)
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
select id, event_id, payload as encrypted
from pipeline.pipeline_dlq
where payload is not null
  and substring(payload from 3 for get_byte(payload, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_dead_letters*!
update pipeline.pipeline_dlq
set payload = :encrypted
where id = :id;
