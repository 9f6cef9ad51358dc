"""Webhooks of vendors, as the gateway received them."""

from datetime import datetime
from typing import Any, ClassVar

from common.events.base import Event


class WebhookReceived(Event):
    """Verified webhook of a vendor, unchanged. Its topic is `webhook.<vendor>`."""

    topic: ClassVar[str] = "webhook"
    vendor: str
    received_at: datetime
    body: dict[str, Any] | list[Any]


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
