-- Policies and grants. A service owns a column by a grant on it. Policies protect the rows; each policy names its role.
set local role equity_owner;

revoke all on all tables in schema app, pipeline from public, anon, authenticated, service_role;
revoke all on all functions in schema app, pipeline from public, anon, authenticated, service_role;

-- Row level security on every table with leads, events or partner data. Policies admit the services, and their grants limit
-- their actions. A broker sees only its own rows.
do $$
declare
  name text;
begin
  for name in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'app' and c.relkind in ('r', 'p')
  loop
    execute format('alter table app.%I enable row level security', name);
    execute format('alter table app.%I force row level security', name);
    execute format('create policy owner_all on app.%I for all to equity_owner using (true) with check (true)', name);
    if name !~ '^pipeline_events_' then
      execute format('create policy %I on app.%I for all to pipeline_writer using (true) with check (true)',
        'pipeline_' || name || '_write', name);
      execute format('create policy service_role_read on app.%I for select to service_role using (true)', name);
      execute format('grant select on app.%I to service_role', name);
    end if;
  end loop;
end
$$;

create policy broker_leads_select on app.leads
  for select to authenticated using (assigned_broker_id = (select auth.uid()));
create policy broker_leads_modify on app.leads
  for update to authenticated
  using (assigned_broker_id = (select auth.uid())) with check (assigned_broker_id = (select auth.uid()));
-- The original specification lets brokers insert. The policy exists under its name, but without a grant: leads arrive by the
-- bus.
create policy broker_leads_insert on app.leads
  for insert to authenticated with check (assigned_broker_id = (select auth.uid()));
create policy broker_events_select on app.pipeline_events
  for select to authenticated using (broker_id = (select auth.uid()));
create policy broker_self_select on app.brokers for select to authenticated using (id = (select auth.uid()));
create policy broker_settings_own on app.broker_settings
  for all to authenticated using (broker_id = (select auth.uid())) with check (broker_id = (select auth.uid()));
create policy broker_territories_select on app.territories
  for select to authenticated using (broker_id = (select auth.uid()));
create policy broker_campaigns_select on app.campaigns
  for select to authenticated using (broker_id = (select auth.uid()));

grant select (
  id, mak, property_address, property_unit, property_city, property_state, property_zip, county, apn, owner_first_name,
  owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit, mailing_city,
  mailing_state, mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built, owner_occupied,
  vacant, est_value, est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date, last_sale_amount, deceased_owner,
  do_not_mail, litigator, source, assigned_broker_id, lead_score, score_contributions, notes, preferences,
  campaign_status, added_to_campaign_at, current_sequence_step, last_reply_at, email_verified, phone_verified, consent,
  consented_at, consent_method, call_attempt_count, lead_version, created_at, updated_at
), update (notes, preferences) on app.leads to authenticated;
grant select on app.brokers, app.territories, app.campaigns, app.pipeline_events, app.contactable_leads to authenticated;
grant select, insert, update on app.broker_settings to authenticated;

-- gateway
grant select on app.brokers, app.upload_tallies, app.upload_rejects to svc_gateway;
grant select, insert on app.partners to svc_gateway;
grant select, insert, update (last_used_at) on app.partner_keys to svc_gateway;
grant select, insert, update on app.uploads to svc_gateway;
grant select, insert, update, delete on app.ingest_replay_guard to svc_gateway;
grant execute on function app.cleanup_old_replay_guards(interval) to svc_gateway;

