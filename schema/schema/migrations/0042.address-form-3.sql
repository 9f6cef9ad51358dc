-- Third normal form of addresses (docs/adr/0028). The literal is FORM_VERSION of the address code of ingest.
set local role equity_owner;

drop index app.leads_outdated_address_idx;
create index leads_outdated_address_idx on app.leads (id)
  where substring(addr_hash from 1 for 4) <> '\x00000003'::bytea;

create or replace function app.rehash_addresses(lead_ids uuid[], hashes bytea[])
returns table (rehashed integer, held integer, unreadable integer)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Store the hash of the present normal form of each address; null is an address that ingest can no longer read. If another
-- lead has that hash, both are one home: the function records a conflict, as upsert_leads() does, and this lead has no hash.
-- Leads whose hash is null or up to date are skipped, so that a second call changes nothing.
declare
  given record;
  outdated bytea;
  holder uuid;
begin
  rehashed := 0;
  held := 0;
  unreadable := 0;
  perform pg_advisory_xact_lock(hashtext('app.upsert_leads'));
  for given in select g.id, g.hash from unnest(lead_ids, hashes) as g (id, hash) order by g.id loop
    select l.addr_hash into outdated
    from leads l
    where l.id = given.id and l.addr_hash is not null
    and substring(l.addr_hash from 1 for 4) <> '\x00000003'::bytea
    for no key update;
    continue when not found;

    select l.id into holder from leads l where l.addr_hash = given.hash and l.id <> given.id;
    if given.hash is null then
      unreadable := unreadable + 1;
    elsif holder is not null then
      held := held + 1;
      insert into lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
      values ('key_held', given.id, holder, 'addr_hash', encode(given.hash, 'hex'))
      on conflict do nothing;
    else
      rehashed := rehashed + 1;
    end if;
    update leads set addr_hash = case when holder is null then given.hash end where id = given.id;

    -- An open conflict over the old hash of this lead applies to its new hash.
    update lead_conflicts c
    set value = encode(given.hash, 'hex')
    where c.other_lead_id = given.id and c.kind = 'key_held' and c.column_name = 'addr_hash' and c.resolved_at is null
    and c.value = encode(outdated, 'hex') and given.hash is not null
    and not exists (
      select from lead_conflicts d
      where d.lead_id = c.lead_id and d.kind = c.kind and d.column_name = c.column_name
      and d.value = encode(given.hash, 'hex') and d.other_lead_id = c.other_lead_id);
  end loop;
  return next;
end
$$;
reset role;
