-- Feeding: calendar of each broker, reasons why leads wait, desired campaigns, and memberships as a desired state.
set local role equity_owner;

alter table app.brokers
  add column feed_weekdays smallint[] not null default '{1,2,3,4,5}'
    check (feed_weekdays <@ '{1,2,3,4,5}'::smallint[]),
  add column feed_on_holidays boolean,
  add column days_off date[] not null default '{}';
comment on column app.brokers.feed_weekdays is 'ISO weekdays on which leads are fed: 1 is Monday, 5 is Friday';
comment on column app.brokers.feed_on_holidays is 'whether leads are fed on federal holidays; null: as the installation is set';
comment on column app.brokers.days_off is 'single days on which no lead is fed';

create function app.lock_broker_for_feed(of_broker uuid)
returns table (
  name text, daily_limit integer, active boolean, feed_weekdays smallint[], feed_on_holidays boolean, days_off date[]
)
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Allow one feed per broker at a time, and none during a change of its limit. The lock lasts until the transaction ends.
  select b.name, b.daily_limit, b.active, b.feed_weekdays, b.feed_on_holidays, b.days_off
  from brokers b
  where b.id = of_broker
  for no key update
$$;

create table app.feed_holds (
  lead_id uuid primary key references app.leads on delete cascade,
  broker_id uuid not null references app.brokers on delete cascade,
  local_date date not null,
  reason text not null,
  at timestamptz not null default now()
);
comment on table app.feed_holds is 'why a lead on the list was not fed on a day: it is asked about once a day';
alter table app.feed_holds enable row level security;
alter table app.feed_holds force row level security;
create policy owner_all on app.feed_holds for all to equity_owner using (true) with check (true);
create policy pipeline_feed_holds_write on app.feed_holds for all to pipeline_writer using (true) with check (true);

create index feed_slots_reserved_idx on app.feed_slots (broker_id, local_date) where state = 'reserved';

alter table app.campaigns
  add column settings jsonb not null default '{}',
  add column synced_version integer not null default 0,
  add column claimed_until timestamptz,
  add column problem text;
comment on column app.campaigns.sequence is 'the steps: day, subject and HTML body of each email, ready to send';
comment on column app.campaigns.settings is 'schedule and sender accounts at the vendor';
comment on column app.campaigns.synced_version is 'the version that the vendor has; behind `version` it is sent again';

alter table app.vendor_memberships
  add column value_hash bytea,
  add column attempted_at timestamptz,
  add column claimed_until timestamptz,
  add column retry_at timestamptz,
  add column problem text;
comment on column app.vendor_memberships.value_hash is 'keyed hash of the address that was fed: suppressions find it by value';
comment on column app.vendor_memberships.attempted_at is 'when the last add was committed to, before the call';
comment on column app.vendor_memberships.claimed_until is 'until then one replica works on it';
comment on column app.vendor_memberships.problem is 'not_created: the vendor answered without it; refused: nobody made it a member';
create index vendor_memberships_value_idx on app.vendor_memberships (value_hash) where desired = 'in';
create index vendor_memberships_campaign_idx on app.vendor_memberships (campaign_id);
create index vendor_memberships_unknown_idx on app.vendor_memberships (retry_at) where actual = 'unknown';

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
create trigger trg_take_stopped_out after update of campaign_status on app.leads
for each row when (
  new.campaign_status is distinct from old.campaign_status
  and new.campaign_status in ('paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted')
)
execute function app.take_stopped_out();

drop index app.mv_contactable_leads_feed_idx;
create index mv_contactable_leads_feed_idx on app.mv_contactable_leads (assigned_broker_id, lead_score desc, id)
  where campaign_status = 'queued' and email_verified and added_to_campaign_at is null;

create table pipeline.jobs (
  job text primary key,
  local_time time,
  weekdays smallint[],
  window_minutes integer,
  every_seconds double precision,
  declared_at timestamptz not null default now()
);
comment on table pipeline.jobs is 'the jobs that services have declared: at a local time of Los Angeles, or every so often';

create function pipeline.declare_job(
  of_job text, at_time time, on_weekdays smallint[], for_minutes integer, every double precision
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into jobs (job, local_time, weekdays, window_minutes, every_seconds)
  select of_job, at_time, on_weekdays, for_minutes, every
  where split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
  on conflict (job) do update
  set local_time = excluded.local_time, weekdays = excluded.weekdays, window_minutes = excluded.window_minutes,
    every_seconds = excluded.every_seconds, declared_at = now()
$$;

create function pipeline.start_job(of_job text, on_date date, by_host text) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  -- Record a manual run, whether or not the job already ran that day.
  insert into job_runs (job, local_date, host)
  select of_job, on_date, by_host
  where split_part(of_job, '.', 1) = replace(session_user, 'svc_', '') or pg_has_role(session_user, 'equity_owner', 'member')
  on conflict (job, local_date) do update
  set host = by_host, started_at = now(), finished_at = null, outcome = null, detail = null
$$;

revoke all on function app.lock_broker_for_feed(uuid), app.take_suppressed_out(), app.take_stopped_out(),
  pipeline.declare_job(text, time, smallint[], integer, double precision), pipeline.start_job(text, date, text) from public;
grant execute on function app.lock_broker_for_feed(uuid) to svc_feeder;
grant execute on function pipeline.declare_job(text, time, smallint[], integer, double precision),
  pipeline.start_job(text, date, text) to pipeline_writer;
grant select, insert, update, delete on app.feed_holds to svc_feeder;
grant select on pipeline.jobs to pipeline_writer;
reset role;
