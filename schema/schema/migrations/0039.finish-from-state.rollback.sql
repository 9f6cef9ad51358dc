drop index app.leads_unscored_idx, app.leads_unqueued_idx;
alter table app.uploads drop column resends, drop column resent_at;
