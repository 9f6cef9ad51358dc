-- Operators: the role of `equity leads`, the log of their accesses, and the functions and indexes of these commands
-- (docs/leads.md).
do $$ begin perform provisioning.create_service_login('equity_operator'); end $$;
grant usage on schema app, pipeline, svc_feeder, svc_ingest to equity_operator;

set local role equity_owner;

create table app.access_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  login text not null default session_user,
  actor text not null check (actor <> ''),
  broker_id uuid,
  command text not null check (command <> ''),
  purpose text not null check (purpose <> ''),
  lead_ids uuid[],
  lead_filter jsonb,
  lead_count integer not null check (lead_count >= 0),
  reveals boolean not null default false,
  check (lead_ids is not null or lead_filter is not null)
);
create index access_log_at_idx on app.access_log (at);
comment on table app.access_log is
  'one reveal of contact values, export or change of leads, written by `equity leads` before the access; append-only by grant';
comment on column app.access_log.login is 'login role of the session; the caller cannot set it';
comment on column app.access_log.actor is 'user of the machine, or the signed-in user of a dashboard';
comment on column app.access_log.broker_id is 'broker for whom the user acted; null: an operator';
comment on column app.access_log.lead_filter is 'conditions that selected the leads, where no ids were given';
comment on column app.access_log.reveals is 'whether contact values may be read';

alter table app.access_log enable row level security;
alter table app.access_log force row level security;
create policy owner_all on app.access_log for all to equity_owner using (true) with check (true);
create policy operator_insert on app.access_log for insert to equity_operator with check (broker_id is null);
create policy operator_read on app.access_log for select to equity_operator using (true);

create function app.open_contacts(by_access bigint, of_leads uuid[])
returns table (lead_id uuid, channel text, value_hash bytea, value_ciphertext bytea, data_key bytea)
language sql stable security definer set search_path = pg_catalog, app, pg_temp as $$
  -- Return the encrypted contact values of leads, if an earlier transaction of the same login logged the access. It is the
  -- only way of an operator to them. A row of the log is valid for a day, which is longer than any export.
  select c.lead_id, c.channel, c.value_hash, c.value_ciphertext, l.data_key
  from access_log a
  join lead_contacts c on c.lead_id = any (of_leads) and (a.lead_ids is null or c.lead_id = any (a.lead_ids))
  join leads l on l.id = c.lead_id
  where a.id = by_access
  and a.reveals
  and a.login = session_user
  and a.at < now()
  and a.at > now() - interval '1 day'
$$;

insert into pipeline.lead_transitions (from_status, to_status, roles) values ('new', 'paused', '{}');
update pipeline.lead_transitions
set roles = roles || '{equity_operator}'
where (from_status in ('new', 'queued', 'active', 'replied') and to_status = 'paused')
or (from_status = 'paused' and to_status in ('new', 'queued', 'active', 'replied'));

create function app.reassign_leads(lead_ids uuid[], to_broker uuid)
returns table (lead_id uuid, result text, from_broker uuid)
language plpgsql security definer set search_path = pg_catalog, app, pg_temp as $$
-- Assign leads to another broker. Result of each: reassigned; already; unknown; inactive (the broker gets no leads);
-- not_allowed (the senders of a lead without a broker exclude this broker); contacted (the owner knows the former broker: the
-- lead was fed, replied, was called, or gave a consent, which names the seller).
#variable_conflict use_column
begin
  perform from brokers b where b.id = to_broker for share;
  perform from leads l where l.id = any (lead_ids) order by l.id for no key update;
  return query
  with wanted as materialized (
    select
      w.id,
      l.assigned_broker_id as former,
      case
        when l.id is null then 'unknown'
        when l.assigned_broker_id = to_broker then 'already'
        when not exists (select from brokers b where b.id = to_broker and b.active) then 'inactive'
        when l.assigned_broker_id is null and not to_broker = any (l.assignable_broker_ids) then 'not_allowed'
        when l.campaign_status not in ('new', 'queued', 'paused')
          or coalesce(l.paused_from, 'new') not in ('new', 'queued')
          or l.added_to_campaign_at is not null
          or l.last_reply_at is not null
          or l.call_attempt_count > 0
          or l.consent
          then 'contacted'
        else 'reassigned'
      end as result
    from unnest(lead_ids) as w (id)
    left join leads l on l.id = w.id
  ),
  reassigned as (
    update leads l
    set assigned_broker_id = to_broker, assignable_broker_ids = null
    from wanted w
    where l.id = w.id and w.result = 'reassigned'
  )
  select w.id, w.result, w.former from wanted w;
