"""Ingest: property records become leads, one lead for each home."""
