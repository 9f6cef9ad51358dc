"""Clients of the vendors that the replies service calls."""
