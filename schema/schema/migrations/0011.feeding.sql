-- Feeding: campaigns, slots, desired and actual memberships, and the snapshot of leads that may be contacted.
set local role equity_owner;

create table app.personas (
  id integer primary key,
  name text not null,
  profile jsonb not null default '{}'
);
comment on column app.personas.name is 'not unique: a campaign file may exchange the names of two ids';

create table app.campaigns (
  id uuid primary key default gen_random_uuid(),
  broker_id uuid not null references app.brokers on delete cascade,
  persona_id integer references app.personas,
  name text not null,
  vendor_campaign_id text,
  version integer not null default 1,
  sequence jsonb not null default '[]',
  settings jsonb not null default '{}',
  active boolean not null default true,
  synced_at timestamptz,
  synced_version integer not null default 0,
  claimed_until timestamptz,
  problem text,
  swept_at timestamptz,
  sweep_cursor text,
  sweep_until timestamptz,
  unique (broker_id, name)
);
comment on column app.campaigns.sequence is 'the steps: day, subject and HTML body of each email, ready to send';
comment on column app.campaigns.settings is 'schedule and sender accounts at the vendor';
comment on column app.campaigns.synced_version is 'the version that the vendor has; behind `version` it is sent again';
comment on column app.campaigns.swept_at is 'when its members at the vendor were last compared to the end';
comment on column app.campaigns.sweep_cursor is 'the last member of a comparison that is not at its end: it goes on from there';
comment on column app.campaigns.sweep_until is 'until then one replica compares it; only one campaign is compared at a time';

create table app.feed_slots (
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  lead_id uuid not null unique references app.leads on delete cascade,
  state text not null default 'reserved' check (state in ('reserved', 'added', 'refused')),
  at timestamptz not null default now(),
  primary key (broker_id, local_date, lead_id)
);
create index feed_slots_reserved_idx on app.feed_slots (broker_id, local_date) where state = 'reserved';
create index feed_slots_not_added_idx on app.feed_slots (lead_id) where state <> 'added';

create table app.feed_holds (
  lead_id uuid primary key references app.leads on delete cascade,
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  reason text not null,
  at timestamptz not null default now()
);
comment on table app.feed_holds is 'why a lead on the list was not fed on a day: it is asked about once a day';

create table app.vendor_memberships (
  lead_id uuid not null references app.leads on delete cascade,
  campaign_id uuid not null references app.campaigns on delete cascade,
  desired text not null check (desired in ('in', 'out')),
  actual text not null default 'unknown' check (actual in ('in', 'out', 'unknown')),
  value_hash bytea,
  vendor_lead_id text,
  checked_at timestamptz,
  changed_at timestamptz not null default now(),
  attempted_at timestamptz,
  claimed_until timestamptz,
  retry_at timestamptz,
  problem text,
  primary key (lead_id, campaign_id)
);
comment on column app.vendor_memberships.value_hash is 'keyed hash of the address that was fed: suppressions find it by value';
comment on column app.vendor_memberships.attempted_at is 'when the last add was committed to, before the call';
comment on column app.vendor_memberships.claimed_until is 'until then one replica works on it';
comment on column app.vendor_memberships.problem is 'not_created: the vendor answered without it; refused: nobody made it a member';
create index vendor_memberships_open_idx on app.vendor_memberships (changed_at) where desired <> actual;
create index vendor_memberships_value_idx on app.vendor_memberships (value_hash) where desired = 'in';
create index vendor_memberships_campaign_idx on app.vendor_memberships (campaign_id);
create index vendor_memberships_unknown_idx on app.vendor_memberships (retry_at) where actual = 'unknown';

-- Suppressed addresses, stopped leads, deceased owners and litigators leave all campaigns in the transaction that records the
-- fact.
create function app.take_suppressed_out() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Suppression removes a contact from every campaign in the same transaction.
begin
  update vendor_memberships set desired = 'out', changed_at = now() where value_hash = new.value_hash and desired = 'in';
  return null;
end
$$;
create trigger trg_take_suppressed_out after insert or update on app.suppressions
for each row when (new.channel = 'email')
execute function app.take_suppressed_out();

create function app.take_stopped_out() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- A stopped, paused or converted lead gets no further email. The vendor itself stops a lead that replied.
begin
  update vendor_memberships set desired = 'out', changed_at = now() where lead_id = new.id and desired = 'in';
  return null;
end
$$;

create function app.is_kept_out(of_status app.campaign_status, is_deceased boolean, is_litigator boolean) returns boolean
language sql immutable as $$
  select of_status in ('paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted') or is_deceased or is_litigator
$$;
comment on function app.is_kept_out is
  'whether a lead is to be in no campaign, whatever its addresses; one that replied is stopped by the vendor itself';

create trigger trg_take_stopped_out after update of campaign_status, deceased_owner, litigator on app.leads
for each row when (
  app.is_kept_out(new.campaign_status, new.deceased_owner, new.litigator)
  and (
    new.campaign_status is distinct from old.campaign_status
    or new.deceased_owner is distinct from old.deceased_owner
    or new.litigator is distinct from old.litigator
  )
)
execute function app.take_stopped_out();

create function app.take_litigator_out() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- An address of a known litigator.
begin
  update vendor_memberships
  set desired = 'out', changed_at = now()
  where lead_id = new.lead_id and value_hash = new.value_hash and desired = 'in';
  return null;
end
$$;
create trigger trg_take_litigator_out after insert or update of litigator on app.lead_contacts
for each row when (new.litigator and new.channel = 'email')
execute function app.take_litigator_out();

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

-- Verified leads that wait to be queued. They are few at any time, whatever the size of the table.
create index leads_unqueued_idx on app.leads (id)
  where campaign_status = 'new' and (email_verified or phone_verified) and not deceased_owner and not litigator;

create materialized view app.mv_contactable_leads as
select id as lead_id, id, assigned_broker_id, campaign_status, lead_score, added_to_campaign_at, email_verified, phone_verified,
  property_state, property_zip
from app.leads
where campaign_status in ('queued', 'active')
and (email_verified or phone_verified)
and not deceased_owner
and not litigator;
create unique index mv_contactable_leads_id_key on app.mv_contactable_leads (id);
create index mv_contactable_leads_feed_idx on app.mv_contactable_leads (assigned_broker_id, lead_score desc, id)
  where campaign_status = 'queued' and email_verified and added_to_campaign_at is null;
comment on materialized view app.mv_contactable_leads is 'no contact details, closed to brokers: they read contactable_leads';

create view app.contactable_leads with (security_barrier) as
select * from app.mv_contactable_leads where assigned_broker_id = (select auth.uid());

create function app.refresh_contactable_leads() returns void
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Refresh the candidate snapshot without blocking its readers. A concurrent second call does nothing.
begin
  if pg_try_advisory_xact_lock(hashtext('refresh_contactable_leads')) then
    refresh materialized view concurrently app.mv_contactable_leads;
  end if;
end
$$;

grant select, insert, update on app.campaigns, app.personas, app.vendor_memberships to svc_feeder;
grant select, insert, update, delete on app.feed_slots, app.feed_holds to svc_feeder;
grant select on app.mv_contactable_leads, pipeline.due_adds to svc_feeder;
grant select on app.campaigns, app.contactable_leads to authenticated;
grant execute on function app.refresh_contactable_leads to svc_feeder;
grant execute on function app.is_kept_out to svc_feeder, svc_ingest;
reset role;
