drop table app.verification_code_map, app.skip_trace_attempts, app.skip_trace_requests, app.skip_trace_batches;
drop function pipeline.take_turn, pipeline.note_success, pipeline.note_fault;
drop table pipeline.provider_grants, pipeline.provider_states;
