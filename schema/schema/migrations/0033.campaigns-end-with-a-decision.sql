-- Campaigns ask for a consent to calls. A person who signed, withdrew or opted out of calls has decided, and leaves all of them in
-- the transaction that records it (docs/feeding.md).
set local role equity_owner;
lock table app.suppressions, app.lead_consent_audit in share row exclusive mode;

create function app.has_decided_on_calls(of_lead uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  select exists (
    select from lead_consent_audit a where a.lead_id = of_lead and a.action in ('granted', 'withdrawn')
  )
  or exists (
    select
    from lead_contacts c
    join suppressions s on s.channel = 'phone' and s.value_hash = c.value_hash and s.reason = 'opt_out' and s.lifted_at is null
    where c.lead_id = of_lead and c.channel = 'phone'
  )
$$;
comment on function app.has_decided_on_calls is
  'true: the person signed a consent to calls, withdrew one, or opted out of calls, so campaigns have nothing left to ask';

create function app.is_excluded_from_campaigns(of_lead uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  select is_excluded_from_campaigns(l.campaign_status, l.deceased_owner, l.litigator) or has_decided_on_calls(l.id)
  from leads l
  where l.id = of_lead
$$;
comment on function app.is_excluded_from_campaigns(uuid) is
  'true: the lead belongs in no campaign, whatever its addresses: by its status and flags, or because it decided on calls';

create function app.remove_decided_members() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Remove a lead from every campaign when its person signs a consent or withdraws it. The row of the lead is locked already.
begin
  update vendor_memberships set desired = 'out', changed_at = now() where lead_id = new.lead_id and desired = 'in';
  return null;
end
$$;
create trigger trg_remove_decided_members after insert on app.lead_consent_audit
for each row when (new.action in ('granted', 'withdrawn'))
execute function app.remove_decided_members();

create function app.remove_uncallable_members() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Remove the leads that have a number from every campaign when its person opts out of calls. The lock on their rows orders this and a
-- feed: the feed commits before it, and its members are seen here, or the feed sees the opt-out.
declare
  concerned uuid[];
begin
  concerned := array(
    select l.id
    from leads l
    where l.id in (select c.lead_id from lead_contacts c where c.channel = 'phone' and c.value_hash = new.value_hash)
    order by l.id
    for no key update
  );
  update vendor_memberships set desired = 'out', changed_at = now() where lead_id = any (concerned) and desired = 'in';
  return null;
end
$$;
create trigger trg_remove_uncallable_members after insert or update on app.suppressions
for each row when (new.channel = 'phone' and new.reason = 'opt_out' and new.lifted_at is null)
execute function app.remove_uncallable_members();

-- Decisions from before this migration.
update app.vendor_memberships
set desired = 'out', changed_at = now()
where desired = 'in'
and app.has_decided_on_calls(lead_id);

revoke execute on function
  app.has_decided_on_calls, app.is_excluded_from_campaigns(uuid), app.remove_decided_members, app.remove_uncallable_members
  from public;
grant execute on function app.has_decided_on_calls, app.is_excluded_from_campaigns(uuid) to svc_feeder;
grant execute on function app.has_decided_on_calls to equity_operator;
reset role;
