-- BatchData pull service: saved searches, the progress of each, and the cost per day.

create function pg_temp.ensure_role(name text, options text) returns void
language plpgsql as $$
begin
  if not exists (select from pg_roles where rolname = name) then
    execute format('create role %I %s', name, options);
  end if;
exception when duplicate_object or unique_violation then
  null;  -- another database of this server was migrated at the same moment
end
$$;

do $$
declare
  setting text[];
begin
  perform pg_temp.ensure_role('svc_pull', 'login');
  if not pg_has_role('svc_pull', 'pipeline_writer', 'member') then
    grant pipeline_writer to svc_pull;
  end if;
  foreach setting slice 1 in array array[
    ['statement_timeout', '55s'], ['lock_timeout', '20s'], ['idle_in_transaction_session_timeout', '20s'],
    ['tcp_keepalives_idle', '10'], ['tcp_keepalives_interval', '5'], ['tcp_keepalives_count', '3'], ['tcp_user_timeout', '15s'],
    ['log_parameter_max_length', '0']
  ] loop
    execute format('alter role svc_pull in database %I set %s = %L', current_database(), setting[1], setting[2]);
  end loop;
exception
  when insufficient_privilege then
    raise notice 'some role settings need a superuser and were left as they are';
end
$$;

create schema svc_pull authorization equity_owner;
set local role equity_owner;

-- The queues that every service has (0002).
create table svc_pull.outbox (
  id bigint generated always as identity (cache 1) primary key,
  topic text not null,
  key bytea,
  headers bytea not null,
  body bytea,
  created_at timestamptz not null default now()
) with (
  fillfactor = 100,
  autovacuum_vacuum_scale_factor = 0.0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);
create table svc_pull.outbox_dead (
  id bigint primary key,
  topic text not null,
  key bytea,
  headers bytea not null,
  body bytea,
  created_at timestamptz not null,
  reason text not null,
  died_at timestamptz not null default now()
);
create table svc_pull.inbox (
  day date not null,
  consumer text not null,
  event_id uuid not null,
  redrive smallint not null,
  body_hash bigint,
  at timestamptz not null default now(),
  primary key (day, consumer, event_id, redrive)
) partition by range (day);
create table svc_pull.inbox_default partition of svc_pull.inbox default;
do $$ begin perform pipeline.make_inbox_days(); end $$;

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
  sealed bytea not null,
  at timestamptz not null default now()
);
create index pull_rejects_run_idx on pipeline.pull_rejects (run_id);
create index pull_rejects_at_idx on pipeline.pull_rejects (at);
comment on column pipeline.pull_rejects.sealed is 'the entry as it came, sealed: personal data';

grant usage on schema svc_pull to svc_pull;
grant select, insert, delete on svc_pull.outbox to svc_pull;
grant select, insert on svc_pull.outbox_dead, svc_pull.inbox to svc_pull;
grant select (id, active) on app.brokers to svc_pull;
grant select on pipeline.saved_searches to svc_pull;
grant select, insert, update on pipeline.pull_runs, pipeline.pull_days to svc_pull;
grant select, insert, delete on pipeline.pull_rejects to svc_pull;
reset role;
