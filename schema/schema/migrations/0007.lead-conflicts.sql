-- Keys of leads, and conflicts between records or leads: how they are recorded, and how a person resolves them.
set local role equity_owner;

alter table app.leads add constraint leads_mak_check check (mak ~ '^[0-9]{10}$');
comment on column app.leads.apn_key is
  'county code (FIPS)|parcel number without punctuation: a parcel number is unique in its county only; Connecticut counts as one county';
comment on column app.leads.addr_hash is
  'version of the normal form (4 bytes), then 12 bytes of the SHA-256 of the normalised address, unit included';

-- A key belongs to at most one lead.
create unique index leads_mak_key on app.leads (mak) where mak is not null;
create unique index leads_apn_key on app.leads (apn_key) where apn_key is not null;
create unique index leads_addr_hash_key on app.leads (addr_hash) where addr_hash is not null;

create table app.lead_conflicts (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('key_held', 'key_differs', 'owner_changed')),
  lead_id uuid not null references app.leads (id) on delete cascade,
  other_lead_id uuid references app.leads (id) on delete cascade,
  column_name text not null,
  value text not null,
  shown jsonb,
  upload_id uuid,
  row integer,
  event_id uuid,
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  resolved_by text,
  resolution text check (resolution in ('keep', 'take', 'dismiss')),
  note text
);
comment on table app.lead_conflicts is
  'two records or leads that contradict each other, written by ingest; a person resolves it with `equity conflicts`';
create unique index lead_conflicts_once_key
  on app.lead_conflicts (lead_id, kind, column_name, value, coalesce(other_lead_id, '00000000-0000-0000-0000-000000000000'));
create index lead_conflicts_open_idx on app.lead_conflicts (created_at) where resolved_at is null;
-- Two leads with one address key count as one household until a person reviews them.
create index lead_conflicts_household_idx on app.lead_conflicts (other_lead_id)
  where resolved_at is null and kind = 'key_held' and column_name in ('mak', 'addr_hash');
comment on column app.lead_conflicts.value is
  'the refused key, or the keyed digest of the refused value; never a contact detail';
comment on column app.lead_conflicts.shown is
  'values that a lead displays with the refused key: the parcel number as written, or the address';

