"""Cal.com's webhooks. The signature covers the body without a time, so a repeat is recognised by its identity.

See docs/vendors/calcom.md.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gateway.webhooks.vendors.proofs import is_signed_by_any, text_at, time_at


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], _now: datetime) -> bool:
    """Return whether one of our secrets signed the body."""
    return is_signed_by_any(headers.get("X-Cal-Signature-256"), body, secrets)


def identity_parts(message: dict[str, Any]) -> tuple[object, ...]:
    """Return trigger, booking and time of the webhook."""
    trigger, created_at = text_at(message, "triggerEvent"), text_at(message, "createdAt")
    booking = text_at(message, "payload", "uid") or text_at(message, "payload", "bookingUid")
    return (trigger, booking, created_at) if trigger and booking and created_at else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """Return the time at which the webhook was made."""
    return time_at(message, "createdAt")
