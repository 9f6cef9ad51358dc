-- Statements of `equity doctor`.
-- role: owner, gateway, ingest, recorder, skiptrace, feeder, pull, operator

-- name: read_session^
-- Return the role of this session, and the time of the database in Unix seconds.
-- row: DatabaseSession
-- not null: role, database_time
-- always one row
select current_user::text as role, extract(epoch from clock_timestamp())::double precision as database_time;
