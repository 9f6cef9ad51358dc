"""Instantly API v2: campaigns, leads, block list, webhooks (docs/vendors/instantly.md and the vendor's OpenAPI 2.0.0)."""

from sandbox.vendors.instantly.server import InstantlyServer

__all__ = ["InstantlyServer"]
