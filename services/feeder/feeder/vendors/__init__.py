"""Clients of the vendors that the feeder calls, one module for each."""
