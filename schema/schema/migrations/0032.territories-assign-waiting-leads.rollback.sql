-- Assigned leads stay assigned.
set local role equity_owner;
drop table pipeline.territory_passes;
drop index app.leads_unassigned_idx;
alter table app.leads drop column assignable_broker_ids;
reset role;
