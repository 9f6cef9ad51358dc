-- Feeding hardened against failures: one rate limit for all replicas, a membership audit that resumes, released slots.
set local role equity_owner;

-- Re-queue leads that got a slot but never reached Instantly (ADR 20). They received no email.
insert into pipeline.lead_moves (from_status, to_status, roles) values ('active', 'queued', '{svc_feeder}');

-- Two leads with one address key count as one household until a person reviews them.
create index lead_conflicts_household_idx on app.lead_conflicts (other_lead_id)
  where resolved_at is null and kind = 'key_held' and column_name in ('mak', 'addr_hash');
grant select on app.lead_conflicts to svc_feeder;

create index feed_slots_not_added_idx on app.feed_slots (lead_id) where state <> 'added';

create view pipeline.due_adds with (security_invoker) as
select m.lead_id, m.campaign_id, s.local_date, m.retry_at, m.changed_at
from app.feed_slots s
join app.vendor_memberships m on m.lead_id = s.lead_id and m.desired = 'in' and m.actual = 'out'
join app.campaigns c
  on c.id = m.campaign_id and c.broker_id = s.broker_id and c.active and c.vendor_campaign_id is not null and c.problem is null
join app.brokers b on b.id = s.broker_id and b.active and b.daily_limit > 0
join app.leads l
  on l.id = m.lead_id and l.assigned_broker_id = s.broker_id and l.campaign_status = 'active' and not l.deceased_owner
  and not l.litigator
join app.lead_contacts k
  on k.lead_id = m.lead_id and k.channel = 'email' and k.value_hash = m.value_hash and k.verified and k.litigator is not true
where s.state = 'reserved'
and not exists (select from app.suppressions x where x.channel = 'email' and x.value_hash = m.value_hash);
comment on view pipeline.due_adds is
  'who has a slot and may still be added: a lead, broker or campaign that changed since the feed waits for the next morning';
grant select on pipeline.due_adds to svc_feeder;

alter table app.campaigns
  add column swept_at timestamptz,
  add column sweep_cursor text,
  add column sweep_until timestamptz;
comment on column app.campaigns.swept_at is 'when its members at the vendor were last compared to the end';
comment on column app.campaigns.sweep_cursor is 'the last member of a comparison that is not at its end: it goes on from there';
comment on column app.campaigns.sweep_until is 'until then one replica compares it; only one campaign is compared at a time';

-- Callers acquire permits and record results only through functions, so that all callers of a vendor share one limit.
alter function pipeline.take_turn(text, integer, integer, double precision, integer, double precision, text) security definer;

create function pipeline.note_success(of_provider text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Write only on a change or once a second, because hundreds of calls share the row.
  update provider_states
  set failures = 0, paused_until = null, last_success_at = clock_timestamp(), last_fault = null
  where provider = of_provider
  and (
    failures > 0 or paused_until is not null or last_success_at is null
    or last_success_at < clock_timestamp() - interval '1 second'
  )
$$;

create function pipeline.note_fault(
  of_provider text, fault text, probing boolean, at_least integer, pause_s double precision, longest_s double precision,
  least_s double precision
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Failures during one backoff count once. A backoff doubles with each failure, and is at least as long as the provider
  -- asked for.
  update provider_states
  set failures = greatest(f.failures, at_least),
      paused_until = greatest(
        case when probing then null else paused_until end,
        clock_timestamp() + make_interval(secs => greatest(least_s, least(longest_s, pause_s * 2 ^ least(f.failures - 1, 20))))
      ),
      last_fault = fault
  from (
    select provider as name, failures + case when paused_until > clock_timestamp() and not probing then 0 else 1 end as failures
    from provider_states
    where provider = of_provider
    for update
  ) f
  where provider = f.name
$$;

revoke all on function
  pipeline.note_success(text),
  pipeline.note_fault(text, text, boolean, integer, double precision, double precision, double precision)
from public;
grant execute on function
  pipeline.note_success(text),
  pipeline.note_fault(text, text, boolean, integer, double precision, double precision, double precision)
to svc_skiptrace, svc_feeder;
grant execute on function pipeline.take_turn(text, integer, integer, double precision, integer, double precision, text) to svc_feeder;
grant select on pipeline.provider_states to svc_feeder;
revoke insert, update on pipeline.provider_states from svc_skiptrace;
revoke insert on pipeline.provider_grants from svc_skiptrace;
reset role;
