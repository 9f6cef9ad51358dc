"""Consent service: pages on which a person opts out of emails and calls. Each takes effect in the transaction that records it."""
