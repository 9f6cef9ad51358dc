-- Statements of commands of every service.
-- role: owner, gateway, recorder, feeder, pull

-- name: find_broker_id$
-- Return the broker with this id, or this name in any case.
select id
from app.brokers
where id::text = :name_or_id or lower(name) = lower(:name_or_id)
order by id::text = :name_or_id desc
limit 1;
