drop index app.leads_owner_name_idx, app.leads_owner2_name_idx, app.leads_company_name_idx, app.leads_parcel_number_idx, app.leads_unit_idx;
revoke execute on function app.resume_leads from equity_operator;
drop function app.reassign_leads, app.open_contacts;
delete from pipeline.lead_transitions where from_status = 'new' and to_status = 'paused';
update pipeline.lead_transitions set roles = array_remove(roles, 'equity_operator');
drop table app.access_log;
-- The role stays, as those of services do: another database may use it.
do $$
declare
  name text;
begin
  for name in select tablename from pg_policies where schemaname = 'app' and policyname = 'operator_read' loop
    execute format('drop policy operator_read on app.%I', name);
  end loop;
end
$$;
revoke all on all tables in schema app, pipeline, svc_feeder, svc_ingest from equity_operator;
revoke all on all functions in schema app, pipeline from equity_operator;
revoke all on schema app, pipeline, svc_feeder, svc_ingest from equity_operator;
