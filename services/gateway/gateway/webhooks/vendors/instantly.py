"""Instantly's webhooks. They are not signed: a header of the subscription holds our random secret (docs/vendors/instantly.md)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gateway.webhooks.vendors.proofs import equals_any_secret, text_at, time_at

SECRET_HEADER = "X-EC-Webhook-Secret"  # noqa: S105 - the name of the header
_IDENTITY_FIELDS = ("workspace", "event_type", "lead_email", "email_id", "timestamp")


def is_genuine(headers: Mapping[str, str], _body: bytes, secrets: Iterable[bytes], _now: datetime) -> bool:
    """Return whether the header holds one of our secrets."""
    return equals_any_secret(headers.get(SECRET_HEADER), secrets)


def identity_parts(message: dict[str, Any]) -> tuple[object, ...]:
    """Return five fields that together identify an event, because there is no event id. Type and time are required."""
    found = tuple(text_at(message, name) for name in _IDENTITY_FIELDS)
    return found if found[1] and found[-1] else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """Return the time of the event."""
    return time_at(message, "timestamp")
