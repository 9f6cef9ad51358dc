do $$
declare
  policy record;
  name text;
begin
  for policy in select tablename, policyname from pg_policies where schemaname = 'app' loop
    execute format('drop policy %I on app.%I', policy.policyname, policy.tablename);
  end loop;
  for name in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'app' and c.relkind in ('r', 'p')
  loop
    execute format('alter table app.%I no force row level security', name);
    execute format('alter table app.%I disable row level security', name);
    execute format('revoke select on app.%I from service_role', name);
  end loop;
end
$$;
