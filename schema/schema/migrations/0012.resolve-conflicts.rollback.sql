drop function app.release_lead(uuid);
drop function app.resolve_conflict(bigint, text, text, text);
