"""Shared parts of tests: servers, databases, topics, and services in this process or in their own."""
