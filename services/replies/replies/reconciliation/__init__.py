"""Comparison with Instantly: replies without a webhook, contents that did not come, disabled subscriptions (docs/replies.md)."""
