drop function pipeline.log_contact_decisions(uuid[], text[], bytea[], boolean[], text[]);
