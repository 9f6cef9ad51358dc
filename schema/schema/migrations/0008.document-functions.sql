-- Functions of the original specification.
set local role equity_owner;

create function app.run_with_lock(job_key bigint, job_sql text) returns boolean
language plpgsql set search_path = pg_catalog, app, pipeline, pg_temp as $$
-- Run a statement unless another session runs one under the same key. Return whether it ran. Runs with the rights of the
-- caller.
begin
  if not pg_try_advisory_xact_lock(job_key) then
    return false;
  end if;
  execute job_sql;
  return true;
end
$$;

create function app.encrypt_email(email text, enc_key text) returns bytea
language sql volatile strict set search_path = pg_catalog, pg_temp as $$
  -- For psql and backfills. Services encrypt values before they send them to PostgreSQL.
  select extensions.pgp_sym_encrypt(lower(trim(email)), enc_key)
$$;

create function app.decrypt_email(email_encrypted bytea, enc_key text) returns text
language sql stable strict set search_path = pg_catalog, pg_temp as $$
  select extensions.pgp_sym_decrypt(email_encrypted, enc_key)
$$;

create function app.hash_email(email text, pepper text) returns bytea
language sql immutable strict set search_path = pg_catalog, pg_temp as $$
  -- Return the keyed hash by which services look up contacts. pepper: the 64 hex digits of CONTACT_HASH_KEY.
  select extensions.hmac(convert_to(lower(trim(email)), 'UTF8'), decode(pepper, 'hex'), 'sha256')
$$;

create function app.cleanup_old_replay_guards(older_than interval default '7 days') returns integer
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  with gone as (
    delete from ingest_replay_guard where received_at < now() - greatest(older_than, interval '7 days') returning 1
  )
  select count(*)::integer from gone
$$;

create function app.cleanup_old_consent_tokens(older_than interval default '30 days') returns integer
language sql security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Delete unused tokens only. A used token is evidence and stays.
  with gone as (
    delete from consent_tokens where used_at is null and created_at < now() - greatest(older_than, interval '7 days') returning 1
  )
  select count(*)::integer from gone
$$;
reset role;
