delete from app.verification_code_map where provider = 'tlo';
drop index app.skip_trace_attempts_open_idx;
-- Merged responses stay in the contacts. The older table has no place for requests of file batches.
delete from app.skip_trace_requests where batch_id is not null;
alter table app.skip_trace_requests
  drop column batch_id,
  drop constraint skip_trace_requests_outcome_check,
  add constraint skip_trace_requests_outcome_check check (outcome in ('asked', 'answered', 'failed', 'unknown'));
drop table app.skip_trace_batches;
comment on column app.skip_trace_requests.outcome is 'asked is committed before the call; a crash in between leaves it, and the sweep says unknown';
