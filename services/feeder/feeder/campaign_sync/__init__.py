"""Synchronisation with Instantly: campaigns, their members, and checks of both (docs/feeding.md)."""
