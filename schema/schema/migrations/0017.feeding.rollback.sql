drop function pipeline.start_job(text, date, text);
drop function pipeline.declare_job(text, time, smallint[], integer, double precision);
drop table pipeline.jobs;
drop index app.mv_contactable_leads_feed_idx;
create index mv_contactable_leads_feed_idx on app.mv_contactable_leads (assigned_broker_id, campaign_status, lead_score desc)
  where added_to_campaign_at is null;
drop trigger trg_take_stopped_out on app.leads;
drop function app.take_stopped_out();
drop trigger trg_take_suppressed_out on app.suppressions;
drop function app.take_suppressed_out();
drop index app.vendor_memberships_unknown_idx, app.vendor_memberships_campaign_idx, app.vendor_memberships_value_idx;
alter table app.vendor_memberships
  drop column value_hash, drop column attempted_at, drop column claimed_until, drop column retry_at, drop column problem;
alter table app.campaigns
  drop column settings, drop column synced_version, drop column claimed_until, drop column problem;
drop index app.feed_slots_reserved_idx;
drop table app.feed_holds;
drop function app.lock_broker_for_feed(uuid);
alter table app.brokers drop column feed_weekdays, drop column feed_on_holidays, drop column days_off;
