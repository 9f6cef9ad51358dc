drop table app.verification_code_map, app.skip_trace_attempts, app.skip_trace_requests, app.skip_trace_batches;
drop function pipeline.acquire_permit, pipeline.record_success, pipeline.record_failure;
drop table pipeline.provider_permits, pipeline.provider_states;
