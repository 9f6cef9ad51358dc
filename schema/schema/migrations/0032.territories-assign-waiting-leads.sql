-- Adding a territory assigns the leads that arrived before it. The sender's choice of brokers still applies.
set local role equity_owner;

alter table app.leads add column assignable_broker_ids uuid[];
comment on column app.leads.assignable_broker_ids is
  'of a lead without a broker: to whom its senders may assign it, all of them together; null: to anybody';
grant update (assignable_broker_ids) on app.leads to svc_ingest;

create index leads_unassigned_idx on app.leads (id) where assigned_broker_id is null;

create table pipeline.territory_passes (
  only_one boolean primary key default true check (only_one),
  territories bytea not null,
  seen_at timestamptz not null,
  settled boolean not null
);
comment on table pipeline.territory_passes is
  'the territories that leads without a broker were last assigned by. settled: again since records in flight were in';
grant select, insert, update on pipeline.territory_passes to svc_ingest;

-- Existing leads: if every sender was a partner with a choice of brokers, that choice applies.
with senders as (
  select
    e.lead_id,
    bool_or(p.broker_ids is null) as may_assign_to_anybody,
    array_agg(distinct b.id) filter (where b.id is not null) as broker_ids
  from app.leads l
  join app.pipeline_events e on e.lead_id = l.id and e.event_type = 'funnel.dedupe_success'
  left join app.uploads u on u.id::text = e.correlation_id
  left join app.partners p on p.id = u.partner_id
  left join lateral unnest(p.broker_ids) as b (id) on true
  where l.assigned_broker_id is null
  and exists (select from app.partners where broker_ids is not null)
  group by e.lead_id
)
update app.leads l
set assignable_broker_ids = coalesce(s.broker_ids, '{}')
from senders s
where l.id = s.lead_id
and not s.may_assign_to_anybody;
reset role;
