-- Every SQL statement of the pull.

-- name: list_searches()
-- The searches to pull, in their order. One whose broker takes no leads would only make dead letters at ingest.
select s.id, s.name, s.criteria, s.broker_id, s.every_days, s.daily_records, s.daily_cents
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where s.enabled
and (s.broker_id is null or b.active)
order by s.position, s.created_at;

-- name: find_search(name)^
select
    s.id, s.name, s.criteria, s.broker_id, s.every_days, s.daily_records, s.daily_cents,
    coalesce(b.active, true) as is_wanted
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where lower(s.name) = lower(:name);

-- name: begin_run(id, search_id, local_date, every_days, anyway)!
-- A round of a search, if none is open and the last one began so many days ago, or anyway.
insert into pipeline.pull_runs (id, search_id, started_on)
select :id, :search_id, :local_date::date
where not exists (
    select from pipeline.pull_runs r
    where r.search_id = :search_id
    and (r.finished_at is null or (r.started_on > :local_date::date - :every_days::integer and not :anyway))
)
on conflict do nothing;

-- name: claim_run(search_id, holder, lease)^
-- The open round of a search, for one holder at a time. A page that its last holder asked for and never kept is unknown.
with open as (
    select id, asked_take
    from pipeline.pull_runs
    where search_id = :search_id
    and finished_at is null
    and (leased_until is null or leased_until < now())
    for update skip locked
)
update pipeline.pull_runs r
set
    holder = :holder, leased_until = now() + :lease::interval, asked_skip = null, asked_take = null, asked_at = null,
    unknown_pages = r.unknown_pages + (open.asked_take is not null)::integer,
    unknown_records = r.unknown_records + coalesce(open.asked_take, 0)
from open
where r.id = open.id
returning r.id, r.unread::text, r.results_found, r.last_page, r.empty_pages, coalesce(open.asked_take, 0) as lost_records;

-- name: lock_budgets()$
select pg_advisory_xact_lock(hashtext('equity-pull-budgets'));

-- name: read_day(search_id, local_date)^
-- What is used of the day's budgets: by this search, and by all.
select
    coalesce(sum(records) filter (where search_id = :search_id), 0)::integer as records,
    coalesce(sum(cents) filter (where search_id = :search_id), 0) as cents,
    coalesce(sum(unknown_pages) filter (where search_id = :search_id), 0)::integer as unknown_pages,
    coalesce(sum(records), 0)::integer as all_records,
    coalesce(sum(cents), 0) as all_cents
from pipeline.pull_days
where local_date = :local_date;

-- name: note_asking(run_id, holder, skip, take, lease)!
-- The intent, committed before the call.
update pipeline.pull_runs
set asked_skip = :skip, asked_take = :take, asked_at = now(), leased_until = now() + :lease::interval
where id = :run_id
and holder = :holder;

-- name: use_budget(search_id, local_date, records, cents, unknown_pages)!
-- Use so much of the day; less than nothing gives it back.
insert into pipeline.pull_days as d (search_id, local_date, records, cents, unknown_pages)
values (:search_id, :local_date, :records, :cents, :unknown_pages)
on conflict (search_id, local_date) do update
set
    records = d.records + excluded.records, cents = d.cents + excluded.cents,
    unknown_pages = d.unknown_pages + excluded.unknown_pages;

-- name: keep_page(run_id, holder, unread, found, last_page, pages, empty_pages, records, rejects, repeats, cents)!
-- A page's answer and where the reading goes on, if this holder still is the one that asked.
update pipeline.pull_runs
set
    unread = :unread::jsonb, results_found = :found, last_page = :last_page, empty_pages = :empty_pages,
    pages = pages + :pages, records = records + :records, rejects = rejects + :rejects, repeats = repeats + :repeats,
    cents = cents + :cents, asked_skip = null, asked_take = null, asked_at = null
where id = :run_id
and holder = :holder
and asked_take is not null;

-- name: close_asking(run_id, holder, unknown_pages, unknown_records, cents)!
-- No answer came: it cost nothing, or nobody knows.
update pipeline.pull_runs
set
    asked_skip = null, asked_take = null, asked_at = null, unknown_pages = unknown_pages + :unknown_pages,
    unknown_records = unknown_records + :unknown_records, cents = cents + :cents
where id = :run_id
and holder = :holder
and asked_take is not null;

-- name: release_run(run_id, holder, outcome, detail, finished)!
update pipeline.pull_runs
set
    holder = null, leased_until = null, outcome = :outcome, detail = :detail, stopped_at = now(),
    finished_at = case when :finished then now() end
where id = :run_id
and holder = :holder;

-- name: add_rejects(run_id, ids, reasons, sealed)!
insert into pipeline.pull_rejects (id, run_id, reason, sealed)
select new.id, :run_id, new.reason, new.sealed
from unnest(:ids::uuid[], :reasons::text[], :sealed::bytea[]) as new (id, reason, sealed);

-- name: drop_rejects(days)!
delete from pipeline.pull_rejects
where at < now() - make_interval(days => :days);
