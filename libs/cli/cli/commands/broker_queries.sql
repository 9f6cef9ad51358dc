-- Statements of `equity brokers`, run as the owner: no service writes brokers and territories.
-- json: decoded

-- name: add_broker^
-- Add a broker, under a new id if none is given.
-- row: AddedBroker
-- always one row
-- nullable: :broker_id, :legal_name, :email, :booking_link
insert into app.brokers (id, name, legal_name, email, daily_limit, booking_link)
values (coalesce(:broker_id, gen_random_uuid()), :name, :legal_name, :email, :daily_limit, :booking_link)
returning id, name, legal_name, email, daily_limit, booking_link, active, created_at;

-- name: list_brokers
-- row: ListedBroker
-- not null: territories, territories[], leads
select
  b.id, b.name, b.email, b.daily_limit, b.active,
  array(
    select concat_ws(' ', t.state, t.county, t.zip)
    from app.territories t
    where t.broker_id = b.id
    order by t.state, t.county nulls first, t.zip nulls first
  ) as territories,
  (select count(*) from app.leads l where l.assigned_broker_id = b.id) as leads
from app.brokers b
where :with_disabled or b.active
order by lower(b.name);

-- name: show_broker^
-- row: BrokerDetails
-- always one row
-- not null: feed_weekdays[], days_off[], territories, territories[], leads
select
  b.id, b.name, b.legal_name, b.email, b.daily_limit, b.feed_weekdays, b.feed_on_holidays, b.days_off, b.daily_calls,
  b.calls_per_hour, b.booking_link, b.active, b.created_at,
  array(
    select concat_ws(' ', t.state, t.county, t.zip)
    from app.territories t
    where t.broker_id = b.id
    order by t.state, t.county nulls first, t.zip nulls first
  ) as territories,
  (
    select coalesce(jsonb_object_agg(s.status, s.leads), '{}')
    from (
      select l.campaign_status::text as status, count(*) as leads
      from app.leads l
      where l.assigned_broker_id = b.id
      group by 1
    ) s
  ) as leads
from app.brokers b
where b.id = :broker_id;

-- name: count_unassigned_leads$
-- Count the leads without a broker. They are shown, never fed.
-- always a value
select count(*) from app.leads where assigned_broker_id is null;

-- name: count_waiting_leads$
-- Count the leads without a broker that a new territory covers. Those that another one covers more closely do not count.
-- always a value
-- nullable: :county, :zip_code
select count(*)
from app.leads l
where l.assigned_broker_id is null
and (:zip_code::text is not null or l.property_state = :state)
and l.county is not distinct from coalesce(:county::text, l.county)
and l.property_zip is not distinct from coalesce(:zip_code::text, l.property_zip)
and (l.assignable_broker_ids is null or :broker_id = any (l.assignable_broker_ids))
and not exists (
  select
  from app.territories t
  join app.brokers b on b.id = t.broker_id and b.active
  where t.broker_id <> :broker_id
  and (
    t.zip = l.property_zip and :zip_code::text is null
    or t.state = l.property_state and t.county = l.county and :zip_code::text is null and :county::text is null
  )
);

-- name: set_broker_active$
-- Return the broker's id if that changes it.
update app.brokers
set active = :active
where id = :broker_id
and active <> :active
returning id;

-- name: mark_campaigns_due!
-- Mark a broker's campaigns as different from Instantly's, which has to pause or resume them. Campaigns send while their
-- broker is active.
-- role: feeder
update app.campaigns
set version = version + 1
where broker_id = :broker_id
and active;

-- name: add_territory!
-- nullable: :county, :zip_code
insert into app.territories (broker_id, state, county, zip)
values (:broker_id, :state, :county, :zip_code);

-- name: find_territory_holder^
-- Return the active broker, or the given one, that has exactly this territory.
-- row: TerritoryHolder
-- nullable: :county, :zip_code
select b.id, b.name
from app.territories t
join app.brokers b on b.id = t.broker_id
where (b.active or b.id = :broker_id)
and t.state = :state
and t.county is not distinct from :county
and t.zip is not distinct from :zip_code
limit 1;

-- name: remove_territory!
-- nullable: :county, :zip_code
delete from app.territories
where broker_id = :broker_id
and state = :state
and county is not distinct from :county
and zip is not distinct from :zip_code;

-- name: set_feeding!
-- Change a broker's limit and calendar; null leaves a value as it is.
-- nullable: :daily_limit, :weekdays, :on_holidays, :days_off
update app.brokers
set
  daily_limit = coalesce(:daily_limit, daily_limit),
  feed_weekdays = coalesce(:weekdays::smallint[], feed_weekdays),
  feed_on_holidays = case when :set_holidays then :on_holidays else feed_on_holidays end,
  days_off = array(
    select distinct d
    from unnest(coalesce(:days_off::date[], days_off) || coalesce(:more_days_off::date[], '{}')) d
    order by d
  )
where id = :broker_id;

-- name: set_names_and_calls!
-- Change a broker's names, how it is reached, and its limits of calls; null leaves a value as it is.
-- nullable: :name, :legal_name, :email, :booking_link, :daily_calls, :calls_per_hour
update app.brokers
set
  name = coalesce(:name, name),
  legal_name = coalesce(:legal_name, legal_name),
  email = coalesce(:email, email),
  booking_link = coalesce(:booking_link, booking_link),
  daily_calls = coalesce(:daily_calls, daily_calls),
  calls_per_hour = coalesce(:calls_per_hour, calls_per_hour)
where id = :broker_id;
