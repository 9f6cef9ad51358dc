-- Parcel keys that were built from the spelling of a county get the code of the county. Ingest determines it
-- (its carry-over of parcel keys).
set local role equity_owner;

create function app.carry_over_parcel_keys(
  lead_ids uuid[], old_keys text[], new_keys text[], new_fips text[], new_counties text[]
) returns table (carried bigint, held bigint, dropped bigint)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Store the new key of each lead that still has its old key. A key of another lead is recorded as a conflict. A key is
-- dropped if the new one is null, because the old key did not distinguish homes. The parcel number is then shown as in the
-- key, if the lead showed another one. Refused keys of conflicts are converted, too. A second run changes nothing.
begin
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  perform from leads where id = any (lead_ids) order by id for no key update;
  return query
  with
  due as materialized (
    select
      d.*, l.apn,
      row_number() over (partition by d.new_key order by l.created_at, l.id) as place,
      h.id as holder
    from unnest(lead_ids, old_keys, new_keys, new_fips, new_counties) as d (lead_id, old_key, new_key, fips, county)
    join leads l on l.id = d.lead_id and l.apn_key = d.old_key
    left join leads h on h.apn_key = d.new_key and h.id <> d.lead_id
  ),
  firsts as (
    select new_key, lead_id from due where place = 1 and holder is null and new_key is not null
  ),
  moved as (
    update leads l
    set apn_key = case when f.lead_id = d.lead_id then d.new_key end,
        fips = coalesce(d.fips, l.fips),
        county = coalesce(d.county, l.county),
        observed[7] = case when coalesce(d.fips, l.fips) is not null then coalesce(l.observed[6], l.observed[7], l.observed[34]) end,
        apn = case
          when d.new_key is not null
            and regexp_replace(upper(coalesce(l.apn, '')), '[^0-9A-Z]', '', 'g') <> split_part(d.new_key, '|', 2)
          then split_part(d.new_key, '|', 2)
          else l.apn
        end,
        observed[8] = l.observed[34],
        observed[34] = case when f.lead_id = d.lead_id then l.observed[34] end
    from due d
    left join firsts f on f.new_key = d.new_key
    where l.id = d.lead_id
    returning l.id, l.apn_key
  ),
  refused as (
    insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
    select 'key_held', d.lead_id, coalesce(d.holder, f.lead_id), 'apn_key', d.new_key
    from due d
    left join firsts f on f.new_key = d.new_key
    where d.new_key is not null
    and d.lead_id is distinct from f.lead_id
    on conflict do nothing
  ),
  renamed as (
    update lead_conflicts c
    set value = d.new_key
    from (select distinct on (old_key) old_key, new_key from due where new_key is not null order by old_key, new_key) d
    where c.column_name = 'apn_key'
    and c.value = d.old_key
    and not exists (
      select from lead_conflicts o
      where o.lead_id = c.lead_id and o.kind = c.kind and o.column_name = 'apn_key' and o.value = d.new_key
    )
  )
  select
    count(*) filter (where m.apn_key is not null),
    count(*) filter (where m.apn_key is null and d.new_key is not null),
    count(*) filter (where d.new_key is null)
  from due d
  join moved m on m.id = d.lead_id;
end
$$;
grant execute on function app.carry_over_parcel_keys(uuid[], text[], text[], text[], text[]) to svc_ingest;
reset role;
