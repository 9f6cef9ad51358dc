do $$
declare
  p record;
begin
  for p in select tablename, policyname from pg_policies where schemaname = 'app' loop
    execute format('drop policy %I on app.%I', p.policyname, p.tablename);
  end loop;
  for p in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'app' and c.relkind in ('r', 'p')
  loop
    execute format('alter table app.%I no force row level security', p.relname);
    execute format('alter table app.%I disable row level security', p.relname);
  end loop;
  for p in select rolname from pg_roles where rolname like 'svc\_%' or rolname in ('authenticated', 'service_role', 'pipeline_writer')
  loop
    execute format('revoke all on all tables in schema app, pipeline from %I', p.rolname);
    execute format('revoke all on all functions in schema app, pipeline from %I', p.rolname);
  end loop;
end
$$;
grant execute on function pipeline.make_inbox_days(integer), pipeline.drop_inbox_days(integer) to svc_recorder;
grant execute on function pipeline.make_event_months(integer) to svc_recorder;
grant execute on function pipeline.claim_job(text, date, text), pipeline.finish_job(text, date, text, text) to pipeline_writer;
