-- Statements of skiptrace's commands, run with its role.

-- name: find_outdated_questions(key_id, after, limit)
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
select id, question_sealed as sealed
from app.skip_trace_requests
where id > :after
  and question_sealed is not null
  and substring(question_sealed from 3 for get_byte(question_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_questions*!
update app.skip_trace_requests
set question_sealed = :sealed
where id = :id;

-- name: find_outdated_answers(key_id, after, limit)
select id, answer_sealed as sealed
from app.skip_trace_requests
where id > :after
  and answer_sealed is not null
  and substring(answer_sealed from 3 for get_byte(answer_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :limit
for update;

-- name: save_answers*!
update app.skip_trace_requests
set answer_sealed = :sealed
where id = :id;
