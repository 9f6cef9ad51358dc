-- Deceased owners and litigators leave all campaigns in the transaction that records the fact, as suppressed and stopped
-- leads do. Before, the hourly audit removed them.
set local role equity_owner;

create function app.is_kept_out(of_status app.campaign_status, is_deceased boolean, is_litigator boolean) returns boolean
language sql immutable as $$
  select of_status in ('paused', 'unsubscribed', 'bounced', 'do_not_contact', 'converted') or is_deceased or is_litigator
$$;
comment on function app.is_kept_out(app.campaign_status, boolean, boolean) is
  'whether a lead is to be in no campaign, whatever its addresses; one that replied is stopped by the vendor itself';

drop trigger trg_take_stopped_out on app.leads;
create trigger trg_take_stopped_out after update of campaign_status, deceased_owner, litigator on app.leads
for each row when (
  app.is_kept_out(new.campaign_status, new.deceased_owner, new.litigator)
  and (
    new.campaign_status is distinct from old.campaign_status
    or new.deceased_owner is distinct from old.deceased_owner
    or new.litigator is distinct from old.litigator
  )
)
execute function app.take_stopped_out();

create function app.take_litigator_out() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- An address of a known litigator.
begin
  update vendor_memberships
  set desired = 'out', changed_at = now()
  where lead_id = new.lead_id and value_hash = new.value_hash and desired = 'in';
  return null;
end
$$;
create trigger trg_take_litigator_out after insert or update of litigator on app.lead_contacts
for each row when (new.litigator and new.channel = 'email')
execute function app.take_litigator_out();

revoke all on function app.is_kept_out(app.campaign_status, boolean, boolean), app.take_litigator_out() from public;
grant execute on function app.is_kept_out(app.campaign_status, boolean, boolean) to svc_feeder, svc_ingest;

update app.vendor_memberships m
set desired = 'out', changed_at = now()
where m.desired = 'in'
and (
  exists (select from app.leads l where l.id = m.lead_id and (l.deceased_owner or l.litigator))
  or exists (
    select
    from app.lead_contacts k
    where k.lead_id = m.lead_id and k.channel = 'email' and k.value_hash = m.value_hash and k.litigator
  )
);
reset role;
