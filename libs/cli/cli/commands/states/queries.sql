-- Statements of `equity states`, run with the role of operators.
-- role: operator

-- name: open_state$
-- Return the id of the new row, or null where the state is open already.
-- nullable: :registration, :exemption
insert into app.broker_states (broker_id, state, licence, registration, exemption, opened_by)
values (:broker_id, :state, :licence, :registration, :exemption, :opened_by)
on conflict (broker_id, state) where closed_at is null do nothing
returning id;

-- name: find_open_state^
-- row: OpenState
select id, licence, registration, exemption, opened_by, opened_at
from app.broker_states
where broker_id = :broker_id
and state = :state
and closed_at is null;

-- name: close_state$
-- Return the id of the row that is closed now, or null where the state is not open.
update app.broker_states
set closed_by = :closed_by, closed_at = now(), close_reason = :reason
where broker_id = :broker_id
and state = :state
and closed_at is null
returning id;

-- name: list_states
-- List open states, or with_closed all that ever were.
-- row: ListedState
-- nullable: :broker_id
select
  s.broker_id, b.name as broker, s.state, s.licence, s.registration, s.exemption, s.opened_by, s.opened_at, s.closed_by, s.closed_at,
  s.close_reason
from app.broker_states s
join app.brokers b on b.id = s.broker_id
where s.broker_id = coalesce(:broker_id, s.broker_id)
and (:with_closed or s.closed_at is null)
order by lower(b.name), s.state, s.opened_at;
