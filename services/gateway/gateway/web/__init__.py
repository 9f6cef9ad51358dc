"""HTTP server, problem responses, rate limits and request metrics. Nothing in this folder depends on the gateway's routes."""
