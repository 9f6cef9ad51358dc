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
comment on table pipeline.saved_searches is 'searches at BatchData whose properties become leads, pulled by position';
comment on column pipeline.saved_searches.criteria is '`searchCriteria` of BatchData''s property search';
comment on column pipeline.saved_searches.broker_id is 'broker of the resulting leads; null: the territory decides';
comment on column pipeline.saved_searches.every_days is 'minimum number of days between the starts of two rounds';

create table pipeline.pull_rounds (
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
  lease_holder uuid,
  lease_until timestamptz,
  requested_skip integer,
  requested_take integer,
  requested_at timestamptz,
  outcome text,
  detail text,
  stopped_at timestamptz,
  finished_at timestamptz
);
create unique index pull_rounds_open_key on pipeline.pull_rounds (search_id) where finished_at is null;
create index pull_rounds_search_idx on pipeline.pull_rounds (search_id, started_on desc);
comment on table pipeline.pull_rounds is 'rounds of saved searches, each from the first page to the end of the results';
comment on column pipeline.pull_rounds.unread is
  'ranges of result places that are unread: [from, to), the last one without an end';
comment on column pipeline.pull_rounds.last_page is
  'digest of the last page; the same digest twice means that the server does not page';
comment on column pipeline.pull_rounds.requested_take is
  'size of the requested page; if a crash leaves it, the page may be charged without a result';
comment on column pipeline.pull_rounds.outcome is 'reason of the last stop; docs/batchdata-pull.md lists the values';

create table pipeline.pull_days (
  local_date date not null,
  search_id uuid not null references pipeline.saved_searches on delete cascade,
  records integer not null default 0,
  cents numeric not null default 0,
  unknown_pages integer not null default 0,
  primary key (local_date, search_id)
);
comment on table pipeline.pull_days is 'usage of a local day; a requested page counts in full until its response arrives';

create table pipeline.pull_rejects (
  id uuid primary key,
  round_id uuid not null references pipeline.pull_rounds on delete cascade,
  reason text not null,
  row_encrypted bytea not null,
  at timestamptz not null default now()
);
comment on table pipeline.pull_rejects is 'an entry of a page that is no lead, written by the pull service';
create index pull_rejects_round_idx on pipeline.pull_rejects (round_id);
create index pull_rejects_at_idx on pipeline.pull_rejects (at);
comment on column pipeline.pull_rejects.row_encrypted is 'the rejected entry, encrypted because it is personal data';

grant select, insert, update (enabled) on pipeline.saved_searches to svc_pull;
grant select, insert, update on pipeline.pull_rounds, pipeline.pull_days to svc_pull;
grant select, insert, update (row_encrypted), delete on pipeline.pull_rejects to svc_pull;
reset role;
