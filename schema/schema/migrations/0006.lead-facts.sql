-- Facts of leads: the columns that come from records, their staging and their upsert.
set local role equity_owner;

alter table app.leads
  add column mak text check (mak ~ '^[0-9]{10}$'),
  add column property_address text,
  add column property_unit text,
  add column property_city text,
  add column property_state text,
  add column property_zip text,
  add column county text,
  add column fips text,
  add column apn text,
  add column owner_first_name text,
  add column owner_last_name text,
  add column owner2_first_name text,
  add column owner2_last_name text,
  add column company_name text,
  add column mailing_address text,
  add column mailing_unit text,
  add column mailing_city text,
  add column mailing_state text,
  add column mailing_zip text,
  add column property_type text,
  add column bedrooms smallint,
  add column bathrooms numeric(5,2),
  add column building_sqft integer,
  add column lot_sqft bigint,
  add column year_built smallint,
  add column owner_occupied boolean,
  add column vacant boolean,
  add column est_value bigint,
  add column est_equity bigint,
  add column est_ltv numeric(7,2),
  add column open_loans smallint,
  add column open_loan_balance bigint,
  add column last_sale_date date,
  add column last_sale_amount bigint,
  add column apn_key text,
  add column addr_hash bytea,
  add column deceased_owner boolean not null default false,
  add column do_not_mail boolean not null default false,
  add column litigator boolean not null default false,
  add column observed integer[] not null;
comment on column app.leads.apn_key is
  'county code (FIPS)|parcel number without punctuation: a parcel number is unique in its county only; Connecticut counts as one county';
comment on column app.leads.addr_hash is
  'version of the normal form (4 bytes), then 12 bytes of the SHA-256 of the normalised address, unit included';
comment on column app.leads.observed is 'for each fact, in the order of pipeline.leads_staging: day it was seen * 16 + rank of its source';

-- A key belongs to at most one lead.
create unique index leads_mak_key on app.leads (mak) where mak is not null;
create unique index leads_apn_key on app.leads (apn_key) where apn_key is not null;
create unique index leads_addr_hash_key on app.leads (addr_hash) where addr_hash is not null;

create table pipeline.leads_staging (
  ord integer,
  id uuid,
  stamp integer,
  source text,
  broker_id uuid,
  editable_brokers uuid[],
  data_key bytea,
  lead_score integer,
  score_contributions jsonb,
  upload_id uuid,
  row integer,
  event_id uuid,
  observed integer[],
  mak text,
  property_address text,
  property_unit text,
  property_city text,
  property_state text,
  property_zip text,
  county text,
  fips text,
  apn text,
  owner_first_name text,
  owner_last_name text,
  owner2_first_name text,
  owner2_last_name text,
  company_name text,
  mailing_address text,
  mailing_unit text,
  mailing_city text,
  mailing_state text,
  mailing_zip text,
  property_type text,
  bedrooms smallint,
  bathrooms numeric(5,2),
  building_sqft integer,
  lot_sqft bigint,
  year_built smallint,
  owner_occupied boolean,
  vacant boolean,
  est_value bigint,
  est_equity bigint,
  est_ltv numeric(7,2),
  open_loans smallint,
  open_loan_balance bigint,
  last_sale_date date,
  last_sale_amount bigint,
  apn_key text,
  addr_hash bytea,
  deceased_owner boolean,
  do_not_mail boolean,
  litigator boolean,
  email text,
  phone text,
  raw jsonb,
  loaded_at timestamptz default now()
);
comment on table pipeline.leads_staging is
  'row type of upsert_leads(); for loads by hand also a table. observed: stamps of single facts where they differ from stamp';

create function pipeline.wins(stamp integer, value anyelement, held_stamp integer, held anyelement) returns boolean
language sql immutable parallel safe as $$
  -- Return whether a value replaces the stored one: the later observation wins, then the higher source rank (both in the
  -- stamp), then the larger value. The order of arrival does not matter, so any order gives the same lead.
  select value is not null and (
    held is null or stamp > coalesce(held_stamp, 0) or (stamp = coalesce(held_stamp, 0) and value > held))
$$;

create function pipeline.wins_text(stamp integer, value text, held_stamp integer, held text) returns boolean
language sql immutable parallel safe as $$
  -- Same rule for text, compared byte by byte.
  select value is not null and (
    held is null or stamp > coalesce(held_stamp, 0) or (stamp = coalesce(held_stamp, 0) and value > held collate "C"))
