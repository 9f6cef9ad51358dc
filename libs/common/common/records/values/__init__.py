"""Parsers of single values: text and flags, numbers, dates, and the amounts of a home."""
