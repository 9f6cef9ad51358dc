-- Statements of the webhooks. The gateway logs in as `svc_gateway`.

-- name: claim_webhook$
-- Return true once for each webhook, however often it is repeated within the days that the inbox remembers.
insert into svc_gateway.inbox (day, consumer, event_id, replay_number, body_hash)
select current_date, 'gateway.webhooks', :event_id, 0, :body_hash
where not exists (
  select
  from svc_gateway.inbox
  where day = any (array(select generate_series(current_date - :days::integer, current_date - 1, interval '1 day')::date))
  and consumer = 'gateway.webhooks'
  and event_id = :event_id
  and replay_number = 0
)
on conflict do nothing
returning true;

-- name: find_webhook_body_hash$
select body_hash
from svc_gateway.inbox
where day = any (array(select generate_series(current_date - :days::integer, current_date, interval '1 day')::date))
and consumer = 'gateway.webhooks'
and event_id = :event_id
and replay_number = 0
limit 1;
