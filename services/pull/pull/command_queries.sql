-- Statements of the pull service's commands, run with its role.
-- json: decoded

-- name: add_search^
-- Add a search; return None if there is one of this name.
-- row: AddedSearch
-- nullable: :broker_id, :daily_records, :daily_cents, :product, :reason
insert into pipeline.saved_searches (
  name, criteria, broker_id, position, every_days, daily_records, daily_cents, product, reason
)
values (:name, :criteria, :broker_id, :position, :every_days, :daily_records, :daily_cents, :product, :reason)
on conflict do nothing
returning id, name, criteria, broker_id, position, every_days, daily_records, daily_cents, product, reason, enabled;

-- name: list_searches
-- Return saved searches in their order, with the progress of the latest round of each.
-- row: ListedSearch
-- not null: broker_active, state
select
  s.name, s.enabled, s.position, b.name as broker, coalesce(b.active, true) as broker_active, s.every_days, r.started_on,
  r.results_found, r.records, r.rejects, r.cents, r.unknown_records, r.outcome, r.stopped_at,
  case
    when not s.enabled then 'disabled'
    when not coalesce(b.active, true) then 'broker disabled'
    when r.id is null then 'waits for its first round'
    when r.finished_at is not null then 'next round from ' || (r.started_on + s.every_days)
    when r.lease_until > now() then 'is pulled now'
    else 'continues: ' || coalesce(r.outcome, 'interrupted')
  end as state
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
left join lateral (
  select
    id, started_on, results_found, records, rejects, cents, unknown_records, outcome, stopped_at, finished_at, lease_until
  from pipeline.pull_rounds
  where search_id = s.id
  order by started_at desc, id desc
  limit 1
) r on true
order by s.position, s.created_at;

-- name: find_search^
-- row: ShownSearch
select
  s.id, s.name, s.enabled, b.name as broker, s.position, s.every_days, s.daily_records, s.daily_cents, s.created_at, s.criteria,
  s.product, s.reason
from pipeline.saved_searches s
left join app.brokers b on b.id = s.broker_id
where lower(s.name) = lower(:name);

-- name: list_search_rounds
-- row: ShownRound
select
  started_on, outcome, detail, results_found, unread, pages, records, rejects, repeats, cents, unknown_pages, unknown_records,
  stopped_at, finished_at
from pipeline.pull_rounds
where search_id = :search_id
order by started_at desc, id desc
limit :page_size;

-- name: list_search_days
-- row: ShownDay
select local_date, records, cents, unknown_pages
from pipeline.pull_days
where search_id = :search_id
order by local_date desc
limit 7;

-- name: list_search_rejects
-- row: ShownReject
select j.id, j.reason, j.at, j.row_encrypted as encrypted
from pipeline.pull_rejects j
join pipeline.pull_rounds r on r.id = j.round_id
where r.search_id = :search_id
order by j.at desc, j.id
limit :page_size;

-- name: set_search_enabled!
update pipeline.saved_searches
set enabled = :enabled
where id = :search_id;

-- name: find_outdated_rejects
-- Lock the next rejected entries that are encrypted under another key than this.
-- Bytes of an encrypted value: version, length of the key's id, the key's id, nonce, ciphertext.
-- row: OutdatedPullReject
select id, row_encrypted as encrypted
from pipeline.pull_rejects
where id > :after
and substring(row_encrypted from 3 for get_byte(row_encrypted, 1)) <> convert_to(:key_id, 'UTF8')
order by id
limit :page_size
for update;

-- name: lock_rejects
-- Lock the next rejected entries after one.
-- row: StoredPullReject
select id, row_encrypted as encrypted
from pipeline.pull_rejects
where id > :after
order by id
limit :page_size
for update;

-- name: delete_rejects!
delete from pipeline.pull_rejects
where id = any (:reject_ids::uuid[]);

-- name: save_rejects!
update pipeline.pull_rejects r
set row_encrypted = s.encrypted
from unnest(:reject_ids::uuid[], :encrypted::bytea[]) as s (id, encrypted)
where r.id = s.id;
