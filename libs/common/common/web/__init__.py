"""HTTP server of a service: application, problem responses, rate limits and request metrics. It knows no service's routes."""
