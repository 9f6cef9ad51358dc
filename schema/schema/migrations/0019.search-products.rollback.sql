alter table pipeline.saved_searches drop column product, drop column reason;
