"""Webhooks of vendors, as the gateway received them."""

from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from common.events.base import Event


class WebhookReceived(Event):
    """Verified webhook of a vendor. Its topic is `webhook.<vendor>`."""

    topic: ClassVar[str] = "webhook"
    vendor: str
    received_at: datetime
    body: dict[str, Any] | list[Any] = Field(
        description="The webhook, unchanged. Of an oversized one only type, time and ids, in their places."
    )
    oversized: bool = Field(
        False, description="The webhook was too large for the bus. Its owner fetches the content from the vendor."
    )
    size: int | None = Field(None, description="Bytes of the webhook as it came.")


class InstantlyWebhook(WebhookReceived):
    """Webhook of Instantly."""

    topic: ClassVar[str] = "webhook.instantly"


class VapiWebhook(WebhookReceived):
    """Server message of VAPI."""

    topic: ClassVar[str] = "webhook.vapi"


class CalcomWebhook(WebhookReceived):
    """Webhook of Cal.com."""

    topic: ClassVar[str] = "webhook.calcom"


WEBHOOK_EVENTS: dict[str, type[WebhookReceived]] = {
    "instantly": InstantlyWebhook,
    "vapi": VapiWebhook,
    "calcom": CalcomWebhook,
}
