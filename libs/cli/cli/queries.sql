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

-- name: set_broker_active(active, broker_id)!
-- The campaigns that Instantly has are due, for they send while their broker is active.
with changed as (
    update app.brokers set active = :active where id = :broker_id and active <> :active returning id
)
update app.campaigns c
set version = c.version + 1
from changed
where c.broker_id = changed.id and c.active;

-- name: add_territory(broker_id, state, county, zip)<!
insert into app.territories (broker_id, state, county, zip)
values (:broker_id, :state, :county, :zip)
returning id;

-- name: territory_holder(broker_id, state, county, zip)^
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
    u.received_at, u.done_at, u.resends, u.problem
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

-- name: uploads_to_resend(ids, stuck_for)
-- The uploads named, or with null all that do not move on.
select
    u.id, u.state::text as state, p.name as partner, u.filename, u.problem,
    u.received_at < now() - interval '7 days' as is_too_old
from app.uploads u
join app.partners p on p.id = u.partner_id
where u.id = any (:ids::uuid[])
   or (
        :ids::uuid[] is null
        and (
            u.state in ('needs_resend', 'failed')
            or u.state = 'accounted'
            and greatest(u.published_at, (select max(t.at) from app.upload_tallies t where t.upload_id = u.id))
                < now() - :stuck_for::interval
        )
   )
order by u.received_at
for update of u;

-- name: resend_uploads!
-- The gateway that holds the file publishes all rows again; without a file it makes the upload `needs_resend`.
update app.uploads
set state = 'received', rows_published = 0, rows_total = null, published_at = null, lease_owner = null, lease_until = now(),
    problem = null, resent_at = now(), resends = 0
where id = any (:ids::uuid[])
  and state in ('accounted', 'failed');

-- name: restart_uploads!
-- When the file comes again, all its rows are sent: what was published before may be lost.
update app.uploads
set rows_published = 0, rows_total = null, published_at = null, resent_at = now()
where id = any (:ids::uuid[])
  and state = 'needs_resend'
  and rows_published > 0;

-- name: funnel(after, upload_id, broker_id)
-- CL 7.1's query, with how many leads it was and what came out. What comes of an upload: its events, and what happened to
-- its leads without an upload to name, such as a feed.
with found as (
    select event_type, outcome, lead_id, broker_id, duration_ms, created_at
    from app.pipeline_events
    where :upload_id::text is null or correlation_id = :upload_id
    union all
    select event_type, outcome, lead_id, broker_id, duration_ms, created_at
    from app.pipeline_events
    where correlation_id is null
      and lead_id in (select u.lead_id from app.pipeline_events u where u.correlation_id = :upload_id)
),
counted as (
    select
        event_type, outcome,
        grouping(outcome) = 1 as whole,
        count(*) as count,
        count(distinct lead_id) as leads,
        avg(duration_ms)::float8 as avg_duration_ms
    from found
    where created_at > :after
      and (:broker_id::uuid is null or broker_id = :broker_id)
    group by grouping sets ((event_type), (event_type, outcome))
)
select
    event_type, count, leads, avg_duration_ms,
    (
        select coalesce(jsonb_object_agg(o.outcome, o.count), '{}')
        from counted o
        where o.event_type = w.event_type and not o.whole and o.outcome is not null
    ) as outcomes
from counted w
where whole
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

-- name: park_dead_letters(ids)
update pipeline.pipeline_dlq
set status = 'parked', retry_after = null
where id = any (:ids) and status = 'open'
returning id;

-- name: show_dead_letter(id)^
select * from pipeline.pipeline_dlq where id = :id;

-- name: keys_of_upload(upload_id)
-- The active keys of the partner whose upload it is, the one that signed it first.
select k.key_id, k.scheme, k.secret_sealed
from app.uploads u
join app.partner_keys k on k.partner_id = u.partner_id and k.active
where u.id = :upload_id
order by k.key_id = u.key_id desc, k.created_at;

-- name: signing_keys(partner_id)
select key_id, scheme, secret_sealed from app.partner_keys where partner_id = :partner_id and active order by created_at;

-- name: replay_dead_letters(consumer, since, until, ids, include_parked, dry_run, requested_by)
select id, consumer, reason, status::text as status, created_at
from pipeline.replay_dead_letters(
    :consumer, :since, :until, :ids::bigint[], :include_parked, :dry_run, :requested_by
);

