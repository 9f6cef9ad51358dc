"""OpenRouter: chat completions with structured output (docs/vendors/openrouter.md)."""

from sandbox.vendors.openrouter.server import OpenRouterServer

__all__ = ["OpenRouterServer"]
