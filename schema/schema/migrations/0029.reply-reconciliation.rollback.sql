drop table app.email_reconciliation;
alter table app.replies
  drop received_email_id,
  drop found_by,
  drop late_event_id;
-- The grant on pipeline.stamp_of stays: the tables of mails need it too.
