revoke update (dnc, line_type) on app.lead_contacts from svc_ingest;
