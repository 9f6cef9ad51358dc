"""Vendors of property records."""
