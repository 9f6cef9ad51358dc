-- name: list_active_territories
-- List the territories of active brokers. Of two brokers with the same territory, the earlier one has it.
-- row: ActiveTerritory
select t.broker_id, t.state, t.county, t.zip
from app.territories t
join app.brokers b on b.id = t.broker_id
where b.active
order by t.created_at, t.id;

-- name: list_active_brokers
select id
from app.brokers
where active;

-- name: read_broker_map_version$
-- Return a number that differs once a territory, or an active broker, is added, changed or removed.
-- always a value
select
  (select coalesce(sum(hash_record_extended(t, 0)), 0) from app.territories t)
  + (select coalesce(sum(uuid_hash_extended(b.id, 0)), 0) from app.brokers b where b.active);

-- name: find_due_pass$
-- Return 'first' if territories differ from those of the last pass, 'again' if it must be repeated, else null.
select
  case
    when p.territories is distinct from :territories then 'first'
    when not p.is_final and p.seen_at + :in_flight_time::interval <= now() then 'again'
  end
from (values (true)) v
left join pipeline.territory_passes p on true;

-- name: save_pass!
insert into pipeline.territory_passes as p (territories, seen_at, is_final)
values (:territories, now(), :is_final)
on conflict (only_one) do update
set territories = excluded.territories, seen_at = excluded.seen_at, is_final = excluded.is_final;

-- name: list_leads_without_broker
-- row: LeadWithoutBroker
-- not null: assignable_broker_ids[]
-- type: :after LeadId
select id, property_state, county, property_zip, assignable_broker_ids
from app.leads
where assigned_broker_id is null
and id > :after
order by id
limit :page_size;

-- name: count_leads_without_broker$
-- always a value
select count(*)
from app.leads
where assigned_broker_id is null;

-- name: assign_leads
-- Give leads without a broker these brokers. Rows are locked in the order of ids, as upserts lock them. A lead that got a
-- broker meanwhile keeps it.
-- row: AssignedLead
with locked as materialized (
  select l.id
  from app.leads l
  where l.id = any (:lead_ids::uuid[])
  and l.assigned_broker_id is null
  order by l.id
  for no key update
)
update app.leads l
set assigned_broker_id = a.broker_id, assignable_broker_ids = null
from locked k
join unnest(:lead_ids::uuid[], :broker_ids::uuid[]) as a (id, broker_id) on a.id = k.id
join app.brokers b on b.id = a.broker_id and b.active
where l.id = k.id
returning l.id, l.lead_version, l.assigned_broker_id, l.lead_score;
