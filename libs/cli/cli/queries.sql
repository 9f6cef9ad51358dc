-- Every SQL statement of the command line. It logs in as the database's owner; `search_path` has `app` and `pipeline`.

-- name: broker_named(named)$
-- The broker with this id, or this name in any case.
select id from app.brokers
where id::text = :named or lower(name) = lower(:named)
order by id::text = :named desc
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
    (select count(*) from app.leads l where l.broker_id = b.id) as leads
from app.brokers b
where :all or b.active
order by lower(b.name);

-- name: show_broker(broker_id)^
select
    b.id, b.name, b.email, b.daily_limit, b.booking_link, b.active, b.created_at,
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
            where l.broker_id = b.id
            group by 1
        ) s
    ) as leads
from app.brokers b
where b.id = :broker_id;

-- name: count_unassigned_leads()$
-- Leads without a broker are counted and shown, never fed.
select count(*) from app.leads where broker_id is null;

-- name: set_broker_active(active, broker_id)!
update app.brokers set active = :active where id = :broker_id;

-- name: add_territory(broker_id, state, county, zip)<!
insert into app.territories (broker_id, state, county, zip)
values (:broker_id, :state, :county, :zip)
returning id;

-- name: rival_territory(broker_id, state, county, zip)$
-- Another active broker who already holds exactly this territory.
select b.name
from app.territories t
join app.brokers b on b.id = t.broker_id and b.active
where t.broker_id <> :broker_id
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

-- name: partner_named(named)$
-- The partner with this id, or this name in any case.
select id from app.partners
where id::text = :named or lower(name) = lower(:named)
order by id::text = :named desc
limit 1;

-- name: add_partner(id, name, broker_ids, default_broker_id)^
insert into app.partners (id, name, broker_ids, default_broker_id)
values (:id, :name, :broker_ids, :default_broker_id)
returning id, name, broker_ids, default_broker_id, created_at;

-- name: list_partners()
select
    p.id, p.name,
    case when p.broker_ids is null then array['any']
         else array(select b.name from app.brokers b where b.id = any (p.broker_ids) order by b.name) end as brokers,
    (select b.name from app.brokers b where b.id = p.default_broker_id) as default_broker,
    (select count(*) from app.partner_keys k where k.partner_id = p.id and k.active) as active_keys,
    (select count(*) from app.uploads u where u.partner_id = p.id) as uploads,
    p.created_at
from app.partners p
order by lower(p.name);

-- name: add_key(key_id, partner_id, scheme, secret_sealed)!
insert into app.partner_keys (key_id, partner_id, scheme, secret_sealed, active)
values (:key_id, :partner_id, :scheme, :secret_sealed, true);

-- name: list_keys(all, partner_id)
select k.key_id, p.name as partner, k.scheme, k.active, k.created_at, k.last_used_at, k.revoked_at
from app.partner_keys k
join app.partners p on p.id = k.partner_id
where (:all or k.active) and (:partner_id::uuid is null or k.partner_id = :partner_id)
order by lower(p.name), k.created_at;

-- name: find_key(key_id)^
select k.key_id, k.partner_id, p.name as partner, k.scheme, k.active
from app.partner_keys k
join app.partners p on p.id = k.partner_id
where k.key_id = :key_id;

-- name: count_other_active_keys(partner_id, key_id)$
select count(*) from app.partner_keys where partner_id = :partner_id and active and key_id <> :key_id;

-- name: revoke_key(key_id)!
update app.partner_keys set active = false, revoked_at = now() where key_id = :key_id;

-- name: list_uploads(partner_id, state, limit)
select
    u.id, u.state::text as state, p.name as partner, u.key_id, u.filename, u.size, u.rows_total,
    coalesce(t.inserted, 0) as inserted, coalesce(t.updated, 0) as updated,
    coalesce(t.duplicate, 0) as duplicate, coalesce(t.rejected, 0) as rejected,
    u.received_at, u.done_at, u.problem
from app.uploads u
join app.partners p on p.id = u.partner_id
left join lateral (
    select
        sum(inserted)::bigint as inserted, sum(updated)::bigint as updated,
        sum(duplicate)::bigint as duplicate, sum(rejected)::bigint as rejected
    from app.upload_tallies
    where upload_id = u.id
) t on true
where (:partner_id::uuid is null or u.partner_id = :partner_id)
  and (:state::text is null or u.state::text = :state)
order by u.received_at desc
limit :limit;

-- name: funnel(since, upload_id, broker_id)
-- CL 7.1's query, with each event's outcomes.
with counted as (
    select
        event_type,
        outcome,
        count(*) as events,
        count(distinct lead_id) as leads,
        sum(duration_ms) as duration_sum,
        count(duration_ms) as durations
    from app.pipeline_events
    where created_at > now() - :since::interval
      and (:upload_id::uuid is null or upload_id = :upload_id)
      and (:broker_id::uuid is null or broker_id = :broker_id)
    group by event_type, outcome
)
select
    event_type,
    sum(events)::bigint as count,
    sum(leads)::bigint as leads,
    (sum(duration_sum) / nullif(sum(durations), 0))::float8 as avg_duration_ms,
    coalesce(jsonb_object_agg(outcome, events order by events desc) filter (where outcome is not null), '{}') as outcomes
from counted
group by event_type
order by count desc;

-- name: list_dead_letters(status, consumer, limit)
select id, status::text as status, consumer, source, reason, failure_kind, attempts, redrive, retry_after, last_failed_at
from pipeline.pipeline_dlq
where (:status::text is null and status in ('open', 'retrying') or status::text = :status)
  and (:consumer::text is null or consumer = :consumer)
order by id desc
limit :limit;

-- name: count_dead_letters()
select status::text as status, count(*) as count from pipeline.pipeline_dlq group by 1 order by 1;

-- name: show_dead_letter(id)^
select * from pipeline.pipeline_dlq where id = :id;
