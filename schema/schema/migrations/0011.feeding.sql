-- Feeding: campaigns, slots, desired and actual memberships, and the snapshot of leads that may be contacted.
set local role equity_owner;

create table app.personas (
  id integer primary key,
  name text not null,
  profile jsonb not null default '{}'
);
comment on table app.personas is
  'a sender of emails with a name and a profile, written by `equity campaigns sync` from a campaign file';
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
  audited_at timestamptz,
  audit_cursor text,
  audit_until timestamptz,
  unique (broker_id, name)
);
comment on table app.campaigns is
  'a campaign of emails at Instantly; `equity campaigns sync` writes its desired state, the feeder the state at the vendor';
comment on column app.campaigns.sequence is 'steps: day, subject and HTML body of each email, ready to send';
comment on column app.campaigns.settings is 'schedule and sender accounts at the vendor';
comment on column app.campaigns.synced_version is 'version at the vendor; a lower number than `version` causes a sync';
comment on column app.campaigns.audited_at is 'time of the last complete audit of the members at the vendor';
comment on column app.campaigns.audit_cursor is 'last audited member of an incomplete audit, which continues after it';
comment on column app.campaigns.audit_until is
  'end of the lease of the replica that audits this campaign; one campaign is audited at a time';

create table app.feed_slots (
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  lead_id uuid not null unique references app.leads on delete cascade,
  state text not null default 'reserved' check (state in ('reserved', 'added', 'returned')),
  at timestamptz not null default now(),
  primary key (broker_id, local_date, lead_id)
);
comment on table app.feed_slots is 'a unit of the daily limit of a broker, reserved by the feeder for one lead';
create index feed_slots_reserved_idx on app.feed_slots (broker_id, local_date) where state = 'reserved';
create index feed_slots_not_added_idx on app.feed_slots (lead_id) where state <> 'added';

create table app.feed_skips (
  lead_id uuid primary key references app.leads on delete cascade,
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  reason text not null,
  at timestamptz not null default now()
);
comment on table app.feed_skips is 'reason for which the feed skipped a candidate on a day; each lead is checked once a day';

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
comment on table app.vendor_memberships is
  'desired and actual membership of a lead in a campaign at Instantly, written by the feeder';
comment on column app.vendor_memberships.value_hash is
  'keyed hash of the email address that was fed; suppressions find the membership by it';
comment on column app.vendor_memberships.attempted_at is 'time of the last add; committed before the call';
comment on column app.vendor_memberships.claimed_until is 'end of the claim of one replica on this row';
comment on column app.vendor_memberships.problem is
  'not_created: the response of the vendor omitted the lead; refused: the vendor rejected it and it is no member';
create index vendor_memberships_open_idx on app.vendor_memberships (changed_at) where desired <> actual;
create index vendor_memberships_value_idx on app.vendor_memberships (value_hash) where desired = 'in';
create index vendor_memberships_campaign_idx on app.vendor_memberships (campaign_id);
create index vendor_memberships_unknown_idx on app.vendor_memberships (retry_at) where actual = 'unknown';

-- Suppressed addresses, stopped leads, deceased owners and litigators leave all campaigns in the transaction that records the
-- fact.
create function app.remove_suppressed_members() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Remove a suppressed address from every campaign in the same transaction.
begin
  update vendor_memberships set desired = 'out', changed_at = now() where value_hash = new.value_hash and desired = 'in';
  return null;
end
$$;
create trigger trg_remove_suppressed_members after insert or update on app.suppressions
for each row when (new.channel = 'email')
execute function app.remove_suppressed_members();

create function app.remove_stopped_members() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Remove a stopped, paused or converted lead from every campaign. The vendor itself stops a lead that replied.
begin
  update vendor_memberships set desired = 'out', changed_at = now() where lead_id = new.id and desired = 'in';
  return null;
end
$$;

create function app.is_excluded_from_campaigns(of_status app.campaign_status, is_deceased boolean, is_litigator boolean) returns boolean
language sql immutable as $$
  select of_status in ('paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted') or is_deceased or is_litigator
$$;
comment on function app.is_excluded_from_campaigns is
  'true: the lead belongs in no campaign, whatever its addresses. The vendor itself stops a lead that replied';

create trigger trg_remove_stopped_members after update of campaign_status, deceased_owner, litigator on app.leads
for each row when (
  app.is_excluded_from_campaigns(new.campaign_status, new.deceased_owner, new.litigator)
  and (
    new.campaign_status is distinct from old.campaign_status
    or new.deceased_owner is distinct from old.deceased_owner
    or new.litigator is distinct from old.litigator
  )
)
execute function app.remove_stopped_members();

create function app.remove_litigator_members() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Remove the address of a known litigator from every campaign.
begin
  update vendor_memberships
  set desired = 'out', changed_at = now()
  where lead_id = new.lead_id and value_hash = new.value_hash and desired = 'in';
  return null;
end
$$;
create trigger trg_remove_litigator_members after insert or update of litigator on app.lead_contacts
for each row when (new.litigator and new.channel = 'email')
execute function app.remove_litigator_members();

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
  'reserved slots whose lead may still be added; if lead, broker or campaign changed since the feed, the slot is used the next morning';

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
comment on materialized view app.mv_contactable_leads is
  'candidate snapshot without contact details; brokers have no access and read contactable_leads';

create view app.contactable_leads with (security_barrier) as
select * from app.mv_contactable_leads where assigned_broker_id = (select auth.uid());
comment on view app.contactable_leads is 'rows of the candidate snapshot that belong to the signed-in broker';

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
grant select, insert, update, delete on app.feed_slots, app.feed_skips to svc_feeder;
grant select on app.mv_contactable_leads, pipeline.due_adds to svc_feeder;
grant select on app.campaigns, app.contactable_leads to authenticated;
grant execute on function app.refresh_contactable_leads to svc_feeder;
grant execute on function app.is_excluded_from_campaigns to svc_feeder, svc_ingest;
reset role;
