-- Legacy schema of the original specification: carries `public.leads` over without loss. Plaintext contact details wait in
-- pipeline.legacy_contacts until `equity db backfill` has encrypted them. It also computes the parcel keys.
set local role equity_owner;
create table pipeline.legacy_contacts (
  lead_id uuid not null references app.leads (id) on delete cascade,
  channel text not null check (channel in ('phone', 'email')),
  value text not null,
  primary key (lead_id, channel, value)
);
comment on table pipeline.legacy_contacts is
  'a plaintext phone or email of the legacy schema, written by migration 0014; `equity db backfill` encrypts and deletes it';
reset role;

do $$
declare
  moved integer;
begin
  if to_regclass('public.leads') is null then
    return;
  end if;

  create temporary table legacy on commit drop as
  select
    case
      when j ->> 'id' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' then (j ->> 'id')::uuid
      else gen_random_uuid()
    end as id,
    j,
    nullif(regexp_replace(coalesce(j ->> 'mak', ''), '[^0-9]', '', 'g'), '') as mak,
    case when j ->> 'assigned_broker_id' ~ '^[0-9a-fA-F-]{36}$' then (j ->> 'assigned_broker_id')::uuid end as broker_id,
    case when coalesce(j ->> 'est_value', j ->> 'property_value') ~ '^\d{1,15}(\.\d+)?$'
      then coalesce(j ->> 'est_value', j ->> 'property_value')::numeric::bigint end as est_value,
    case when coalesce(j ->> 'est_equity', j ->> 'equity') ~ '^-?\d{1,15}(\.\d+)?$'
      then coalesce(j ->> 'est_equity', j ->> 'equity')::numeric::bigint end as est_equity,
    coalesce((j ->> 'created_at')::timestamptz, now()) as created_at
  from (select to_jsonb(l) as j from public.leads l) rows;
  update legacy set mak = null where length(mak) <> 10 or btrim(mak, '0') = '';
  -- Placeholders are not amounts, as in ingest (common.geography.placeholders).
  update legacy set est_value = null where est_value not between 1 and 1000000000 or est_value::text ~ '^(9999|9{7,})$';
  update legacy
  set est_equity = null
  where abs(est_equity) > 1000000000 or abs(est_equity)::text ~ '^(9999|9{7,})$' or est_equity > est_value;

  insert into app.brokers (id, name, active)
  select distinct broker_id, 'legacy ' || broker_id, false from legacy where broker_id is not null
  on conflict do nothing;

  insert into app.leads (
    id, mak, apn, property_address, property_city, property_state, property_zip, county, owner_first_name,
    owner_last_name, est_value, est_equity, source, assigned_broker_id, lead_score, campaign_status,
    added_to_campaign_at, current_sequence_step, last_reply_at, consent, consented_at, consent_method, vapi_call_id,
    call_attempt_count, created_at
  )
  select
    id,
    case when row_number() over (partition by mak order by created_at, id) = 1 then mak end,
    j ->> 'apn',
    coalesce(j ->> 'property_address', j ->> 'address'),
    coalesce(j ->> 'property_city', j ->> 'city'),
    upper(coalesce(j ->> 'property_state', j ->> 'state')),
    left(coalesce(j ->> 'property_zip', j ->> 'zip'), 5),
    upper(coalesce(j ->> 'county', j ->> 'property_county')),
    coalesce(j ->> 'owner_first_name', j ->> 'first_name'),
    coalesce(j ->> 'owner_last_name', j ->> 'last_name'),
    est_value,
    est_equity,
    'legacy',
    broker_id,
    least(greatest(coalesce(case when j ->> 'lead_score' ~ '^-?\d{1,6}$' then (j ->> 'lead_score')::integer end, 0), 0), 100),
    (case
      when j ->> 'campaign_status' = any (enum_range(null::app.campaign_status)::text[]) then j ->> 'campaign_status'
      when j ->> 'status' in ('contacted', 'qualified') then 'active'
      when j ->> 'status' = 'replied' then 'replied'
      when j ->> 'status' in ('appointment_set', 'showed', 'application', 'funded') then 'converted'
      when j ->> 'status' = 'closed_lost' then 'do_not_contact'
      else 'new'
    end)::app.campaign_status,
    (j ->> 'added_to_campaign_at')::timestamptz,
    coalesce((j ->> 'current_sequence_step')::integer, 0),
    (j ->> 'last_reply_at')::timestamptz,
    coalesce((j ->> 'consent')::boolean, false) and j ->> 'consented_at' is not null,
    (j ->> 'consented_at')::timestamptz,
    j ->> 'consent_method',
    j ->> 'vapi_call_id',
    coalesce((j ->> 'call_attempt_count')::integer, 0),
    created_at
  from legacy;
  get diagnostics moved = row_count;

  insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
  select 'key_held', l.id, h.id, 'mak', l.mak
  from legacy l join app.leads h on h.mak = l.mak and h.id <> l.id;

  insert into app.lead_consent_audit (lead_id, action, evidence)
  select id, 'legacy_consent_without_time', jsonb_build_object('consent', true)
  from legacy
  where coalesce((j ->> 'consent')::boolean, false) and j ->> 'consented_at' is null;

  insert into pipeline.legacy_contacts (lead_id, channel, value)
  select id, 'email', trim(j ->> 'email') from legacy where trim(coalesce(j ->> 'email', '')) <> ''
  union
  select id, 'phone', trim(j ->> 'phone') from legacy where trim(coalesce(j ->> 'phone', '')) <> '';

  alter table public.leads rename to leads_legacy;
  revoke all on public.leads_legacy from public, anon, authenticated;
  raise notice '% leads were carried over; run `equity db backfill` to encrypt their contact details and compute their parcel keys', moved;
end
$$;
