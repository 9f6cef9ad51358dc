-- Statements of the feeder's commands, run with its role.
-- json: decoded

-- name: list_active_brokers
-- row: ActiveBroker
select id, name
from app.brokers
where active
order by lower(name);

-- name: upsert_persona!
insert into app.personas (id, name, profile)
values (:persona_id, :name, :profile::jsonb)
on conflict (id) do update set name = excluded.name, profile = excluded.profile;

-- name: upsert_campaign$
-- Return `created` or `updated`, or null for a campaign that is as it should be.
insert into app.campaigns as c (broker_id, persona_id, name, sequence, settings)
values (:broker_id, :persona_id, :name, :sequence::jsonb, :settings::jsonb)
on conflict (broker_id, name) do update
set
  persona_id = excluded.persona_id, sequence = excluded.sequence, settings = excluded.settings, active = true,
  version = c.version + 1
where (c.persona_id, c.sequence, c.settings, c.active)
  is distinct from (excluded.persona_id, excluded.sequence, excluded.settings, true)
returning case when c.version = 1 then 'created' else 'updated' end;

-- name: lock_unwanted_campaigns
-- Lock and list active campaigns other than these.
-- The campaigns of a disabled broker pause anyway, and resume with the broker.
select c.id
from app.campaigns c
where c.active
and c.broker_id in (select id from app.brokers where active)
and not exists (
  select
  from unnest(:broker_ids::uuid[], :names::text[]) as w (broker_id, name)
  where w.broker_id = c.broker_id and w.name = c.name
)
for update;

-- name: retire_campaigns!
update app.campaigns
set active = false, version = version + 1
where id = any (:campaign_ids::uuid[]);

-- name: reset_missing_campaigns!
-- Let the feeder create campaigns again that were deleted at Instantly.
update app.campaigns
set vendor_campaign_id = null, synced_version = 0, problem = null
where problem = 'missing';

-- name: list_campaigns
-- row: ListedCampaign
-- not null: state, members, leaving, waiting
select
  c.id, b.name as broker, c.name, c.active, c.version, c.synced_at,
  coalesce(c.problem, 'Instantly denies access: ' || s.last_failure) as problem,
  case
    when c.version > c.synced_version and (c.active and b.active or c.vendor_campaign_id is not null) then 'due'
    when not (c.active and b.active) then 'pauses'
    when c.settings -> 'senders' = '[]' then 'no senders'
    else 'sends'
  end as state,
  (select count(*) from app.vendor_memberships m where m.campaign_id = c.id and m.actual = 'in') as members,
  (
    select count(*)
    from app.vendor_memberships m
    where m.campaign_id = c.id and m.desired = 'out' and m.actual <> 'out'
  ) as leaving,
  (
    select count(*)
    from app.vendor_memberships m
    where m.campaign_id = c.id and m.desired = 'in' and m.actual <> 'in'
  ) as waiting
from app.campaigns c
join app.brokers b on b.id = c.broker_id
left join pipeline.provider_states s on s.provider = 'instantly' and s.access_denied
order by lower(b.name), c.name;

-- name: list_lead_labels
-- Return address and owner of homes, in a line each, for the operator's terminal.
-- row: LeadLabel
-- not null: address
select
  id,
  concat_ws(', ', concat_ws(' ', property_address, property_unit), property_city, concat_ws(' ', property_state, property_zip)) as address,
  coalesce(nullif(concat_ws(' ', owner_first_name, owner_last_name), ''), company_name) as owner
from app.leads
where id = any (:lead_ids::uuid[]);

-- name: list_feed_slots
-- row: SlotsOfDay
-- nullable: :broker_id
-- not null: added, reserved, returned, skipped
select
  b.name as broker, s.local_date, b.daily_limit,
  count(*) filter (where s.state = 'added') as added,
  count(*) filter (where s.state = 'reserved') as reserved,
  count(*) filter (where s.state = 'returned') as returned,
  (
    select count(*)
    from app.feed_skips h
    where h.broker_id = s.broker_id and h.local_date = s.local_date
  ) as skipped
from app.feed_slots s
join app.brokers b on b.id = s.broker_id
where s.local_date > :today::date - :days::integer
and (:broker_id::uuid is null or s.broker_id = :broker_id)
group by b.name, s.broker_id, s.local_date, b.daily_limit
order by s.local_date desc, lower(b.name);

-- name: find_broker_calendar^
-- row: BrokerCalendar
-- not null: feed_weekdays[], days_off[]
-- always one row
select feed_weekdays, feed_on_holidays, days_off
from app.brokers
where id = :broker_id;

-- name: find_last_feed_day$
-- Return the latest business date of a feed, by whatever run.
select greatest(
  (select max(local_date) from pipeline.job_runs where job in ('feeder.refresh', 'feeder.feed')),
  (select max(local_date) from app.feed_slots where broker_id = :broker_id)
);
