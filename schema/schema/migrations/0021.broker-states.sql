-- States in which a broker may call: opened and closed by operators, with licence and registration (docs/compliance.md).
set local role equity_owner;

create table app.broker_states (
  id bigint generated always as identity primary key,
  broker_id uuid not null references app.brokers,
  state text not null check (state ~ '^[A-Z]{2}$'),
  licence text not null check (licence <> ''),
  registration text check (registration <> ''),
  exemption text check (exemption <> ''),
  opened_by text not null check (opened_by <> ''),
  opened_login text not null default session_user,
  opened_at timestamptz not null default now(),
  closed_by text check (closed_by <> ''),
  closed_at timestamptz check (closed_at >= opened_at),
  close_reason text check (close_reason <> ''),
  check (registration is null or exemption is null),
  check (num_nulls(closed_by, closed_at, close_reason) in (0, 3))
);
create unique index broker_states_open_key on app.broker_states (broker_id, state) where closed_at is null;
create index broker_states_broker_idx on app.broker_states (broker_id, state, opened_at);
comment on table app.broker_states is
  'a state that is or was open for calls of a broker, written by `equity states`; closed rows stay as evidence';
comment on column app.broker_states.licence is 'licence under which the broker works in the state';
comment on column app.broker_states.registration is 'registration as a telephone seller; null: exempt, or none is required';
comment on column app.broker_states.exemption is 'reason for which no registration is needed, where a rule asks for one';
comment on column app.broker_states.opened_by is 'user of the machine who opened the state';
comment on column app.broker_states.opened_login is 'login role of the session; the caller cannot set it';
comment on column app.broker_states.closed_at is 'null: the state is open';

alter table app.broker_states enable row level security;
alter table app.broker_states force row level security;
create policy owner_all on app.broker_states for all to equity_owner using (true) with check (true);
create policy operator_read on app.broker_states for select to equity_operator using (true);
create policy operator_insert on app.broker_states for insert to equity_operator with check (closed_at is null);
-- A row is closed once, at the time of the transaction, and never changed again.
create policy operator_close on app.broker_states
  for update to equity_operator using (closed_at is null) with check (closed_at = now());
create policy service_read on app.broker_states
  for select to svc_voice, svc_feeder, svc_consent, svc_replies using (true);
create policy service_role_read on app.broker_states for select to service_role using (true);
create policy broker_states_select on app.broker_states
  for select to authenticated using (broker_id = (select auth.uid()));

grant select on app.broker_states to equity_operator, svc_voice, svc_feeder, svc_consent, svc_replies, service_role;
grant insert (broker_id, state, licence, registration, exemption, opened_by) on app.broker_states to equity_operator;
grant update (closed_by, closed_at, close_reason) on app.broker_states to equity_operator;
grant select (broker_id, state, licence, registration, exemption, opened_at, closed_at, close_reason)
  on app.broker_states to authenticated;
reset role;
