set local role equity_owner;
update app.personas p
set name = p.name || ' (' || p.id || ')'
where exists (select from app.personas o where o.name = p.name and o.id < p.id);
alter table app.personas add constraint personas_name_key unique (name);
reset role;
