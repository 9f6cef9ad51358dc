drop table pipeline.legacy_contacts;
do $$
begin
  if to_regclass('public.leads_legacy') is not null then
    alter table public.leads_legacy rename to leads;
  end if;
end
$$;
