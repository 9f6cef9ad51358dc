create or replace function app.upsert_leads(records pipeline.leads_staging[])
returns table (
  ord integer,
  lead_id uuid,
  outcome text,
  matched_by text,
  lead_version bigint,
  broker_id uuid,
  data_key bytea,
  lead_score integer
)
language plpgsql
set search_path = pg_catalog, app, pipeline, pg_temp
set plan_cache_mode = force_generic_plan
set enable_mergejoin = off
set enable_seqscan = off
set enable_bitmapscan = off
set jit = off
as $$
-- Turn records into leads. Match each record by MAK, else by parcel number within its county, else by address. A weaker key
-- never joins records whose stronger keys differ. A parcel number never joins a record to another address unless they share
-- an owner (ADR 30). wins() chooses the facts; facts that belong together are chosen as one (ADR 31). A key that belongs
-- to another lead is recorded as a conflict and not assigned. The lead of another broker does not change. Outcomes:
-- inserted, updated, duplicate. Calls run one at a time, so that parallel writers never deadlock. Two records of one lead
-- take two rounds.
#variable_conflict use_column
declare
  pending leads_staging[] := records;
  matched_ords integer[];
  matched_ids uuid[];
  matched_keys text[];
  mak_holders uuid[];
  apn_key_holders uuid[];
  addr_hash_holders uuid[];
  known_ids uuid[];
  later integer[];
  owner_gone uuid[];
