drop function app.find_known_homes;
drop table app.file_profiles;
alter table app.partners drop column default_profile;
revoke select (id, mapping) on app.uploads from svc_ingest;
alter table app.uploads drop column mapping, drop column title_rows, drop column rows_skipped;
