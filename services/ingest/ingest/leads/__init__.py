"""Leads from prepared records: matched and merged within a batch, then written in one transaction."""
