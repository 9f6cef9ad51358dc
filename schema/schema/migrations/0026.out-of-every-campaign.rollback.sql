set local role equity_owner;
drop trigger trg_take_litigator_out on app.lead_contacts;
drop function app.take_litigator_out();
drop trigger trg_take_stopped_out on app.leads;
create trigger trg_take_stopped_out after update of campaign_status on app.leads
for each row when (
  new.campaign_status is distinct from old.campaign_status
  and new.campaign_status in ('paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted')
)
execute function app.take_stopped_out();
drop function app.is_kept_out(app.campaign_status, boolean, boolean);
reset role;
