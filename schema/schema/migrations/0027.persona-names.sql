-- Names of personas may be exchanged between ids. The campaign file keeps the names of one file unique.
set local role equity_owner;
alter table app.personas drop constraint personas_name_key;
reset role;
