"""Instantly API v2: campaigns, leads, block list, webhooks (contracts §1; OpenAPI 2.0.0)."""

from sandbox.vendors.instantly.api import Instantly

__all__ = ["Instantly"]
