drop function app.note_held_maks(uuid[], text[]);
drop function pipeline.take_turn(text, integer, integer, double precision, integer, double precision);
drop table pipeline.provider_grants, pipeline.provider_states;
delete from app.verification_code_map where version > 1 or channel = 'person' or (provider, channel, code) in (
  ('melissa', 'phone', 'PS10'), ('melissa', 'phone', 'PS11'), ('melissa', 'phone', 'PS12'), ('melissa', 'email', 'ES10'),
  ('melissa', 'email', 'ES11'), ('melissa', 'email', 'ES12'), ('melissa', 'email', 'ES13'), ('batchdata', 'phone', 'mobile'),
  ('batchdata', 'phone', 'landline'), ('batchdata', 'phone', 'voip'), ('batchdata', 'phone', 'dnc'),
  ('batchdata', 'phone', 'not_dnc'), ('batchdata', 'phone', 'tcpa')
);
alter table app.verification_code_map
  drop column deceased,
  drop column litigator,
  drop column dnc,
  drop column line_type,
  drop constraint verification_code_map_channel_check,
  add constraint verification_code_map_channel_check check (channel in ('email', 'phone')),
  drop constraint verification_code_map_pkey,
  add primary key (provider, channel, code);
alter table app.skip_trace_attempts drop column merged_at;
alter table app.skip_trace_requests drop column detail, drop column question_sealed, drop column lease_until;
drop index app.skip_trace_requests_at_idx;
