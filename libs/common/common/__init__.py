"""Shared library of every Equity Connect service: events, bus, database, rules of contact, vendors."""

__version__ = "0.1.0"
