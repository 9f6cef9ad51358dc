-- Skip tracing by file: a batch of exported leads that a person runs at the vendor. Each lead is one request.
set local role equity_owner;

create table app.skip_trace_batches (
  id uuid primary key,
  provider text not null,
  made_at timestamptz not null default now(),
  made_by text not null,
  lease_until timestamptz not null,
  glb_purpose text not null check (glb_purpose <> ''),
  dppa_purpose text not null check (dppa_purpose <> ''),
  warning_accepted_by text not null check (warning_accepted_by <> ''),
  written_at timestamptz
);
comment on table app.skip_trace_batches is 'files handed out to a vendor without an API: who made them, and for which permissible purpose';
comment on column app.skip_trace_batches.glb_purpose is 'permissible purpose under 15 U.S.C. 6802(e), as the vendor codes it';
comment on column app.skip_trace_batches.dppa_purpose is 'permissible use under 18 U.S.C. 2721(b), as the vendor codes it';
comment on column app.skip_trace_batches.written_at is 'when the file was complete; null: it never was, and can be written again';
alter table app.skip_trace_batches enable row level security;
alter table app.skip_trace_batches force row level security;
create policy owner_all on app.skip_trace_batches for all to equity_owner using (true) with check (true);
create policy pipeline_skip_trace_batches_write on app.skip_trace_batches
  for all to pipeline_writer using (true) with check (true);
create policy service_role_read on app.skip_trace_batches for select to service_role using (true);
grant select on app.skip_trace_batches to service_role;
grant select, insert, update (written_at) on app.skip_trace_batches to svc_skiptrace;

alter table app.skip_trace_requests
  add column batch_id uuid references app.skip_trace_batches,
  drop constraint skip_trace_requests_outcome_check,
  add constraint skip_trace_requests_outcome_check
    check (outcome in ('asked', 'answered', 'failed', 'unknown', 'expired'));
comment on column app.skip_trace_requests.batch_id is 'the file that carries it; null: a call. Nobody waits for the answer of a file';
comment on column app.skip_trace_requests.outcome is
  'asked is committed before the call; a crash in between leaves it, and the sweep says unknown. expired: handed out in a file, and no answer that could be used came back';
create index skip_trace_requests_batch_idx on app.skip_trace_requests (batch_id, id) where batch_id is not null;
create index skip_trace_attempts_open_idx on app.skip_trace_attempts (request_id) where outcome is null and merged_at is null;

-- TLO results are found but not verified. `found` leaves the verification open, so that a verifying provider checks the
-- value.
insert into app.verification_code_map (provider, channel, code, version, is_verified, line_type, litigator, deceased, meaning)
values
  ('tlo', 'phone', 'found', 1, null, null, null, null, 'listed for the person, verified by nobody'),
  ('tlo', 'phone', 'mobile', 1, null, 'mobile', null, null, 'type mobile'),
  ('tlo', 'phone', 'landline', 1, null, 'landline', null, null, 'type landline'),
  ('tlo', 'phone', 'voip', 1, null, 'voip', null, null, 'type VoIP'),
  ('tlo', 'email', 'found', 1, null, null, null, null, 'listed for the person, verified by nobody'),
  ('tlo', 'person', 'deceased', 1, null, null, null, true, 'deceased'),
  ('tlo', 'person', 'litigator', 1, null, null, true, null, 'known litigator');
reset role;
