"""Webhooks of vendors: verify, deduplicate and publish."""
