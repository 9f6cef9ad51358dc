"""Calls to vendors: which failures may have had an effect, Retry-After, rate limits and circuit breakers."""
