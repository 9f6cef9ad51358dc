set local role equity_owner;
drop function app.rehash_addresses(uuid[], bytea[]);
drop index app.leads_outdated_address_idx;
comment on column app.leads.addr_hash is 'first 16 bytes of the SHA-256 of the normalised address, unit included';
reset role;
