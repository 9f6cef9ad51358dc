set local role equity_owner;
alter table app.upload_tallies drop column unread;
reset role;
