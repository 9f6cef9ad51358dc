"""Instantly does not sign. We put a random secret into the headers of the subscription (vendor contracts §1.7)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gateway.vendors.proofs import any_equal, text_at, time_at

SECRET_HEADER = "X-EC-Webhook-Secret"  # noqa: S105 - the header's name
_NAMES = ("workspace", "event_type", "lead_email", "email_id", "timestamp")


def is_genuine(headers: Mapping[str, str], _body: bytes, secrets: Iterable[bytes], _now: datetime) -> bool:
    """Whether the delivery brings one of our secrets."""
    return any_equal(headers.get(SECRET_HEADER), secrets)


def names(message: dict[str, Any]) -> tuple[object, ...]:
    """There is no event id: these five together are one, as long as the time is among them."""
    found = tuple(text_at(message, name) for name in _NAMES)
    return found if found[1] and found[-1] else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """When the event happened."""
    return time_at(message, "timestamp")
