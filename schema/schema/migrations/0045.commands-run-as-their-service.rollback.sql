-- Memberships of the login that migrates stay: roles belong to the whole server, where other databases rely on them.
set local role equity_owner;
revoke select (name) on app.brokers from svc_pull;
revoke update (sealed) on pipeline.pull_rejects from svc_pull;
revoke insert, update (enabled) on pipeline.saved_searches from svc_pull;

revoke select (id, name) on app.brokers from svc_recorder;
revoke insert on pipeline.dlq_replays from svc_recorder;
revoke execute on function
  pipeline.replay_dead_letters(text, timestamptz, timestamptz, bigint[], boolean, boolean, text)
from svc_recorder;

revoke select, update (row_sealed) on app.upload_rejects from svc_ingest;
revoke execute on function app.resolve_conflict(bigint, text, text, text), app.release_lead(uuid) from svc_ingest;
alter function app.release_lead(uuid) security invoker;
alter function app.resolve_conflict(bigint, text, text, text) security invoker;
reset role;
