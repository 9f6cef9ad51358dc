"""Pull service: it turns saved searches at BatchData into property records on `ingest.leads`."""
