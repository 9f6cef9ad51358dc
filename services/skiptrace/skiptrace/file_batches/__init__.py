"""Lookups by file: leads are exported to TLO as CSV, and its output is imported."""
