drop function app.cleanup_old_consent_tokens(interval);
drop function app.cleanup_old_replay_guards(interval);
drop function app.hash_email(text, text);
drop function app.decrypt_email(bytea, text);
drop function app.encrypt_email(text, text);
drop function app.run_with_lock(bigint, text);