-- name: list_conflicts(all, kind, limit)
select
    c.id, c.kind, c.lead_id, c.other_lead_id, c.column_name, c.value,
    case c.column_name
        when 'mak' then l.mak
        when 'apn_key' then l.apn_key
        when 'addr_hash' then encode(l.addr_hash, 'hex')
    end as lead_has,
    concat_ws(', ', concat_ws(' ', l.property_address, l.property_unit), l.property_city, l.property_state) as property,
    coalesce(nullif(concat_ws(' ', l.owner_first_name, l.owner_last_name), ''), l.company_name) as owner,
    concat_ws(', ', concat_ws(' ', o.property_address, o.property_unit), o.property_city, o.property_state) as other_property,
    coalesce(nullif(concat_ws(' ', o.owner_first_name, o.owner_last_name), ''), o.company_name) as other_owner,
    l.campaign_status::text as lead_status, b.name as broker,
    c.upload_id, c.row, c.created_at, c.resolved_at, c.resolved_by, c.resolution, c.note
from app.lead_conflicts c
join app.leads l on l.id = c.lead_id
left join app.leads o on o.id = c.other_lead_id
left join app.brokers b on b.id = l.assigned_broker_id
where (:all or c.resolved_at is null) and (:kind::text is null or c.kind = :kind)
order by c.id
limit :limit;

-- name: lead_labels(lead_ids)
-- Where the home is and who owns it, in a line each, for the operator's terminal.
select
    id,
    concat_ws(', ', concat_ws(' ', property_address, property_unit), property_city, concat_ws(' ', property_state, property_zip)) as address,
    coalesce(nullif(concat_ws(' ', owner_first_name, owner_last_name), ''), company_name) as owner
from app.leads
where id = any (:lead_ids::uuid[]);

-- name: resolve_conflict(id, how, by_whom, note)$
select app.resolve_conflict(:id, :how, :by_whom, :note);

-- name: release_lead_of(conflict_id)$
select app.release_lead(c.lead_id) from app.lead_conflicts c where c.id = :conflict_id;

