"""Formats of the sources of records, one module each: how their fields become the raw fields of a record."""