begin
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  while coalesce(cardinality(pending), 0) > 0 loop
    select
      array_agg(m.ord), array_agg(m.lead_id), array_agg(m.matched_by),
      array_agg(m.mak_holder), array_agg(m.apn_key_holder), array_agg(m.addr_hash_holder)
    into matched_ords, matched_ids, matched_keys, mak_holders, apn_key_holders, addr_hash_holders
    from (
      select
        i.ord,
        coalesce(a.id, f.by_apn, f.by_address) as lead_id,
        case when a.id is not null then 'mak' when f.by_apn is not null then 'apn' when f.by_address is not null then 'address' end
          as matched_by,
        a.id as mak_holder,
        b.id as apn_key_holder,
        c.id as addr_hash_holder
      from unnest(pending) i
      left join lateral (select l.id from leads l where l.mak = i.mak limit 1) a on true
      left join lateral (
        select
          l.id, l.mak, l.addr_hash, l.owner_first_name, l.owner_last_name, l.owner2_first_name, l.owner2_last_name, l.company_name
        from leads l
        where l.apn_key = i.apn_key
        limit 1
      ) b on true
      left join lateral (select l.id, l.mak, l.apn_key from leads l where l.addr_hash = i.addr_hash limit 1) c on true
      cross join lateral (
        select
          case
            when b.mak = i.mak then b.id
            when b.mak is not null and i.mak is not null then null
            when b.addr_hash is null or i.addr_hash is null or b.addr_hash = i.addr_hash then b.id
            when app.share_an_owner(
              app.owners_named(b.owner_first_name, b.owner_last_name, b.owner2_first_name, b.owner2_last_name, b.company_name),
              app.owners_named(i.owner_first_name, i.owner_last_name, i.owner2_first_name, i.owner2_last_name, i.company_name))
            then b.id
          end as by_apn,
          case
            when (i.mak is null or c.mak is null or c.mak = i.mak)
              and (i.apn_key is null or c.apn_key is null or c.apn_key = i.apn_key)
            then c.id
          end as by_address
      ) f
    ) m;
    known_ids := array_remove(matched_ids, null);

    if known_ids <> '{}' then
      perform from leads where id = any (known_ids) order by id for no key update;
    end if;

    -- Of several records for one lead, or with one key that no lead has yet, the first runs in this round. The others run in
    -- the next rounds and see its result.
    select array_agg(t.ord)
    into later
    from (
      select
        i.ord,
        row_number() over (partition by coalesce(m.lead_id, i.id) order by i.ord) as turn,
        case
          when i.mak is not null and m.mak_holder is null then row_number() over (partition by i.mak order by i.ord)
        end as mak_turn,
        case
          when i.apn_key is not null and m.apn_key_holder is null then row_number() over (partition by i.apn_key order by i.ord)
        end as apn_turn,
        case
          when i.addr_hash is not null and m.addr_hash_holder is null then row_number() over (partition by i.addr_hash order by i.ord)
        end as addr_turn
      from unnest(pending) i
      left join unnest(matched_ords, matched_ids, mak_holders, apn_key_holders, addr_hash_holders)
        as m (ord, lead_id, mak_holder, apn_key_holder, addr_hash_holder) on m.ord = i.ord
    ) t
    where t.turn > 1 or t.mak_turn > 1 or t.apn_turn > 1 or t.addr_turn > 1;

    owner_gone := null;
    return query
    with
    now_due as materialized (
      select i.*, m.lead_id, m.matched_by, m.mak_holder, m.apn_key_holder, m.addr_hash_holder
      from unnest(pending) i
      join unnest(matched_ords, matched_ids, matched_keys, mak_holders, apn_key_holders, addr_hash_holders)
        as m (ord, lead_id, matched_by, mak_holder, apn_key_holder, addr_hash_holder) on m.ord = i.ord
      where later is null or i.ord <> all (later)
    ),
    due as materialized (
      select
        d.*,
        l.id is null as is_new,
        l.id is not null and (
          (d.broker_id is not null and l.assigned_broker_id is not null and l.assigned_broker_id <> d.broker_id)
          or (d.broker_id is null and d.editable_brokers is not null and l.assigned_broker_id is not null
              and l.assigned_broker_id <> all (d.editable_brokers))
        ) as is_foreign,
        -- A key of another lead is not available.
        case when d.mak_holder is null or d.mak_holder = d.lead_id then d.mak end as free_mak,
        case when d.apn_key_holder is null or d.apn_key_holder = d.lead_id then d.apn_key end as free_apn_key,
        case when d.addr_hash_holder is null or d.addr_hash_holder = d.lead_id then d.addr_hash end as free_addr_hash
      from now_due d
      left join leads l on l.id = d.lead_id
    ),
    inserted as (
      insert into leads (
        id, source, assigned_broker_id, lead_score, score_contributions, data_key, stamp, observed,
        {{columns}}
      )
      select
        i.id, coalesce(i.source, 'upstream'), i.broker_id, coalesce(i.lead_score, 0), i.score_contributions, i.data_key,
        coalesce(i.stamp, 0), coalesce(i.observed, '{}'),
        {{inserted_values}}
      from due i
      where i.is_new
    ),
    merged as materialized (
      select
        i.ord,
        l.id,
        coalesce(l.assigned_broker_id, i.broker_id) as assigned_broker_id,
        n.stamp,
        case
          when n.oldest < n.stamp
          then jsonb_strip_nulls(jsonb_build_object(
            {{older_stamps}}
          ))
          else '{}'
        end as observed,
        {{merged_values}},
        row (
          l.assigned_broker_id,
          {{lead_columns}}
        ) as before,
        s is distinct from h as is_restamped,
        -- For conflicts: a key that lost against another one of the same lead, with the values that it is shown by, and the
        -- digest of a new owner.
        case when i.free_apn_key <> l.apn_key then case when w.parcel then l.apn_key else i.free_apn_key end end as lost_apn_key,
        case when w.parcel then l.apn else i.apn end as lost_apn,
        case
          when i.free_addr_hash <> l.addr_hash then case when w.address then l.addr_hash else i.free_addr_hash end
        end as lost_addr_hash,
        case
          when i.free_addr_hash <> l.addr_hash then case
            when w.address
            then shown_with_key(
              'addr_hash', null, l.property_address, l.property_unit, l.property_city, l.property_state, l.property_zip)
            else shown_with_key(
              'addr_hash', null, i.property_address, i.property_unit, i.property_city, i.property_state, i.property_zip)
          end
        end as lost_address,
        case
          when (lower(l.owner_last_name) <> lower(i.owner_last_name) and w.owner_last_name)
            or (l.consent and i.last_sale_date > l.consented_at::date)
          then encode(
            sha256(convert_to(l.id::text || coalesce(i.owner_last_name, '') || coalesce(i.last_sale_date::text, ''), 'UTF8')), 'hex')
        end as new_owner_digest,
        i.upload_id,
        i.row,
        i.event_id
      from due i
      join leads l on l.id = i.lead_id
      cross join lateral (
        -- Stamps of the record's facts. Each `offset 0` keeps PostgreSQL from calculating a value for every use of it.
        select
          {{record_stamps}}
        offset 0
      ) r
      cross join lateral (
        -- Stamps of the lead's facts.
        select
          {{lead_stamps}}
        offset 0
      ) h
      cross join lateral (
        -- Facts of the record that replace those of the lead. Of facts that belong together, a record with a free key wins
        -- over one without.
        select
          {{wins}}
        offset 0
      ) w
      cross join lateral (
        -- Stamps of the merged facts.
        select
          {{merged_stamps}}
        offset 0
      ) s
      cross join lateral (
        select
          greatest(
            l.stamp,
            {{all_stamps}}
          ) as stamp,
          least(
            {{all_stamps}}
          ) as oldest
        offset 0
      ) n
      where not i.is_foreign
    ),
    touched as materialized (
      select
        m.*,
        m.before is distinct from row (
          m.assigned_broker_id,
          {{merged_columns}}
        ) as visible
      from merged m
    ),
    updated as (
      update leads l
      set (
        assigned_broker_id, stamp, observed,
        {{columns}}
      ) = row (
        t.assigned_broker_id, t.stamp, t.observed,
        {{touched_columns}}
      )
      from touched t
      where l.id = t.id and (t.visible or t.is_restamped)
      returning t.ord, l.id, l.lead_version
    ),
    conflicts as (
      insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value, upload_id, row, event_id, shown)
      select c.kind, c.lead_id, c.other_lead_id, c.column_name, c.value, c.upload_id, c.row, c.event_id, c.shown
      from (
        select 'key_held' as kind, coalesce(i.lead_id, i.id) as lead_id, i.mak_holder as other_lead_id, 'mak' as column_name,
          i.mak as value, i.upload_id, i.row, i.event_id, null::jsonb as shown
        from due i
        where not i.is_foreign and i.mak is not null and i.free_mak is null
        union all
        select 'key_held', coalesce(i.lead_id, i.id), i.apn_key_holder, 'apn_key', i.apn_key, i.upload_id, i.row, i.event_id,
          shown_with_key('apn_key', i.apn, null, null, null, null, null)
        from due i
        where not i.is_foreign and i.apn_key is not null and i.free_apn_key is null
        union all
        select 'key_held', coalesce(i.lead_id, i.id), i.addr_hash_holder, 'addr_hash', encode(i.addr_hash, 'hex'),
          i.upload_id, i.row, i.event_id,
          shown_with_key(
            'addr_hash', null, i.property_address, i.property_unit, i.property_city, i.property_state, i.property_zip)
        from due i
        where not i.is_foreign and i.addr_hash is not null and i.free_addr_hash is null
        union all
        select 'key_differs', t.id, null, 'apn_key', t.lost_apn_key, t.upload_id, t.row, t.event_id,
          shown_with_key('apn_key', t.lost_apn, null, null, null, null, null)
        from touched t
        where t.lost_apn_key is not null
        union all
        select 'key_differs', t.id, null, 'addr_hash', encode(t.lost_addr_hash, 'hex'), t.upload_id, t.row, t.event_id, t.lost_address
        from touched t
        where t.lost_addr_hash is not null
        union all
        select 'owner_changed', t.id, null, 'owner_last_name', t.new_owner_digest, t.upload_id, t.row, t.event_id, null
        from touched t
        where t.new_owner_digest is not null
      ) c
      on conflict do nothing
    )
    select
      i.ord,
      case when i.is_new then i.id else i.lead_id end,
      case when i.is_new then 'inserted' when t.visible then 'updated' else 'duplicate' end,
      i.matched_by,
      case when i.is_new then 1 else coalesce(u.lead_version, l.lead_version) end,
      case when i.is_new then i.broker_id else coalesce(t.assigned_broker_id, l.assigned_broker_id) end,
      case when i.is_new then i.data_key else l.data_key end,
      case when i.is_new then coalesce(i.lead_score, 0) else l.lead_score end
    from due i
    left join leads l on l.id = i.lead_id
    left join touched t on t.ord = i.ord
    left join updated u on u.ord = i.ord;

    if known_ids <> '{}' then
      select array_agg(distinct c.lead_id)
      into owner_gone
      from lead_conflicts c
      where c.lead_id = any (known_ids)
      and c.kind = 'owner_changed'
      and c.created_at = now();
      if owner_gone is not null then
        perform pause_for_new_owner(owner_gone);
      end if;
      perform assign_freed_keys(known_ids);
      perform delete_obsolete_conflicts(known_ids);
    end if;

    select array_agg(i order by i.ord) into pending from unnest(pending) i where later is not null and i.ord = any (later);
  end loop;
end
$$;

create or replace function app.upsert_lead(p jsonb) returns uuid
language sql set search_path = pg_catalog, app, pipeline, extensions, pg_temp as $$
  -- Upsert one record, under the name and interface of the original specification. Return the id of the lead.
  select u.lead_id
  from upsert_leads(array[
    jsonb_populate_record(
      null::leads_staging,
      jsonb_build_object('id', gen_random_uuid(), 'stamp', (current_date - date '1970-01-01') * 16, 'source', 'upstream')
        || p || jsonb_build_object('ord', 1))
  ]) u
$$;
