-- name: list_searches
-- Return the enabled searches in their order. Ingest would reject the records of a disabled broker, so its searches are
-- left out.
-- row: StoredSearch
-- not null: has_active_broker
select
  s.id, s.name, s.criteria, s.broker_id, s.every_days, s.daily_records, s.daily_cents, s.product, s.reason,
  coalesce(b.active, true) as has_active_broker
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where s.enabled
and (s.broker_id is null or b.active)
order by s.position, s.created_at;

-- name: find_search^
-- Return the search of this name in any case, enabled or not.
-- row: StoredSearch
-- not null: has_active_broker
select
  s.id, s.name, s.criteria, s.broker_id, s.every_days, s.daily_records, s.daily_cents, s.product, s.reason,
  coalesce(b.active, true) as has_active_broker
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where lower(s.name) = lower(:name);

-- name: start_round!
-- Start a round unless one is open. It is due every_days after the last one started; start_early ignores that.
insert into pipeline.pull_rounds (id, search_id, started_on)
select :round_id, :search_id, :local_date::date
where not exists (
  select from pipeline.pull_rounds r
  where r.search_id = :search_id
  and (r.finished_at is null or (r.started_on > :local_date::date - :every_days::integer and not :start_early))
)
on conflict do nothing;

-- name: claim_round^
-- Claim the open round of a search for one holder at a time.
-- If the last holder left an open request, its page is unknown.
-- row: ClaimedRound
-- not null: unread, lost_records
with open as (
  select id, requested_take
  from pipeline.pull_rounds
  where search_id = :search_id
  and finished_at is null
  and (lease_until is null or lease_until < now())
  for update skip locked
)
update pipeline.pull_rounds r
set
  lease_holder = :lease_holder, lease_until = now() + :lease::interval, requested_skip = null, requested_take = null,
  requested_at = null, unknown_pages = r.unknown_pages + (open.requested_take is not null)::integer,
  unknown_records = r.unknown_records + coalesce(open.requested_take, 0)
from open
where r.id = open.id
returning r.id, r.unread::text, r.results_found, r.last_page, r.empty_pages, coalesce(open.requested_take, 0) as lost_records;

-- name: lock_budgets!
-- Lock the daily budgets until the end of the transaction.
select pg_advisory_xact_lock(hashtext('equity-pull-budgets'));

-- name: read_day_usage^
-- Return the used part of the day's budgets: by this search, and by all searches.
-- row: DayUsage
-- always one row
-- not null: records, cents, unknown_pages, all_records, all_cents
select
  coalesce(sum(records) filter (where search_id = :search_id), 0)::integer as records,
  coalesce(sum(cents) filter (where search_id = :search_id), 0) as cents,
  coalesce(sum(unknown_pages) filter (where search_id = :search_id), 0)::integer as unknown_pages,
  coalesce(sum(records), 0)::integer as all_records,
  coalesce(sum(cents), 0) as all_cents
from pipeline.pull_days
where local_date = :local_date;

-- name: record_request!
-- Record the intent of a request. It is committed before the call.
update pipeline.pull_rounds
set requested_skip = :skip, requested_take = :take, requested_at = now(), lease_until = now() + :lease::interval
where id = :round_id
and lease_holder = :lease_holder;

-- name: change_day_usage!
-- Add to the usage of the day. Negative numbers release a reservation.
insert into pipeline.pull_days as d (search_id, local_date, records, cents, unknown_pages)
values (:search_id, :local_date, :records, :cents, :unknown_pages)
on conflict (search_id, local_date) do update
set
  records = d.records + excluded.records, cents = d.cents + excluded.cents,
  unknown_pages = d.unknown_pages + excluded.unknown_pages;

-- name: record_page!
-- Record a page and the new position of the round, if the holder of the request still holds the round.
-- nullable: :results_found, :last_page
update pipeline.pull_rounds
set
  unread = :unread::jsonb, results_found = :results_found, last_page = :last_page, empty_pages = :empty_pages,
  pages = pages + 1, records = records + :records, rejects = rejects + :rejects, repeats = repeats + :repeats,
  cents = cents + :cents, requested_skip = null, requested_take = null, requested_at = null
where id = :round_id
and lease_holder = :lease_holder
and requested_take is not null;

-- name: close_request!
-- Close a request without a response: it cost nothing, or its cost is unknown.
update pipeline.pull_rounds
set
  requested_skip = null, requested_take = null, requested_at = null, unknown_pages = unknown_pages + :unknown_pages,
  unknown_records = unknown_records + :unknown_records, cents = cents + :cents
where id = :round_id
and lease_holder = :lease_holder
and requested_take is not null;

-- name: release_round!
-- nullable: :detail
update pipeline.pull_rounds
set
  lease_holder = null, lease_until = null, outcome = :outcome, detail = :detail, stopped_at = now(),
  finished_at = case when :is_finished then now() end
where id = :round_id
and lease_holder = :lease_holder;

-- name: add_rejects!
insert into pipeline.pull_rejects (id, round_id, reason, row_encrypted)
select new.id, :round_id, new.reason, new.row_encrypted
from unnest(:reject_ids::uuid[], :reasons::text[], :rows_encrypted::bytea[]) as new (id, reason, row_encrypted);

-- name: delete_old_rejects!
delete from pipeline.pull_rejects
where at < now() - make_interval(days => :days);