$$;

create function app.upsert_leads(records pipeline.leads_staging[])
returns table (
  ord integer,
  lead_id uuid,
  verdict text,
  matched_by text,
  lead_version bigint,
  broker_id uuid,
  data_key bytea,
  lead_score integer,
  est_value bigint,
  est_equity bigint,
  est_ltv numeric,
  open_loans smallint,
  open_loan_balance bigint,
  owner_occupied boolean,
  vacant boolean,
  deceased_owner boolean,
  do_not_mail boolean,
  litigator boolean,
  last_sale_date date
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
-- an owner (ADR-0030). wins() chooses the facts; facts that belong together are chosen as one (ADR-0031). A key that belongs
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
        d.mak_holder is null or coalesce(d.mak_holder = d.lead_id, false) as mak_free,
        d.apn_key_holder is null or coalesce(d.apn_key_holder = d.lead_id, false) as apn_key_free,
        d.addr_hash_holder is null or coalesce(d.addr_hash_holder = d.lead_id, false) as addr_hash_free
      from now_due d
      left join leads l on l.id = d.lead_id
    ),
    inserted as (
      insert into leads (
        id,
        mak,
        property_address,
        property_unit,
        property_city,
        property_state,
        property_zip,
        county,
        fips,
        apn,
        owner_first_name,
        owner_last_name,
        owner2_first_name,
        owner2_last_name,
        company_name,
        mailing_address,
        mailing_unit,
        mailing_city,
        mailing_state,
        mailing_zip,
        property_type,
        bedrooms,
        bathrooms,
        building_sqft,
        lot_sqft,
        year_built,
        owner_occupied,
        vacant,
        est_value,
        est_equity,
        est_ltv,
        open_loans,
        open_loan_balance,
        last_sale_date,
        last_sale_amount,
        apn_key,
        addr_hash,
        deceased_owner,
        do_not_mail,
        litigator,
        observed,
        source,
        assigned_broker_id,
        lead_score,
        score_contributions,
        data_key
      )
      select
        i.id,
        case when i.mak_free then i.mak end,
        i.property_address,
        i.property_unit,
        i.property_city,
        i.property_state,
        i.property_zip,
        i.county,
        i.fips,
        i.apn,
        i.owner_first_name,
        i.owner_last_name,
        i.owner2_first_name,
        i.owner2_last_name,
        i.company_name,
        i.mailing_address,
        i.mailing_unit,
        i.mailing_city,
        i.mailing_state,
        i.mailing_zip,
        i.property_type,
        i.bedrooms,
        i.bathrooms,
        i.building_sqft,
        i.lot_sqft,
        i.year_built,
        i.owner_occupied,
        i.vacant,
        i.est_value,
        i.est_equity,
        i.est_ltv,
        i.open_loans,
        i.open_loan_balance,
        i.last_sale_date,
        i.last_sale_amount,
        case when i.apn_key_free then i.apn_key end,
        case when i.addr_hash_free then i.addr_hash end,
        coalesce(i.deceased_owner, false),
        coalesce(i.do_not_mail, false),
        coalesce(i.litigator, false),
        array[case when i.property_address is null then null else coalesce(i.observed[1], i.stamp) end, case when i.property_unit is null then null else coalesce(i.observed[2], i.stamp) end, case when i.property_city is null then null else coalesce(i.observed[3], i.stamp) end, case when i.property_state is null then null else coalesce(i.observed[4], i.stamp) end, case when i.property_zip is null then null else coalesce(i.observed[5], i.stamp) end, case when i.county is null then null else coalesce(i.observed[6], i.stamp) end, case when i.fips is null then null else coalesce(i.observed[7], i.stamp) end, case when i.apn is null then null else coalesce(i.observed[8], i.stamp) end, case when i.owner_first_name is null then null else coalesce(i.observed[9], i.stamp) end, case when i.owner_last_name is null then null else coalesce(i.observed[10], i.stamp) end, case when i.owner2_first_name is null then null else coalesce(i.observed[11], i.stamp) end, case when i.owner2_last_name is null then null else coalesce(i.observed[12], i.stamp) end, case when i.company_name is null then null else coalesce(i.observed[13], i.stamp) end, case when i.mailing_address is null then null else coalesce(i.observed[14], i.stamp) end, case when i.mailing_unit is null then null else coalesce(i.observed[15], i.stamp) end, case when i.mailing_city is null then null else coalesce(i.observed[16], i.stamp) end, case when i.mailing_state is null then null else coalesce(i.observed[17], i.stamp) end, case when i.mailing_zip is null then null else coalesce(i.observed[18], i.stamp) end, case when i.property_type is null then null else coalesce(i.observed[19], i.stamp) end, case when i.bedrooms is null then null else coalesce(i.observed[20], i.stamp) end, case when i.bathrooms is null then null else coalesce(i.observed[21], i.stamp) end, case when i.building_sqft is null then null else coalesce(i.observed[22], i.stamp) end, case when i.lot_sqft is null then null else coalesce(i.observed[23], i.stamp) end, case when i.year_built is null then null else coalesce(i.observed[24], i.stamp) end, case when i.owner_occupied is null then null else coalesce(i.observed[25], i.stamp) end, case when i.vacant is null then null else coalesce(i.observed[26], i.stamp) end, case when i.est_value is null then null else coalesce(i.observed[27], i.stamp) end, case when i.est_equity is null then null else coalesce(i.observed[28], i.stamp) end, case when i.est_ltv is null then null else coalesce(i.observed[29], i.stamp) end, case when i.open_loans is null then null else coalesce(i.observed[30], i.stamp) end, case when i.open_loan_balance is null then null else coalesce(i.observed[31], i.stamp) end, case when i.last_sale_date is null then null else coalesce(i.observed[32], i.stamp) end, case when i.last_sale_amount is null then null else coalesce(i.observed[33], i.stamp) end, case when i.apn_key is null or not i.apn_key_free then null else coalesce(i.observed[34], i.stamp) end, case when i.addr_hash is null or not i.addr_hash_free then null else coalesce(i.observed[35], i.stamp) end],
        coalesce(i.source, 'upstream'),
        i.broker_id,
        coalesce(i.lead_score, 0),
        i.score_contributions,
        i.data_key
      from due i
      where i.is_new
    ),
    merged as materialized (
      select
        i.ord,
        l.id,
        coalesce(l.mak, case when i.mak_free then i.mak end) as mak,
        case when w.address_wins then i.property_address else l.property_address end as property_address,
        case when w.address_wins then i.property_unit else l.property_unit end as property_unit,
        case when w.address_wins then i.property_city else l.property_city end as property_city,
        case when w.address_wins then i.property_state else l.property_state end as property_state,
        case when w.address_wins then i.property_zip else l.property_zip end as property_zip,
        case when w.county_wins then i.county else l.county end as county,
        case when w.county_wins then i.fips else l.fips end as fips,
        case when w.parcel_wins then i.apn else l.apn end as apn,
        case when pipeline.wins_text(coalesce(i.observed[9], i.stamp), i.owner_first_name, l.observed[9], l.owner_first_name) then i.owner_first_name else l.owner_first_name end as owner_first_name,
        case when pipeline.wins_text(coalesce(i.observed[10], i.stamp), i.owner_last_name, l.observed[10], l.owner_last_name) then i.owner_last_name else l.owner_last_name end as owner_last_name,
        case when pipeline.wins_text(coalesce(i.observed[11], i.stamp), i.owner2_first_name, l.observed[11], l.owner2_first_name) then i.owner2_first_name else l.owner2_first_name end as owner2_first_name,
        case when pipeline.wins_text(coalesce(i.observed[12], i.stamp), i.owner2_last_name, l.observed[12], l.owner2_last_name) then i.owner2_last_name else l.owner2_last_name end as owner2_last_name,
        case when pipeline.wins_text(coalesce(i.observed[13], i.stamp), i.company_name, l.observed[13], l.company_name) then i.company_name else l.company_name end as company_name,
        case when pipeline.wins_text(coalesce(i.observed[14], i.stamp), i.mailing_address, l.observed[14], l.mailing_address) then i.mailing_address else l.mailing_address end as mailing_address,
        case when pipeline.wins_text(coalesce(i.observed[15], i.stamp), i.mailing_unit, l.observed[15], l.mailing_unit) then i.mailing_unit else l.mailing_unit end as mailing_unit,
        case when pipeline.wins_text(coalesce(i.observed[16], i.stamp), i.mailing_city, l.observed[16], l.mailing_city) then i.mailing_city else l.mailing_city end as mailing_city,
        case when pipeline.wins_text(coalesce(i.observed[17], i.stamp), i.mailing_state, l.observed[17], l.mailing_state) then i.mailing_state else l.mailing_state end as mailing_state,
        case when pipeline.wins_text(coalesce(i.observed[18], i.stamp), i.mailing_zip, l.observed[18], l.mailing_zip) then i.mailing_zip else l.mailing_zip end as mailing_zip,
        case when pipeline.wins_text(coalesce(i.observed[19], i.stamp), i.property_type, l.observed[19], l.property_type) then i.property_type else l.property_type end as property_type,
        case when pipeline.wins(coalesce(i.observed[20], i.stamp), i.bedrooms, l.observed[20], l.bedrooms) then i.bedrooms else l.bedrooms end as bedrooms,
        case when pipeline.wins(coalesce(i.observed[21], i.stamp), i.bathrooms, l.observed[21], l.bathrooms) then i.bathrooms else l.bathrooms end as bathrooms,
        case when pipeline.wins(coalesce(i.observed[22], i.stamp), i.building_sqft, l.observed[22], l.building_sqft) then i.building_sqft else l.building_sqft end as building_sqft,
        case when pipeline.wins(coalesce(i.observed[23], i.stamp), i.lot_sqft, l.observed[23], l.lot_sqft) then i.lot_sqft else l.lot_sqft end as lot_sqft,
        case when pipeline.wins(coalesce(i.observed[24], i.stamp), i.year_built, l.observed[24], l.year_built) then i.year_built else l.year_built end as year_built,
        case when pipeline.wins(coalesce(i.observed[25], i.stamp), i.owner_occupied, l.observed[25], l.owner_occupied) then i.owner_occupied else l.owner_occupied end as owner_occupied,
        case when pipeline.wins(coalesce(i.observed[26], i.stamp), i.vacant, l.observed[26], l.vacant) then i.vacant else l.vacant end as vacant,
        case when pipeline.wins(coalesce(i.observed[27], i.stamp), i.est_value, l.observed[27], l.est_value) then i.est_value else l.est_value end as est_value,
        case when pipeline.wins(coalesce(i.observed[28], i.stamp), i.est_equity, l.observed[28], l.est_equity) then i.est_equity else l.est_equity end as est_equity,
        case when pipeline.wins(coalesce(i.observed[29], i.stamp), i.est_ltv, l.observed[29], l.est_ltv) then i.est_ltv else l.est_ltv end as est_ltv,
        case when pipeline.wins(coalesce(i.observed[30], i.stamp), i.open_loans, l.observed[30], l.open_loans) then i.open_loans else l.open_loans end as open_loans,
        case when pipeline.wins(coalesce(i.observed[31], i.stamp), i.open_loan_balance, l.observed[31], l.open_loan_balance) then i.open_loan_balance else l.open_loan_balance end as open_loan_balance,
        case when pipeline.wins(coalesce(i.observed[32], i.stamp), i.last_sale_date, l.observed[32], l.last_sale_date) then i.last_sale_date else l.last_sale_date end as last_sale_date,
        case when pipeline.wins(coalesce(i.observed[33], i.stamp), i.last_sale_amount, l.observed[33], l.last_sale_amount) then i.last_sale_amount else l.last_sale_amount end as last_sale_amount,
        case when w.parcel_wins then p.apn_key else l.apn_key end as apn_key,
        case when w.address_wins then p.addr_hash else l.addr_hash end as addr_hash,
        l.deceased_owner or coalesce(i.deceased_owner, false) as deceased_owner,
        l.do_not_mail or coalesce(i.do_not_mail, false) as do_not_mail,
        l.litigator or coalesce(i.litigator, false) as litigator,
        coalesce(l.assigned_broker_id, i.broker_id) as assigned_broker_id,
        array[
          case when not w.address_wins then l.observed[1] when i.property_address is not null then coalesce(i.observed[1], i.stamp) end,
          case when not w.address_wins then l.observed[2] when i.property_unit is not null then coalesce(i.observed[2], i.stamp) end,
          case when not w.address_wins then l.observed[3] when i.property_city is not null then coalesce(i.observed[3], i.stamp) end,
          case when not w.address_wins then l.observed[4] when i.property_state is not null then coalesce(i.observed[4], i.stamp) end,
          case when not w.address_wins then l.observed[5] when i.property_zip is not null then coalesce(i.observed[5], i.stamp) end,
          case when not w.county_wins then l.observed[6] when i.county is not null then coalesce(i.observed[6], i.stamp) end,
          case when not w.county_wins then l.observed[7] when i.fips is not null then coalesce(i.observed[7], i.stamp) end,
          case when not w.parcel_wins then l.observed[8] when i.apn is not null then coalesce(i.observed[8], i.stamp) end,
          case when pipeline.wins_text(coalesce(i.observed[9], i.stamp), i.owner_first_name, l.observed[9], l.owner_first_name) then coalesce(i.observed[9], i.stamp) else l.observed[9] end,
          case when pipeline.wins_text(coalesce(i.observed[10], i.stamp), i.owner_last_name, l.observed[10], l.owner_last_name) then coalesce(i.observed[10], i.stamp) else l.observed[10] end,
          case when pipeline.wins_text(coalesce(i.observed[11], i.stamp), i.owner2_first_name, l.observed[11], l.owner2_first_name) then coalesce(i.observed[11], i.stamp) else l.observed[11] end,
          case when pipeline.wins_text(coalesce(i.observed[12], i.stamp), i.owner2_last_name, l.observed[12], l.owner2_last_name) then coalesce(i.observed[12], i.stamp) else l.observed[12] end,
          case when pipeline.wins_text(coalesce(i.observed[13], i.stamp), i.company_name, l.observed[13], l.company_name) then coalesce(i.observed[13], i.stamp) else l.observed[13] end,
          case when pipeline.wins_text(coalesce(i.observed[14], i.stamp), i.mailing_address, l.observed[14], l.mailing_address) then coalesce(i.observed[14], i.stamp) else l.observed[14] end,
          case when pipeline.wins_text(coalesce(i.observed[15], i.stamp), i.mailing_unit, l.observed[15], l.mailing_unit) then coalesce(i.observed[15], i.stamp) else l.observed[15] end,
          case when pipeline.wins_text(coalesce(i.observed[16], i.stamp), i.mailing_city, l.observed[16], l.mailing_city) then coalesce(i.observed[16], i.stamp) else l.observed[16] end,
          case when pipeline.wins_text(coalesce(i.observed[17], i.stamp), i.mailing_state, l.observed[17], l.mailing_state) then coalesce(i.observed[17], i.stamp) else l.observed[17] end,
          case when pipeline.wins_text(coalesce(i.observed[18], i.stamp), i.mailing_zip, l.observed[18], l.mailing_zip) then coalesce(i.observed[18], i.stamp) else l.observed[18] end,
          case when pipeline.wins_text(coalesce(i.observed[19], i.stamp), i.property_type, l.observed[19], l.property_type) then coalesce(i.observed[19], i.stamp) else l.observed[19] end,
          case when pipeline.wins(coalesce(i.observed[20], i.stamp), i.bedrooms, l.observed[20], l.bedrooms) then coalesce(i.observed[20], i.stamp) else l.observed[20] end,
          case when pipeline.wins(coalesce(i.observed[21], i.stamp), i.bathrooms, l.observed[21], l.bathrooms) then coalesce(i.observed[21], i.stamp) else l.observed[21] end,
          case when pipeline.wins(coalesce(i.observed[22], i.stamp), i.building_sqft, l.observed[22], l.building_sqft) then coalesce(i.observed[22], i.stamp) else l.observed[22] end,
          case when pipeline.wins(coalesce(i.observed[23], i.stamp), i.lot_sqft, l.observed[23], l.lot_sqft) then coalesce(i.observed[23], i.stamp) else l.observed[23] end,
          case when pipeline.wins(coalesce(i.observed[24], i.stamp), i.year_built, l.observed[24], l.year_built) then coalesce(i.observed[24], i.stamp) else l.observed[24] end,
          case when pipeline.wins(coalesce(i.observed[25], i.stamp), i.owner_occupied, l.observed[25], l.owner_occupied) then coalesce(i.observed[25], i.stamp) else l.observed[25] end,
          case when pipeline.wins(coalesce(i.observed[26], i.stamp), i.vacant, l.observed[26], l.vacant) then coalesce(i.observed[26], i.stamp) else l.observed[26] end,
          case when pipeline.wins(coalesce(i.observed[27], i.stamp), i.est_value, l.observed[27], l.est_value) then coalesce(i.observed[27], i.stamp) else l.observed[27] end,
          case when pipeline.wins(coalesce(i.observed[28], i.stamp), i.est_equity, l.observed[28], l.est_equity) then coalesce(i.observed[28], i.stamp) else l.observed[28] end,
          case when pipeline.wins(coalesce(i.observed[29], i.stamp), i.est_ltv, l.observed[29], l.est_ltv) then coalesce(i.observed[29], i.stamp) else l.observed[29] end,
          case when pipeline.wins(coalesce(i.observed[30], i.stamp), i.open_loans, l.observed[30], l.open_loans) then coalesce(i.observed[30], i.stamp) else l.observed[30] end,
          case when pipeline.wins(coalesce(i.observed[31], i.stamp), i.open_loan_balance, l.observed[31], l.open_loan_balance) then coalesce(i.observed[31], i.stamp) else l.observed[31] end,
          case when pipeline.wins(coalesce(i.observed[32], i.stamp), i.last_sale_date, l.observed[32], l.last_sale_date) then coalesce(i.observed[32], i.stamp) else l.observed[32] end,
          case when pipeline.wins(coalesce(i.observed[33], i.stamp), i.last_sale_amount, l.observed[33], l.last_sale_amount) then coalesce(i.observed[33], i.stamp) else l.observed[33] end,
          case when not w.parcel_wins then l.observed[34] when p.apn_key is not null then coalesce(i.observed[34], i.stamp) end,
          case when not w.address_wins then l.observed[35] when p.addr_hash is not null then coalesce(i.observed[35], i.stamp) end
        ] as observed,
        row(l.mak, l.property_address, l.property_unit, l.property_city, l.property_state, l.property_zip, l.county, l.fips, l.apn, l.owner_first_name, l.owner_last_name, l.owner2_first_name, l.owner2_last_name, l.company_name, l.mailing_address, l.mailing_unit, l.mailing_city, l.mailing_state, l.mailing_zip, l.property_type, l.bedrooms, l.bathrooms, l.building_sqft, l.lot_sqft, l.year_built, l.owner_occupied, l.vacant, l.est_value, l.est_equity, l.est_ltv, l.open_loans, l.open_loan_balance, l.last_sale_date, l.last_sale_amount, l.apn_key, l.addr_hash, l.deceased_owner, l.do_not_mail, l.litigator, l.assigned_broker_id) as before,
        l.observed as observed_before,
        (lower(l.owner_last_name) <> lower(i.owner_last_name)
          and pipeline.wins_text(coalesce(i.observed[10], i.stamp), i.owner_last_name, l.observed[10], l.owner_last_name))
          or (l.consent and i.last_sale_date > l.consented_at::date) as owner_changed
      from due i
      join leads l on l.id = i.lead_id
      cross join lateral (
        -- A key of another lead is not available. The values that it is shown by are available until a record has a free
        -- key.
        select
          case when i.apn_key_free then i.apn_key end as apn_key,
          case when i.addr_hash_free then i.addr_hash end as addr_hash,
          coalesce(greatest(i.observed[34], i.observed[8]), i.stamp) as parcel_stamp,
          coalesce(
            greatest(
              i.observed[35], i.observed[1], i.observed[2], i.observed[3], i.observed[4], i.observed[5]), i.stamp) as address_stamp,
          coalesce(greatest(i.observed[7], i.observed[6]), i.stamp) as county_stamp
      ) p
      cross join lateral (
        -- Columns that belong together come from one record: first records with a key, then the choice of wins().
        select
          coalesce(i.apn_key, i.apn) is not null and (
            (p.apn_key is not null, p.parcel_stamp,
              coalesce(p.apn_key, '') collate "C", coalesce(i.apn, '') collate "C")
            > (l.apn_key is not null, coalesce(greatest(l.observed[34], l.observed[8]), 0),
              coalesce(l.apn_key, '') collate "C", coalesce(l.apn, '') collate "C")) as parcel_wins,
          (p.addr_hash is not null, p.address_stamp, coalesce(p.addr_hash, ''),
            coalesce(i.property_address, '') collate "C", coalesce(i.property_unit, '') collate "C",
            coalesce(i.property_city, '') collate "C", coalesce(i.property_state, '') collate "C",
            coalesce(i.property_zip, '') collate "C")
          > (l.addr_hash is not null, coalesce(
            greatest(l.observed[35], l.observed[1], l.observed[2], l.observed[3], l.observed[4], l.observed[5]), 0),
            coalesce(l.addr_hash, ''),
            coalesce(l.property_address, '') collate "C", coalesce(l.property_unit, '') collate "C",
            coalesce(l.property_city, '') collate "C", coalesce(l.property_state, '') collate "C",
            coalesce(l.property_zip, '') collate "C")
          and coalesce(encode(i.addr_hash, 'hex'), i.property_address, i.property_zip, i.property_state) is not null
            as address_wins,
          coalesce(i.fips, i.county) is not null and (
            (i.fips is not null, p.county_stamp, coalesce(i.fips, '') collate "C", coalesce(i.county, '') collate "C")
            > (l.fips is not null, coalesce(greatest(l.observed[7], l.observed[6]), 0),
              coalesce(l.fips, '') collate "C", coalesce(l.county, '') collate "C")) as county_wins
      ) w
      where not i.is_foreign
    ),
    touched as materialized (
      select m.*, m.before is distinct from row(m.mak, m.property_address, m.property_unit, m.property_city, m.property_state, m.property_zip, m.county, m.fips, m.apn, m.owner_first_name, m.owner_last_name, m.owner2_first_name, m.owner2_last_name, m.company_name, m.mailing_address, m.mailing_unit, m.mailing_city, m.mailing_state, m.mailing_zip, m.property_type, m.bedrooms, m.bathrooms, m.building_sqft, m.lot_sqft, m.year_built, m.owner_occupied, m.vacant, m.est_value, m.est_equity, m.est_ltv, m.open_loans, m.open_loan_balance, m.last_sale_date, m.last_sale_amount, m.apn_key, m.addr_hash, m.deceased_owner, m.do_not_mail, m.litigator, m.assigned_broker_id) as visible
      from merged m
    ),
    updated as (
      update leads l
      set
        mak = t.mak,
        property_address = t.property_address,
        property_unit = t.property_unit,
        property_city = t.property_city,
        property_state = t.property_state,
        property_zip = t.property_zip,
        county = t.county,
        fips = t.fips,
        apn = t.apn,
        owner_first_name = t.owner_first_name,
        owner_last_name = t.owner_last_name,
        owner2_first_name = t.owner2_first_name,
        owner2_last_name = t.owner2_last_name,
        company_name = t.company_name,
        mailing_address = t.mailing_address,
        mailing_unit = t.mailing_unit,
        mailing_city = t.mailing_city,
        mailing_state = t.mailing_state,
        mailing_zip = t.mailing_zip,
        property_type = t.property_type,
        bedrooms = t.bedrooms,
        bathrooms = t.bathrooms,
        building_sqft = t.building_sqft,
        lot_sqft = t.lot_sqft,
        year_built = t.year_built,
        owner_occupied = t.owner_occupied,
        vacant = t.vacant,
        est_value = t.est_value,
        est_equity = t.est_equity,
        est_ltv = t.est_ltv,
        open_loans = t.open_loans,
        open_loan_balance = t.open_loan_balance,
        last_sale_date = t.last_sale_date,
        last_sale_amount = t.last_sale_amount,
        apn_key = t.apn_key,
        addr_hash = t.addr_hash,
        deceased_owner = t.deceased_owner,
        do_not_mail = t.do_not_mail,
        litigator = t.litigator,
        assigned_broker_id = t.assigned_broker_id,
        observed = t.observed
      from touched t
      where l.id = t.id and (t.visible or t.observed <> t.observed_before)
      returning t.ord, l.id, l.lead_version
    ),
    conflicts as (
      insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value, upload_id, row, event_id, shown)
      select c.kind, c.lead_id, c.other_lead_id, c.column_name, c.value, c.upload_id, c.row, c.event_id, c.shown
      from (
        select 'key_held' as kind, coalesce(i.lead_id, i.id) as lead_id, i.mak_holder as other_lead_id, 'mak' as column_name,
          i.mak as value, i.upload_id, i.row, i.event_id, null::jsonb as shown
        from due i
        where not i.is_foreign and i.mak is not null and not i.mak_free
        union all
        select 'key_held', coalesce(i.lead_id, i.id), i.apn_key_holder, 'apn_key', i.apn_key, i.upload_id, i.row, i.event_id,
          shown_with_key('apn_key', i.apn, null, null, null, null, null)
        from due i
        where not i.is_foreign and i.apn_key is not null and not i.apn_key_free
        union all
        select 'key_held', coalesce(i.lead_id, i.id), i.addr_hash_holder, 'addr_hash', encode(i.addr_hash, 'hex'),
          i.upload_id, i.row, i.event_id,
          shown_with_key(
            'addr_hash', null, i.property_address, i.property_unit, i.property_city, i.property_state, i.property_zip)
        from due i
        where not i.is_foreign and i.addr_hash is not null and not i.addr_hash_free
        union all
        select 'key_differs', l.id, null, 'apn_key',
          case when t.apn_key = l.apn_key then i.apn_key else l.apn_key end, i.upload_id, i.row, i.event_id,
          shown_with_key('apn_key', case when t.apn_key = l.apn_key then i.apn else l.apn end, null, null, null, null, null)
        from touched t
        join due i on i.ord = t.ord
        join leads l on l.id = t.id
        where i.apn_key_free and i.apn_key <> l.apn_key
        union all
        select 'key_differs', l.id, null, 'addr_hash',
          encode(case when t.addr_hash = l.addr_hash then i.addr_hash else l.addr_hash end, 'hex'),
          i.upload_id, i.row, i.event_id,
          case when t.addr_hash = l.addr_hash then shown_with_key(
              'addr_hash', null, i.property_address, i.property_unit, i.property_city, i.property_state, i.property_zip)
          else shown_with_key(
              'addr_hash', null, l.property_address, l.property_unit, l.property_city, l.property_state, l.property_zip) end
        from touched t
        join due i on i.ord = t.ord
        join leads l on l.id = t.id
        where i.addr_hash_free and i.addr_hash <> l.addr_hash
        union all
        select 'owner_changed', t.id, null, 'owner_last_name',
          encode(sha256(convert_to(t.id::text || coalesce(i.owner_last_name, '') || coalesce(i.last_sale_date::text, ''), 'UTF8')), 'hex'),
          i.upload_id, i.row, i.event_id, null
        from touched t
        join due i on i.ord = t.ord
        where t.owner_changed
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
      case when i.is_new then coalesce(i.lead_score, 0) else l.lead_score end,
      case when i.is_new then i.est_value else t.est_value end,
      case when i.is_new then i.est_equity else t.est_equity end,
      case when i.is_new then i.est_ltv else t.est_ltv end,
      case when i.is_new then i.open_loans else t.open_loans end,
      case when i.is_new then i.open_loan_balance else t.open_loan_balance end,
      case when i.is_new then i.owner_occupied else t.owner_occupied end,
      case when i.is_new then i.vacant else t.vacant end,
      case when i.is_new then coalesce(i.deceased_owner, false) else t.deceased_owner end,
      case when i.is_new then coalesce(i.do_not_mail, false) else t.do_not_mail end,
      case when i.is_new then coalesce(i.litigator, false) else t.litigator end,
      case when i.is_new then i.last_sale_date else t.last_sale_date end
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
        perform void_for_new_owner(owner_gone);
      end if;
      perform offer_freed_keys(known_ids);
      perform drop_moot_conflicts(known_ids);
    end if;

    select array_agg(i order by i.ord) into pending from unnest(pending) i where later is not null and i.ord = any (later);
  end loop;
end
$$;

create function app.upsert_lead(p jsonb) returns uuid
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

grant insert (
  mak, property_address, property_unit, property_city, property_state, property_zip, county, fips, apn, owner_first_name,
  owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit, mailing_city, mailing_state,
  mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built, owner_occupied, vacant, est_value,
  est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date, last_sale_amount, apn_key, addr_hash, deceased_owner,
  do_not_mail, litigator, observed
), update (
  mak, property_address, property_unit, property_city, property_state, property_zip, county, fips, apn, owner_first_name,
  owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit, mailing_city, mailing_state,
  mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built, owner_occupied, vacant, est_value,
  est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date, last_sale_amount, apn_key, addr_hash, deceased_owner,
  do_not_mail, litigator, observed
) on app.leads to svc_ingest;
grant select (
  mak, property_address, property_unit, property_city, property_state, property_zip, county, apn, owner_first_name,
  owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit, mailing_city, mailing_state,
  mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built, owner_occupied, vacant, est_value,
  est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date, last_sale_amount, deceased_owner, do_not_mail, litigator
) on app.leads to authenticated;
grant select, insert, delete on pipeline.leads_staging to svc_ingest;
grant execute on function app.upsert_leads, app.upsert_lead, pipeline.wins, pipeline.wins_text to svc_ingest;
reset role;
