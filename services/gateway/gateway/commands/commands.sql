-- Statements of `equity keys rewrap`, run as the owner.

-- name: find_outdated_partner_keys
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
select key_id as id, secret_encrypted as encrypted
from app.partner_keys
where substring(secret_encrypted from 3 for get_byte(secret_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by key_id
limit :limit
for update;

-- name: save_partner_keys*!
update app.partner_keys
set secret_encrypted = :encrypted
where key_id = :id;
