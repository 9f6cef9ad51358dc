"""Rules for the webhooks of each vendor: proof of origin, identity and time. One module for each vendor.

Each module has `is_genuine(headers, body, secrets, now)`, which compares with all active secrets in constant time. Its
`identity_parts(message)` returns the values that identify a webhook in all its deliveries. If there are none, the hash of
the body identifies it. Its `sent_at(message)` returns the time, if the message has one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.webhooks.vendors import calcom, instantly, vapi

__all__ = ["VENDORS", "WebhookVendor"]


@dataclass(frozen=True, slots=True)
class WebhookVendor:
    """Rules for the webhooks of one vendor."""

    is_genuine: Callable[[Mapping[str, str], bytes, Iterable[bytes], datetime], bool]
    identity_parts: Callable[[dict[str, Any]], tuple[object, ...]]
    sent_at: Callable[[dict[str, Any]], datetime | None]


VENDORS: Mapping[str, WebhookVendor] = {
    "instantly": WebhookVendor(instantly.is_genuine, instantly.identity_parts, instantly.sent_at),
    "vapi": WebhookVendor(vapi.is_genuine, vapi.identity_parts, vapi.sent_at),
    "calcom": WebhookVendor(calcom.is_genuine, calcom.identity_parts, calcom.sent_at),
}