create function app.name_words(name text) returns text[]
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  -- Return the words of a name that distinguish one owner from another, as name_words() in the owner rules of ingest does.
  select coalesce(array_agg(distinct w[1]), '{}')
  from regexp_matches(
    replace(upper(regexp_replace(normalize(name, nfkd), '[^\x01-\x7f]', '', 'g') collate "C"), '''', ''), '[A-Z0-9]+', 'g') w
  where length(w[1]) > 1
  and w[1] <> all (
    '{JR,SR,II,III,IV,MR,MRS,MS,DR,THE,OF,AND,AN,LLC,INC,CO,CORP,LP,LLP,LTD,COMPANY,CORPORATION,INCORPORATED,LIMITED}')
$$;

create function app.owners_named(first_name text, last_name text, first_name2 text, last_name2 text, company text)
returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, app, pg_temp as $$
  -- Return the owners of a record, each as the words of the name. A person counts only with a known last name.
  select coalesce(jsonb_agg(to_jsonb(name_words(concat_ws(' ', o.first_name, o.last_name)))), '[]')
  from (values (first_name, last_name), (first_name2, last_name2), ('', company)) as o (first_name, last_name)
  where o.last_name is not null
  and name_words(o.last_name) <> '{}'
$$;

create function app.share_an_owner(first_owners jsonb, second_owners jsonb) returns boolean
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  -- Return whether both lists share an owner: all words of the shorter name are in the longer one.
  select exists (
    select
    from jsonb_array_elements(first_owners) a, jsonb_array_elements(second_owners) b
    where a.value @> b.value or b.value @> a.value
  )
$$;

create function app.pause_for_new_owner(lead_ids uuid[]) returns void
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Apply a change of owner. The consent of the old owner says nothing about the new one. The lead is paused until a person
  -- reviews it.
  update leads
  set consent = false,
      consent_method = null,
      paused_from = case when campaign_status in ('queued', 'active', 'replied') then campaign_status else paused_from end,
      campaign_status = case when campaign_status in ('queued', 'active', 'replied') then 'paused' else campaign_status end
  where id = any (lead_ids)
  and (consent or campaign_status in ('queued', 'active', 'replied'))
$$;

create function app.shown_with_key(
  key_column text, apn text, address text, unit text, city text, state text, zip text
) returns jsonb
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  -- Return the values that belong to a key, by column; null if there are none.
  select nullif(
    case key_column
      when 'apn_key' then jsonb_strip_nulls(jsonb_build_object('apn', apn))
      else jsonb_strip_nulls(jsonb_build_object(
        'property_address', address, 'property_unit', unit, 'property_city', city, 'property_state', state, 'property_zip', zip))
    end,
    '{}')
$$;

create function app.show_with_key(of_lead uuid, loser uuid, key_column text, key_value text, values_shown jsonb) returns void
language sql set search_path = pg_catalog, app, pg_temp as $$
  -- Show the values of a key that a person assigned to *of_lead*. No later record of today reverts them. The lead that lost
  -- the key no longer shows the parcel number. Without values the parcel number is shown as it is in the key.
  update leads
  set apn = coalesce(values_shown ->> 'apn', split_part(key_value, '|', -1)),
      observed = observed || jsonb_build_object('apn', pipeline.last_stamp_of_today(), 'apn_key', pipeline.last_stamp_of_today())
  where id = of_lead and key_column = 'apn_key';
  update leads
  set apn = null, observed = observed - '{apn,apn_key}'::text[]
  where id = loser and key_column = 'apn_key';
  update leads
  set property_address = coalesce(values_shown ->> 'property_address', property_address),
      property_unit = case when values_shown is null then property_unit else values_shown ->> 'property_unit' end,
      property_city = coalesce(values_shown ->> 'property_city', property_city),
      property_state = coalesce(values_shown ->> 'property_state', property_state),
      property_zip = coalesce(values_shown ->> 'property_zip', property_zip),
      observed = observed
        || jsonb_build_object('property_address', pipeline.last_stamp_of_today(), 'addr_hash', pipeline.last_stamp_of_today())
  where id = of_lead and key_column = 'addr_hash'
$$;

create function app.assign_freed_keys(lead_ids uuid[]) returns void
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Assign a parcel number that these leads lost in this transaction to the lead that was refused it and has none. The key is
  -- as old as the number that the lead shows.
  update leads w
  set apn_key = c.value,
      observed = w.observed || jsonb_build_object('apn_key', pipeline.stamp_of('apn', w.apn, w.stamp, w.observed))
  from (
    select distinct on (h.value) h.value, h.lead_id
    from lead_conflicts f
    join lead_conflicts h on h.column_name = 'apn_key' and h.kind = 'key_held' and h.value = f.value
    join leads r on r.id = h.lead_id
    where f.lead_id = any (lead_ids)
    and f.kind = 'key_differs'
    and f.column_name = 'apn_key'
    and f.created_at = now()
    and h.other_lead_id = f.lead_id
    and h.resolved_at is null
    and r.apn_key is null
    and regexp_replace(upper(r.apn), '[^0-9A-Z]', '', 'g') = split_part(f.value, '|', 2)
    and not exists (select from leads l where l.apn_key = f.value)
    order by h.value, h.id
  ) c
  where w.id = c.lead_id
$$;

create function app.delete_obsolete_conflicts(lead_ids uuid[]) returns void
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Delete open conflicts over a key that a later observation assigned to the lead.
  delete from lead_conflicts c
  using leads l
  where c.lead_id = any (lead_ids)
  and l.id = c.lead_id
  and c.kind in ('key_held', 'key_differs')
  and c.resolved_at is null
  and c.value = case c.column_name when 'mak' then l.mak when 'apn_key' then l.apn_key else encode(l.addr_hash, 'hex') end
$$;

create function app.record_mak_conflicts(lead_ids uuid[], maks text[]) returns setof uuid
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Record a conflict for each address key that a provider returned and that belongs to another lead. Return the leads.
  with taken as (
    select w.lead_id, h.id as other_lead_id, w.mak
    from unnest(lead_ids, maks) as w (lead_id, mak)
    join leads h on h.mak = w.mak and h.id <> w.lead_id
  ),
  recorded as (
    insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
    select 'key_held', lead_id, other_lead_id, 'mak', mak
    from taken
    on conflict do nothing
  )
  select lead_id from taken
$$;

create function app.resolve_conflict(conflict_id bigint, how text, by_whom text, with_note text) returns text
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- `keep` leaves the lead unchanged. `take` assigns the refused key to the lead, or accepts the new owner and resets the
-- lead. `dismiss` closes a false alarm. A key brings the values that it is shown by. A value that a key displaces is
-- recorded, so that no value is lost. The result is `resolved`, `already` or `unknown`.
declare
  c lead_conflicts;
  given text;
  displaced text;
  holder uuid;
  holder_shows jsonb;
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
    select case c.column_name
      when 'apn_key' then shown_with_key('apn_key', l.apn, null, null, null, null, null)
      when 'addr_hash' then shown_with_key(
        'addr_hash', null, l.property_address, l.property_unit, l.property_city, l.property_state, l.property_zip)
    end
    into holder_shows
    from leads l
    where case c.column_name
      when 'apn_key' then l.apn_key = c.value
      when 'addr_hash' then l.addr_hash = decode(c.value, 'hex')
      else false
    end
    and l.id <> c.lead_id;
    given := case c.column_name when 'addr_hash' then 'decode($1, ''hex'')' else '$1' end;
    execute format('update leads set %1$I = null where %1$I = %2$s and id <> $2 returning id', c.column_name, given)
    into holder using c.value, c.lead_id;
    execute format(
      'select %s from leads where id = $1',
      case c.column_name when 'addr_hash' then 'encode(addr_hash, ''hex'')' else quote_ident(c.column_name) end)
    into displaced using c.lead_id;
    execute format('update leads set %1$I = %2$s where id = $2', c.column_name, given) using c.value, c.lead_id;
    perform show_with_key(c.lead_id, holder, c.column_name, c.value, coalesce(c.shown, holder_shows));
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

create function app.resume_leads(lead_ids uuid[], reason text) returns table (lead_id uuid, result text)
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

-- Address hashes carry the version of their normal form (docs/adr/0028), so that outdated hashes are found and computed again.
-- The index is empty when all leads are up to date. The literal is FORM_VERSION of the address code of ingest; a test
-- compares them.
create index leads_outdated_address_idx on app.leads (id)
  where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea;

create function app.rehash_addresses(lead_ids uuid[], hashes bytea[])
returns table (rehashed integer, conflicting integer, unreadable integer)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Store the hash of the present normal form of each address; null is an address that ingest can no longer read. If another
-- lead has that hash, both are one home: the function records a conflict, as upsert_leads() does, and this lead loses its hash.
-- Leads whose hash is null or up to date are skipped, so that a second call changes nothing.
declare
  given record;
  outdated bytea;
  holder uuid;
begin
  rehashed := 0;
  conflicting := 0;
  unreadable := 0;
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  for given in select g.id, g.hash from unnest(lead_ids, hashes) as g (id, hash) order by g.id loop
    select l.addr_hash into outdated
    from leads l
    where l.id = given.id and l.addr_hash is not null
    and substring(l.addr_hash from 1 for 4) <> '\x00000003'::bytea
    for no key update;
    continue when not found;

    select l.id into holder from leads l where l.addr_hash = given.hash and l.id <> given.id;
    if given.hash is null then
      unreadable := unreadable + 1;
    elsif holder is not null then
      conflicting := conflicting + 1;
      insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
      values ('key_held', given.id, holder, 'addr_hash', encode(given.hash, 'hex'))
      on conflict do nothing;
    else
      rehashed := rehashed + 1;
    end if;
    update leads set addr_hash = case when holder is null then given.hash end where id = given.id;

    -- An open conflict over the old hash of this lead applies to its new hash.
    update lead_conflicts c
    set value = encode(given.hash, 'hex')
    where c.other_lead_id = given.id and c.kind = 'key_held' and c.column_name = 'addr_hash' and c.resolved_at is null
    and c.value = encode(outdated, 'hex') and given.hash is not null
    and not exists (
      select from lead_conflicts d
      where d.lead_id = c.lead_id and d.kind = c.kind and d.column_name = c.column_name
      and d.value = encode(given.hash, 'hex') and d.other_lead_id = c.other_lead_id);
  end loop;
  return next;
end
$$;

grant select, insert on app.lead_conflicts to svc_ingest;
grant select on app.lead_conflicts to svc_feeder;
grant execute on function
  app.name_words, app.owners_named, app.share_an_owner, app.pause_for_new_owner, app.shown_with_key, app.assign_freed_keys,
  app.delete_obsolete_conflicts, app.resolve_conflict, app.resume_leads, app.rehash_addresses
to svc_ingest;
grant execute on function app.record_mak_conflicts to svc_skiptrace;
reset role;
