-- Mails of a person who asked for erasure: their contents are deleted, and what waits is not sent (ADR 53).
set local role equity_owner;

create function app.erase_mails() returns trigger
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Delete the contents of the lead's mails. A mail that was not sent yet is refused.
begin
  update mails
  set
    content_ciphertext = null,
    finished_at = case when state = 'queued' then now() else finished_at end,
    reason = case when state = 'queued' then 'erased' else reason end,
    state = case when state = 'queued' then 'refused' else state end
  where lead_id = new.id;
  return null;
end
$$;
revoke execute on function app.erase_mails from public;
create trigger trg_erase_mails after update of erased_at on app.leads
for each row when (new.erased_at is not null and old.erased_at is null)
execute function app.erase_mails();
reset role;
