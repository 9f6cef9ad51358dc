-- Names of personas may change places and ids: the campaign file holds those of one file apart.
set local role equity_owner;
alter table app.personas drop constraint personas_name_key;
reset role;
