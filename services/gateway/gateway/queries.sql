-- Statements of the jobs and of the clock check. The gateway logs in as `svc_gateway`.

-- name: complete_uploads
-- Complete uploads whose published rows all have an outcome. Tallies are append-only; their sum is the number of outcomes.
update app.uploads upload
set state = 'done', done_at = now()
from (
  select tally.upload_id, sum(tally.inserted + tally.updated + tally.duplicate + tally.rejected) as tallied
  from app.upload_tallies tally
  where tally.upload_id = any (array(select id from app.uploads where state = 'accounted'))
  group by tally.upload_id
) total
where upload.id = total.upload_id
and upload.state = 'accounted'
and upload.rows_total = total.tallied
returning upload.id;

-- name: list_upload_states
-- row: StoredUpload
select id, state, spool_disk_id
from app.uploads
where id = any (:upload_ids);

-- name: requeue_uploads!
-- Queue uploads that wait for their file although it is on this disk.
update app.uploads
set state = 'received', problem = null, lease_owner = null, lease_until = now()
where id = any (:upload_ids)
and spool_disk_id = :spool_disk_id
and state = 'needs_resend';

-- name: request_lost_files
-- Mark uploads whose disk is lost as waiting for their file. A disk counts as lost if no upload on it had a heartbeat
-- (a renewed lease) for `lost_after`.
update app.uploads upload
set state = 'needs_resend', problem = :problem, lease_owner = null, lease_until = null
where upload.state in ('received', 'publishing')
and upload.spool_disk_id <> :spool_disk_id
and coalesce(upload.lease_until, upload.received_at) < now() - :lost_after::interval
and not exists (
  select from app.uploads other
  where other.spool_disk_id = upload.spool_disk_id
  and other.state in ('received', 'publishing')
  and other.lease_until > now() - :lost_after::interval
)
returning upload.id;

-- name: delete_expired_replay_guards$
-- always a value
select app.cleanup_old_replay_guards(interval '7 days');

-- name: read_database_time$
-- always a value
select extract(epoch from clock_timestamp())::double precision;
