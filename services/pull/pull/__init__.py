"""The pull service: saved searches at BatchData become property records on `ingest.leads`."""
