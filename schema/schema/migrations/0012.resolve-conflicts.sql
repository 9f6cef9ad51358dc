-- Resolution of conflicts between records by a person.
set local role equity_owner;

create function app.resolve_conflict(conflict_id bigint, how text, by_whom text, with_note text) returns text
language plpgsql set search_path = pg_catalog, app, pg_temp as $$
-- `keep` leaves the lead unchanged. `take` assigns the refused key to the lead, or accepts the new owner and resets the
-- lead. `dismiss` closes a false alarm. A value that a key displaces is recorded, so that no value is lost. The result is
-- `resolved`, `already` or `unknown`.
declare
  c lead_conflicts;
  given text;
  displaced text;
  holder uuid;
begin
  select * into c from lead_conflicts where id = conflict_id for update;
  if c.id is null then
    return 'unknown';
  elsif c.resolved_at is not null then
    return 'already';
  end if;
  if how = 'take' then
    -- Key transfers run one at a time, as in upsert_leads().
    perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
    perform from leads where id in (c.lead_id, c.other_lead_id) order by id for no key update;
  end if;

  if how = 'take' and c.kind = 'owner_changed' then
    -- Contact details that were verified for the old owner say nothing about the new one.
    update lead_contacts
    set verified = null, verified_at = null, codes = '{}'
    where lead_id = c.lead_id and first_seen < c.created_at;
    update leads
    set email_verified = false, phone_verified = false, paused_from = case when campaign_status = 'paused' then 'new'::campaign_status end
    where id = c.lead_id;
    update leads set campaign_status = 'new', paused_from = null where id = c.lead_id and campaign_status = 'paused';
  elsif how = 'take' then
    given := case c.column_name when 'addr_hash' then 'decode($1, ''hex'')' else '$1' end;
    execute format('update leads set %1$I = null where %1$I = %2$s and id <> $2 returning id', c.column_name, given)
    into holder using c.value, c.lead_id;
    execute format(
      'select %s from leads where id = $1',
      case c.column_name when 'addr_hash' then 'encode(addr_hash, ''hex'')' else quote_ident(c.column_name) end)
    into displaced using c.lead_id;
    execute format('update leads set %1$I = %2$s where id = $2', c.column_name, given) using c.value, c.lead_id;
    -- A later record does not revert the decision that a person made today.
    update leads
    set observed[case c.column_name when 'apn_key' then 34 else 35 end] = (current_date - date '1970-01-01') * 16 + 15
    where id = c.lead_id and c.column_name in ('apn_key', 'addr_hash');
    insert into lead_conflicts (
      kind, lead_id, other_lead_id, column_name, value, resolved_at, resolved_by, resolution, note)
    select d.kind, d.lead_id, d.other_lead_id, c.column_name, d.value, now(), by_whom, 'dismiss', 'displaced by conflict ' || c.id
    from (values
      ('key_held', holder, c.lead_id, c.value),
      ('key_differs', c.lead_id, null, nullif(displaced, c.value))
    ) as d (kind, lead_id, other_lead_id, value)
    where d.lead_id is not null and d.value is not null
    on conflict do nothing;
  end if;

  update lead_conflicts
  set resolved_at = now(), resolved_by = by_whom, resolution = how, note = with_note
  where id = conflict_id;
  return 'resolved';
end
$$;

create function app.release_lead(of_lead uuid) returns text
language sql set search_path = pg_catalog, app, pg_temp as $$
  -- Resume a paused lead in its previous state. Result: moved, refused, or held by an unresolved change of owner.
  select
    case
      when exists (select from lead_conflicts c where c.lead_id = l.id and c.kind = 'owner_changed' and c.resolved_at is null)
        then 'held'
      else (select m.result from move_lead(array[l.id], coalesce(l.paused_from, 'new'), 'conflict settled') m)
    end
  from leads l
  where l.id = of_lead and l.campaign_status = 'paused'
$$;
reset role;
