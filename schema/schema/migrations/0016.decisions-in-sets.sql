-- One call writes all decisions of a feed, which decides about hundreds of leads in one transaction.
set local role equity_owner;

create function pipeline.log_contact_decisions(
  of_leads uuid[], by_channels text[], to_value_hashes bytea[], are_allowed boolean[], with_reasons text[]
) returns void
language sql security definer set search_path = pg_catalog, pipeline, pg_temp as $$
  insert into contact_decisions (lead_id, channel, value_hash, allowed, reason)
  select d.lead_id, d.channel, d.value_hash, d.allowed, d.reason
  from unnest(of_leads, by_channels, to_value_hashes, are_allowed, with_reasons)
    with ordinality as d (lead_id, channel, value_hash, allowed, reason, ord)
  order by d.ord
$$;
comment on function pipeline.log_contact_decisions is 'arrays of one length: one decision a place';
grant execute on function pipeline.log_contact_decisions(uuid[], text[], bytea[], boolean[], text[]) to pipeline_writer;
reset role;
