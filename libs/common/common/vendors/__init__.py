"""Calls to vendors: errors, the table of outcomes, the HTTP client, rate limits, backoffs and circuit breakers."""
