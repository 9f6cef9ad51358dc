"""Commands that belong to no single service. Those of a service are in its own package."""
