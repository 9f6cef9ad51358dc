"""Consent service: the form on which a person consents to calls, and pages on which a person opts out of emails and calls."""
