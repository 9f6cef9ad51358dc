-- BatchData pull service: saved searches, the progress of each, and the cost per day.
set local role equity_owner;

create table pipeline.saved_searches (
  id uuid primary key default gen_random_uuid(),
  name text not null check (name = btrim(name) and name <> ''),
  criteria jsonb not null check (jsonb_typeof(criteria) = 'object' and criteria ? 'query'),
  broker_id uuid references app.brokers,
  enabled boolean not null default true,
  position integer not null default 100,
  every_days integer not null default 30 check (every_days >= 1),
  daily_records integer check (daily_records >= 0),
  daily_cents numeric check (daily_cents >= 0),
  created_at timestamptz not null default now()
);
create unique index saved_searches_name_key on pipeline.saved_searches (lower(name));
comment on table pipeline.saved_searches is 'searches at BatchData whose properties become leads, pulled in their order';
comment on column pipeline.saved_searches.criteria is '`searchCriteria` of BatchData''s property search';
comment on column pipeline.saved_searches.broker_id is 'the broker whose leads these are; null: by territory';
comment on column pipeline.saved_searches.every_days is 'so many days after a round began the next one may';

create table pipeline.pull_runs (
  id uuid primary key,
  search_id uuid not null references pipeline.saved_searches on delete cascade,
  started_on date not null,
  started_at timestamptz not null default now(),
  unread jsonb not null default '[[0, null]]',
  results_found integer,
  last_page bytea,
  empty_pages integer not null default 0,
  pages integer not null default 0,
  records integer not null default 0,
  rejects integer not null default 0,
  repeats integer not null default 0,
  cents numeric not null default 0,
  unknown_pages integer not null default 0,
  unknown_records integer not null default 0,
  holder uuid,
  leased_until timestamptz,
  asked_skip integer,
  asked_take integer,
  asked_at timestamptz,
  outcome text,
  detail text,
  stopped_at timestamptz,
  finished_at timestamptz
);
create unique index pull_runs_open_key on pipeline.pull_runs (search_id) where finished_at is null;
create index pull_runs_search_idx on pipeline.pull_runs (search_id, started_on desc);
comment on table pipeline.pull_runs is 'one round of a saved search, from its first page to the end of its results';
comment on column pipeline.pull_runs.unread is 'places of the results that are still to be read: [from, to), the last one open';
comment on column pipeline.pull_runs.last_page is 'digest of the last page: the same twice means that the server does not page';
comment on column pipeline.pull_runs.asked_take is 'a page that is being asked for; left behind by a crash it may be paid for in vain';
comment on column pipeline.pull_runs.outcome is 'why it stopped last; docs/batchdata-pull.md lists them';

create table pipeline.pull_days (
  local_date date not null,
  search_id uuid not null references pipeline.saved_searches on delete cascade,
  records integer not null default 0,
  cents numeric not null default 0,
  unknown_pages integer not null default 0,
  primary key (local_date, search_id)
);
comment on table pipeline.pull_days is 'what was spent on a local day: asked-for pages count in full until their answer says otherwise';

create table pipeline.pull_rejects (
  id uuid primary key,
  run_id uuid not null references pipeline.pull_runs on delete cascade,
  reason text not null,
  row_encrypted bytea not null,
  at timestamptz not null default now()
);
create index pull_rejects_run_idx on pipeline.pull_rejects (run_id);
create index pull_rejects_at_idx on pipeline.pull_rejects (at);
comment on column pipeline.pull_rejects.row_encrypted is 'the rejected entry, encrypted because it is personal data';

grant select, insert, update (enabled) on pipeline.saved_searches to svc_pull;
grant select, insert, update on pipeline.pull_runs, pipeline.pull_days to svc_pull;
grant select, insert, update (row_encrypted), delete on pipeline.pull_rejects to svc_pull;
reset role;
