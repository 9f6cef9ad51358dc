-- Unreadable values of the rows of an upload: per field the number of values and the first rows, for the report.
set local role equity_owner;

alter table app.upload_tallies add column unread jsonb not null default '{}';
comment on column app.upload_tallies.unread is
  'values that made no sense and were left out, by field: {"est_value": {"values": 3, "rows": [2, 17, 20]}}, at most five rows';
reset role;
