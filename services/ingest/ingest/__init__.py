"""Ingest: property records become leads, each home once."""