-- name: stale_leads(key_id, after, many)
-- Sealed values read: version, length of the key's id, the key's id, nonce, ciphertext.
select id, data_key as sealed
from app.leads
where id > :after
  and data_key is not null
  and substring(data_key from 3 for get_byte(data_key, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :many
for update;

-- name: reseal_leads*!
update app.leads set data_key = :sealed where id = :id;

-- name: stale_partner_keys(key_id, many)
select key_id as id, secret_sealed as sealed
from app.partner_keys
where substring(secret_sealed from 3 for get_byte(secret_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by key_id
limit :many
for update;

-- name: reseal_partner_keys*!
update app.partner_keys set secret_sealed = :sealed where key_id = :id;

-- name: stale_rejects(key_id, many)
select upload_id, row, row_sealed as sealed
from app.upload_rejects
where substring(row_sealed from 3 for get_byte(row_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by upload_id, row
limit :many
for update;

-- name: reseal_rejects*!
update app.upload_rejects set row_sealed = :sealed where upload_id = :upload_id and row = :row;

-- name: stale_dead_letters(key_id, many)
select id, event_id, payload as sealed
from pipeline.pipeline_dlq
where payload is not null
  and substring(payload from 3 for get_byte(payload, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :many
for update;

-- name: reseal_dead_letters*!
update pipeline.pipeline_dlq set payload = :sealed where id = :id;

-- name: stale_questions(key_id, after, many)
select id, question_sealed as sealed
from app.skip_trace_requests
where id > :after
  and question_sealed is not null
  and substring(question_sealed from 3 for get_byte(question_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :many
for update;

-- name: reseal_questions*!
update app.skip_trace_requests set question_sealed = :sealed where id = :id;

-- name: stale_answers(key_id, after, many)
select id, answer_sealed as sealed
from app.skip_trace_requests
where id > :after
  and answer_sealed is not null
  and substring(answer_sealed from 3 for get_byte(answer_sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :many
for update;

-- name: reseal_answers*!
update app.skip_trace_requests set answer_sealed = :sealed where id = :id;

-- name: stale_pull_rejects(key_id, after, many)
select id, sealed
from pipeline.pull_rejects
where id > :after
  and substring(sealed from 3 for get_byte(sealed, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :many
for update;

-- name: reseal_pull_rejects*!
update pipeline.pull_rejects set sealed = :sealed where id = :id;

-- name: list_jobs()
select *
from pipeline.job_states
order by job;

-- name: job_history(job, since, failed, limit)
select job, local_date, outcome, runs, failures, detail, host, started_at, finished_at, last_success_at
from pipeline.job_runs
where (:job::text is null or job = :job or split_part(job, '.', 1) = :job)
and local_date >= :since
and (not :failed or failures > 0 or outcome is distinct from 'ok')
order by local_date desc, started_at desc, job
limit :limit;

-- name: feed_slots(today, days, broker_id)
select
    b.name as broker, s.local_date, b.daily_limit,
    count(*) filter (where s.state = 'added') as added,
    count(*) filter (where s.state = 'reserved') as reserved,
    count(*) filter (where s.state = 'refused') as refused,
    (
        select count(*)
        from app.feed_holds h
        where h.broker_id = s.broker_id and h.local_date = s.local_date
    ) as held
from app.feed_slots s
join app.brokers b on b.id = s.broker_id
where s.local_date > :today::date - :days::integer
  and (:broker_id::uuid is null or s.broker_id = :broker_id)
group by b.name, s.broker_id, s.local_date, b.daily_limit
order by s.local_date desc, lower(b.name);

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

-- name: put_persona(id, name, profile)!
insert into app.personas (id, name, profile)
values (:id, :name, :profile::jsonb)
on conflict (id) do update set name = excluded.name, profile = excluded.profile;

-- name: put_campaign(broker_id, persona_id, name, sequence, settings)$
-- `created`, `updated`, or null where it is as it should be.
insert into app.campaigns as c (broker_id, persona_id, name, sequence, settings)
values (:broker_id, :persona_id, :name, :sequence::jsonb, :settings::jsonb)
on conflict (broker_id, name) do update
set persona_id = excluded.persona_id, sequence = excluded.sequence, settings = excluded.settings, active = true,
    version = c.version + 1
where (c.persona_id, c.sequence, c.settings, c.active)
    is distinct from (excluded.persona_id, excluded.sequence, excluded.settings, true)
returning case when c.version = 1 then 'created' else 'updated' end;

-- name: campaigns_besides(broker_ids, names)
-- Active campaigns other than these. Those of a disabled broker pause anyway, and go on with the broker.
select c.id
from app.campaigns c
where c.active
  and c.broker_id in (select id from app.brokers where active)
  and not exists (
      select from unnest(:broker_ids::uuid[], :names::text[]) as w (broker_id, name)
      where w.broker_id = c.broker_id and w.name = c.name
  )
for update;

-- name: retire_campaigns(ids)!
update app.campaigns
set active = false, version = version + 1
where id = any (:ids::uuid[]);

-- name: forget_gone_campaigns()!
-- Campaigns that Instantly has no more are made anew.
update app.campaigns
set vendor_campaign_id = null, synced_version = 0, problem = null
where problem = 'gone';

-- name: list_campaigns()
select
    c.id, b.name as broker, c.name, c.active, c.version, c.synced_at,
    coalesce(c.problem, 'Instantly refuses us: ' || s.last_fault) as problem,
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
left join pipeline.provider_states s on s.provider = 'instantly' and s.last_fault in ('http_401', 'http_402', 'http_403')
order by lower(b.name), c.name;

-- name: count_campaigns(broker_id)^
-- A broker's active campaigns, those that the feeder has still to bring to Instantly, and what keeps one of them.
select
    count(*) as campaigns,
    count(*) filter (where version > synced_version) as due,
    min(problem) as problem
from app.campaigns
where broker_id = :broker_id and active;

-- name: traced_of_upload(upload_id)^
-- The leads of an upload, those that were traced (by whatever upload), and those verified that are not in line yet.
with mine as (
    select distinct lead_id
    from app.pipeline_events
    where correlation_id = :upload_id and event_type = 'dedupe_success'
),
traced as (
    select m.lead_id, bool_or(e.event_type = 'lead_verified') as verified
    from mine m
    join app.pipeline_events e on e.lead_id = m.lead_id and e.event_type in ('lead_verified', 'lead_unverifiable')
    group by m.lead_id
)
select
    (select count(*) from mine) as leads,
    count(*) as traced,
    count(*) filter (
        where t.verified and l.campaign_status = 'new' and (l.email_verified or l.phone_verified)
    ) as to_be_queued
from traced t
join app.leads l on l.id = t.lead_id;

-- name: last_feeding_day(broker_id)$
-- The last business date that a feed was for, whenever that was and whoever asked for it.
select greatest(
    (select max(local_date) from pipeline.job_runs where job in ('feeder.refresh', 'feeder.feed')),
    (select max(local_date) from app.feed_slots where broker_id = :broker_id)
);

-- name: job_hour(job)$
select local_time from pipeline.jobs where job = :job;

-- name: job_outcome(job, local_date)$
select outcome from pipeline.job_runs where job = :job and local_date = :local_date;

-- name: slots_of_day(broker_id, local_date)^
select
    count(*) filter (where state <> 'refused') as fed,
    count(*) filter (where state = 'added') as added,
    count(*) filter (
        where state = 'added'
        and exists (select from app.pipeline_events e where e.lead_id = s.lead_id and e.event_type = 'campaign_added')
    ) as recorded,
    count(*) filter (where state = 'refused') as given_back
from app.feed_slots s
where broker_id = :broker_id and local_date = :local_date;

-- name: held_on_day(broker_id, local_date)
select reason, count(*) as leads
from app.feed_holds
where broker_id = :broker_id and local_date = :local_date
group by reason
order by leads desc, reason;

-- name: in_line(broker_id)^
select
    count(*) filter (where email_verified) as waiting,
    count(*) filter (where not email_verified) as waiting_without_email
from app.leads
where assigned_broker_id = :broker_id and campaign_status = 'queued';

-- name: paid_for_upload(upload_id)
-- What was asked of whom about an upload's leads, and what it cost; what was refused (`failed`) costs nothing.
select
    r.provider as vendor,
    count(distinct a.lead_id) as leads,
    count(*) as asked,
    sum(r.cost_cents / r.records) as cents
from app.skip_trace_attempts a
join app.skip_trace_requests r on r.id = a.request_id and r.outcome <> 'failed'
where a.lead_id in (
    select e.lead_id
    from app.pipeline_events e
    where e.correlation_id = :upload_id and e.event_type = 'dedupe_success'
)
group by r.provider
order by cents desc;

-- name: believed_members()
-- Whom Instantly has, as far as we know: by its id of the campaign, and the keyed hash of the address.
select c.vendor_campaign_id as campaign, m.value_hash
from app.vendor_memberships m
join app.campaigns c on c.id = m.campaign_id
where m.actual = 'in';

-- name: add_search(name, criteria, broker_id, position, every_days, daily_records, daily_cents)^
insert into pipeline.saved_searches (name, criteria, broker_id, position, every_days, daily_records, daily_cents)
values (:name, :criteria, :broker_id, :position, :every_days, :daily_records, :daily_cents)
on conflict do nothing
returning id, name, criteria, broker_id, position, every_days, daily_records, daily_cents, enabled;

-- name: list_searches()
-- Saved searches in their order, and how far the latest round of each is.
select
    s.name, s.enabled, s.position, b.name as broker, coalesce(b.active, true) as broker_active, s.every_days, r.started_on,
    r.results_found, r.records, r.rejects, r.cents, r.unknown_records, r.outcome, r.stopped_at,
    case
        when not s.enabled then 'disabled'
        when not coalesce(b.active, true) then 'broker disabled'
        when r.id is null then 'waits for its first round'
        when r.finished_at is not null then 'next round from ' || (r.started_on + s.every_days)
        when r.leased_until > now() then 'is pulled now'
        else 'goes on: ' || coalesce(r.outcome, 'interrupted')
    end as state
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
left join lateral (
    select * from pipeline.pull_runs where search_id = s.id order by started_at desc, id desc limit 1
) r on true
order by s.position, s.created_at;

-- name: find_search(name)^
select
    s.id, s.name, s.enabled, b.name as broker, s.position, s.every_days, s.daily_records, s.daily_cents, s.created_at, s.criteria
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where lower(s.name) = lower(:name);

-- name: search_rounds(search_id, limit)
select
    started_on, outcome, detail, results_found, unread, pages, records, rejects, repeats, cents, unknown_pages, unknown_records,
    stopped_at, finished_at
from pipeline.pull_runs
where search_id = :search_id
order by started_at desc, id desc
limit :limit;

-- name: search_days(search_id)
select local_date, records, cents, unknown_pages
from pipeline.pull_days
where search_id = :search_id
order by local_date desc
limit 7;

-- name: search_rejects(search_id, limit)
select j.id, j.reason, j.at, j.sealed
from pipeline.pull_rejects j
join pipeline.pull_runs r on r.id = j.run_id
where r.search_id = :search_id
order by j.at desc, j.id
limit :limit;

-- name: set_search_enabled(search_id, enabled)!
update pipeline.saved_searches set enabled = :enabled where id = :search_id;
