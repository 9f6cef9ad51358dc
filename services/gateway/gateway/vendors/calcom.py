"""Cal.com signs the body alone, without a time: what came before is told by its names (vendor contracts §8)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gateway.vendors.proofs import any_signed, text_at, time_at


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], _now: datetime) -> bool:
    """Whether one of our secrets signed the body."""
    return any_signed(headers.get("X-Cal-Signature-256"), body, secrets)


def names(message: dict[str, Any]) -> tuple[object, ...]:
    """Trigger, booking and time of the delivery."""
    trigger, created_at = text_at(message, "triggerEvent"), text_at(message, "createdAt")
    booking = text_at(message, "payload", "uid") or text_at(message, "payload", "bookingUid")
    return (trigger, booking, created_at) if trigger and booking and created_at else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """When the delivery was made."""
    return time_at(message, "createdAt")