-- ingest
grant select on app.brokers, app.territories, app.leads to svc_ingest;
grant insert (
  id, mak, property_address, property_unit, property_city, property_state, property_zip, county, fips, apn,
  owner_first_name, owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit,
  mailing_city, mailing_state, mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built,
  owner_occupied, vacant, est_value, est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date,
  last_sale_amount, apn_key, addr_hash, deceased_owner, do_not_mail, litigator, observed, source, assigned_broker_id,
  lead_score, score_contributions, data_key
) on app.leads to svc_ingest;
grant update (
  mak, property_address, property_unit, property_city, property_state, property_zip, county, fips, apn,
  owner_first_name, owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit,
  mailing_city, mailing_state, mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built,
  owner_occupied, vacant, est_value, est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date,
  last_sale_amount, apn_key, addr_hash, deceased_owner, do_not_mail, litigator, observed, assigned_broker_id,
  lead_score, score_contributions, data_key
) on app.leads to svc_ingest;
grant select, insert on app.lead_contacts, app.lead_conflicts to svc_ingest;
grant insert on app.upload_tallies, app.upload_rejects to svc_ingest;
grant select, insert, delete on pipeline.leads_staging to svc_ingest;
grant execute on function
  app.upsert_leads(pipeline.leads_staging[]),
  app.upsert_lead(jsonb),
  app.void_for_new_owner(uuid[]),
  app.drop_moot_conflicts(uuid[]),
  pipeline.wins(integer, anyelement, integer, anyelement),
  pipeline.wins_text(integer, text, integer, text)
to svc_ingest;

-- recorder
grant select, insert on app.pipeline_events to svc_recorder;
grant select, insert, update on pipeline.pipeline_dlq to svc_recorder;
grant select on pipeline.dlq_replays, pipeline.funnel, pipeline.pipeline_dlq_readable to svc_recorder;
grant execute on function
  pipeline.make_event_months(integer), pipeline.make_inbox_days(integer), pipeline.drop_inbox_days(integer)
to svc_recorder;

-- skiptrace
grant select on app.leads, app.lead_contacts, app.suppressions to svc_skiptrace;
grant insert (
  lead_id, channel, value_hash, hash_key_id, normalisation_version, value_ciphertext, source, line_type, rank, verified,
  verified_at, codes, dnc, dnc_checked_at, litigator
), update (
  verified, verified_at, codes, dnc, dnc_checked_at, litigator, rank, line_type
) on app.lead_contacts to svc_skiptrace;
grant update (
  email_encrypted, email_hash, phone_encrypted, phone_hash, email_verified, phone_verified, email_verification_codes,
  phone_verification_codes, melissa_payload
) on app.leads to svc_skiptrace;
grant select, insert, update on app.skip_trace_requests, app.skip_trace_attempts, app.verification_code_map to svc_skiptrace;

-- feeder
grant select on app.leads, app.lead_contacts, app.brokers, app.suppressions, app.mv_contactable_leads to svc_feeder;
grant update (added_to_campaign_at) on app.leads to svc_feeder;
grant select, insert, update on app.campaigns, app.personas, app.vendor_memberships to svc_feeder;
grant select, insert, update, delete on app.feed_slots to svc_feeder;
grant execute on function app.refresh_contactable_leads() to svc_feeder;

-- replies, consent, voice: their privileges on tables that exist already
grant select on app.leads, app.suppressions to svc_replies, svc_consent, svc_voice;
grant update (last_reply_at, current_sequence_step) on app.leads to svc_replies;
grant update (consent, consented_at, consent_method) on app.leads to svc_consent;
grant select, insert on app.consent_texts, app.lead_consent_audit, app.suppressions to svc_consent;
grant select, insert, update (used_at) on app.consent_tokens to svc_consent;
grant execute on function app.cleanup_old_consent_tokens(interval) to svc_consent;
grant update (vapi_call_id, call_attempt_count) on app.leads to svc_voice;

-- dashboard maintains the records of brokers, and reads leads only as the signed-in broker
reset role;
grant authenticated to svc_dashboard;
set local role equity_owner;
grant select, insert, update, delete on app.brokers, app.broker_settings, app.territories to svc_dashboard;

-- every service
grant execute on function
  app.move_lead(uuid[], app.campaign_status, text),
  app.run_with_lock(bigint, text),
  pipeline.may_move(app.campaign_status, app.campaign_status, app.campaign_status),
  pipeline.log_contact_decision(uuid, text, bytea, boolean, text),
  pipeline.claim_job(text, date, text),
  pipeline.finish_job(text, date, text, text)
to pipeline_writer;
grant select on pipeline.job_runs to pipeline_writer;
reset role;