end
$$;

-- Names by prefix in any case, as `equity leads find --name` compares them: last name, then first name.
create index leads_owner_name_idx on app.leads
  ((lower(owner_last_name || ' ' || coalesce(owner_first_name, '')) collate "C")) where owner_last_name is not null;
create index leads_owner2_name_idx on app.leads
  ((lower(owner2_last_name || ' ' || coalesce(owner2_first_name, '')) collate "C")) where owner2_last_name is not null;
create index leads_company_name_idx on app.leads ((lower(company_name) collate "C")) where company_name is not null;
-- Parcel numbers of any county. A hash index stores four bytes of a key, however long the number is.
create index leads_parcel_number_idx on app.leads using hash (split_part(apn_key, '|', 2)) where apn_key is not null;
-- Units of a house by ZIP code and the first number of the address, as `equity leads find --address` searches them.
create index leads_unit_idx on app.leads (property_zip, ltrim(substring(property_address from '[0-9]+'), '0'))
  where property_unit is not null;

do $$
declare
  name text;
begin
  foreach name in array array[
    'brokers', 'campaigns', 'feed_skips', 'feed_slots', 'lead_conflicts', 'lead_contacts', 'leads', 'pipeline_events',
    'suppressions', 'vendor_memberships'
  ] loop
    execute format('create policy operator_read on app.%I for select to equity_operator using (true)', name);
  end loop;
end
$$;
-- No grant covers a ciphertext, a data key, a provider's response or a partner's secret.
grant select (
  id, source, stamp, observed, assigned_broker_id, lead_score, score_contributions, campaign_status, paused_from,
  added_to_campaign_at, last_reply_at, email_verified, phone_verified, consent, consented_at, call_attempt_count, lead_version,
  created_at, updated_at, mak, property_address, property_unit, property_city, property_state, property_zip, county, apn,
  owner_first_name, owner_last_name, owner2_first_name, owner2_last_name, company_name, mailing_address, mailing_unit,
  mailing_city, mailing_state, mailing_zip, property_type, bedrooms, bathrooms, building_sqft, lot_sqft, year_built,
  owner_occupied, vacant, est_value, est_equity, est_ltv, open_loans, open_loan_balance, last_sale_date, last_sale_amount,
  apn_key, addr_hash, deceased_owner, do_not_mail, litigator
) on app.leads to equity_operator;
grant select (
  lead_id, channel, value_hash, source, line_type, rank, verified, verified_at, codes, dnc, dnc_checked_at, litigator
) on app.lead_contacts to equity_operator;
grant select (id, name, daily_limit, active, feed_weekdays, feed_on_holidays, days_off) on app.brokers to equity_operator;
grant select (id, broker_id, name, vendor_campaign_id, active, problem) on app.campaigns to equity_operator;
grant select (channel, value_hash) on app.suppressions to equity_operator;
grant select on
  app.feed_skips, app.feed_slots, app.lead_conflicts, app.pipeline_events, app.vendor_memberships, app.mv_contactable_leads,
  pipeline.contact_decisions, app.access_log
to equity_operator;
grant insert (actor, command, purpose, lead_ids, lead_filter, lead_count, reveals) on app.access_log to equity_operator;
-- A pause is an event of the feeder, an assignment one of ingest. Their relays publish it.
grant insert (topic, key, headers, body) on svc_feeder.outbox, svc_ingest.outbox to equity_operator;
grant execute on function
  app.transition_lead, app.resume_leads, app.reassign_leads, app.open_contacts, pipeline.stamp_of
to equity_operator;
reset role;
