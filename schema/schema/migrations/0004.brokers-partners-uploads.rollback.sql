drop function app.lock_broker_for_feed, app.cleanup_old_replay_guards;
drop table
  app.upload_rejects, app.upload_tallies, app.ingest_replay_guard, app.uploads, app.partner_keys, app.partners,
  pipeline.territory_passes, app.territories, app.broker_settings, app.brokers;
drop type app.upload_state;
