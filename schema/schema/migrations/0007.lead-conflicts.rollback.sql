drop index app.leads_outdated_address_idx;
drop function
  app.rehash_addresses, app.resume_leads, app.resolve_conflict, app.record_mak_conflicts,
  app.delete_obsolete_conflicts, app.assign_freed_keys, app.show_with_key, app.shown_with_key, app.pause_for_new_owner,
  app.share_an_owner, app.owners_named, app.name_words;
drop table app.lead_conflicts;
drop index app.leads_mak_key, app.leads_apn_key, app.leads_addr_hash_key;
comment on column app.leads.apn_key is null;
comment on column app.leads.addr_hash is null;
alter table app.leads drop constraint leads_mak_check;
