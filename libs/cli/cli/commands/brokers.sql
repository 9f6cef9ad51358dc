-- Statements of `equity brokers`, run as the owner: no service writes brokers and territories.

-- name: find_broker_by_name(name)$
-- The broker with this name in any case, or with this id: names and ids are given in the same place.
select id
from app.brokers
where id::text = :name or lower(name) = lower(:name)
order by id::text = :name desc
limit 1;

-- name: add_broker(id, name, email, daily_limit, booking_link)^
insert into app.brokers (id, name, email, daily_limit, booking_link)
values (coalesce(:id, gen_random_uuid()), :name, :email, :daily_limit, :booking_link)
returning id, name, email, daily_limit, booking_link, active, created_at;

-- name: list_brokers(all)
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
where :all or b.active
order by lower(b.name);

-- name: show_broker(broker_id)^
select
    b.id, b.name, b.email, b.daily_limit, b.feed_weekdays, b.feed_on_holidays, b.days_off, b.booking_link, b.active, b.created_at,
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

-- name: count_unassigned_leads()$
-- Leads without a broker are counted and shown, never fed.
select count(*) from app.leads where assigned_broker_id is null;

-- name: count_waiting_leads(broker_id, state, county, zip)$
-- Leads without a broker that a territory which was just added covers; what another one covers more closely is not counted.
select count(*)
from app.leads l
where l.assigned_broker_id is null
  and (:zip::text is not null or l.property_state = :state)
  and l.county is not distinct from coalesce(:county::text, l.county)
  and l.property_zip is not distinct from coalesce(:zip::text, l.property_zip)
  and (l.assignable_broker_ids is null or :broker_id = any (l.assignable_broker_ids))
  and not exists (
      select from app.territories t
      join app.brokers b on b.id = t.broker_id and b.active
      where t.broker_id <> :broker_id
        and (t.zip = l.property_zip and :zip::text is null
             or t.state = l.property_state and t.county = l.county and :zip::text is null and :county::text is null)
  );

-- name: set_broker_active(active, broker_id)$
-- The broker's id where that changes it, null where it is so already.
update app.brokers
set active = :active
where id = :broker_id
  and active <> :active
returning id;

-- name: mark_campaigns_due(broker_id)!
-- Run with the feeder's role. Campaigns send while their broker is active, so Instantly has to pause or resume them.
update app.campaigns
set version = version + 1
where broker_id = :broker_id
  and active;

-- name: add_territory(broker_id, state, county, zip)<!
insert into app.territories (broker_id, state, county, zip)
values (:broker_id, :state, :county, :zip)
returning id;

-- name: find_territory_holder(broker_id, state, county, zip)^
-- The active broker, or the one in question, who holds exactly this territory.
select b.id, b.name
from app.territories t
join app.brokers b on b.id = t.broker_id
where (b.active or b.id = :broker_id)
  and t.state = :state
  and t.county is not distinct from :county
  and t.zip is not distinct from :zip
limit 1;

-- name: remove_territory(broker_id, state, county, zip)^
delete from app.territories
where broker_id = :broker_id
  and state = :state
  and county is not distinct from :county
  and zip is not distinct from :zip
returning id;

-- name: set_feeding(broker_id, daily_limit, weekdays, on_holidays, set_holidays, days_off, more_days_off)!
update app.brokers
set daily_limit = coalesce(:daily_limit, daily_limit),
    feed_weekdays = coalesce(:weekdays::smallint[], feed_weekdays),
    feed_on_holidays = case when :set_holidays then :on_holidays else feed_on_holidays end,
    days_off = array(
        select distinct d
        from unnest(coalesce(:days_off::date[], days_off) || coalesce(:more_days_off::date[], '{}')) d
        order by d
    )
where id = :broker_id;

-- name: set_contact(broker_id, name, email, booking_link)!
update app.brokers
set name = coalesce(:name, name), email = coalesce(:email, email), booking_link = coalesce(:booking_link, booking_link)
where id = :broker_id;
