set local role equity_owner;
create or replace function app.resume_leads(lead_ids uuid[], reason text) returns table (lead_id uuid, result text)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Resume paused leads in their previous status. Result of each: transitioned, refused, already (not paused), unknown, or
-- owner_unresolved while a conflict over a change of owner is open.
#variable_conflict use_column
begin
  -- FOR UPDATE conflicts with the key share lock of a transaction that records a conflict of the lead.
  perform from leads l where l.id = any (lead_ids) order by l.id for update;
  return query
  with wanted as materialized (
    select
      w.id,
      coalesce(l.paused_from, 'new') as target,
      case
        when l.id is null then 'unknown'
        when l.campaign_status <> 'paused' then 'already'
        when exists (
          select from lead_conflicts c where c.lead_id = l.id and c.kind = 'owner_changed' and c.resolved_at is null
        ) then 'owner_unresolved'
      end as obstacle
    from unnest(lead_ids) as w (id)
    left join leads l on l.id = w.id
  )
  select w.id, w.obstacle
  from wanted w
  where w.obstacle is not null
  union all
  select m.lead_id, m.result
  from (select w.target, array_agg(w.id order by w.id) as ids from wanted w where w.obstacle is null group by w.target) g
  cross join lateral transition_lead(g.ids, g.target, reason) m;
end
$$;
reset role;
