-- Webhooks of Instantly that wait in the gateway's outbox because Kafka is away. The replies service handles them from there, so that
-- no opt-out waits for Kafka (docs/replies.md, ADR 58).
set local role equity_owner;

create function app.list_unpublished_replies(older_than interval, after_id bigint, page_size integer)
returns table (id bigint, key bytea, headers bytea, body bytea, created_at timestamptz)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  -- Return webhooks in the order of their ids, without those that the service has handled. The id is read with a pattern, not as JSON:
  -- no header can make the query fail. Its day in the inbox is that of `ce_time`, which may be the day before or after.
  select o.id, o.key, o.headers, o.body, o.created_at
  from svc_gateway.outbox o
  where o.topic = 'webhook.instantly'
  and o.id > after_id
  and o.created_at < now() - older_than
  and not exists (
    select
    from svc_replies.inbox i
    where i.day between (o.created_at at time zone 'UTC')::date - 1 and (o.created_at at time zone 'UTC')::date + 1
    and i.consumer = 'replies.record_webhooks'
    and i.replay_number = 0
    and i.event_id = substring(
      convert_from(o.headers, 'UTF8') from '\["ce_id","([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"\]'
    )::uuid
  )
  order by o.id
  limit page_size
$$;
comment on function app.list_unpublished_replies is
  'webhooks of Instantly that the gateway committed, that are not in Kafka yet and that the replies service has not handled';
revoke execute on function app.list_unpublished_replies from public;
grant execute on function app.list_unpublished_replies to svc_replies;
reset role;
