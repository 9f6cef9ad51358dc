"""VAPI's webhooks. They sign `timestamp.body` or bring a shared secret, as the credential is set up (docs/vendors/vapi.md)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.uploads.signature import TIMESTAMP_TOLERANCE
from gateway.webhooks.vendors.proofs import equals_any_secret, is_signed_by_any, text_at

_SMALLEST_MILLISECONDS = 100_000_000_000
"""A timestamp above this counts milliseconds, else seconds: the unit of the header is not documented."""


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], now: datetime) -> bool:
    """Return whether the webhook is signed within five minutes of *now*, or brings one of our secrets."""
    if "X-Signature" not in headers:
        return equals_any_secret(headers.get("X-Vapi-Secret"), secrets)
    timestamp = headers.get("X-Timestamp", "")
    signed = timestamp.encode("utf-8", "surrogateescape") + b"." + body
    genuine = is_signed_by_any(headers["X-Signature"], signed, secrets)
    moment = _parse_timestamp(timestamp) if timestamp.isascii() and timestamp.isdigit() else None
    return genuine and moment is not None and abs(now - moment) <= TIMESTAMP_TOLERANCE


def identity_parts(message: dict[str, Any]) -> tuple[object, ...]:
    """Return call, type, and status or time. Webhooks come repeatedly and out of order."""
    inner = message.get("message")
    call, kind = text_at(inner, "call", "id"), text_at(inner, "type")
    if not (isinstance(inner, dict) and call and kind):
        return ()
    status_or_time = inner.get("status") or inner.get("timestamp")
    return (call, kind, status_or_time) if isinstance(status_or_time, str | int | float) else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """Return the time at which the message was made."""
    inner = message.get("message")
    timestamp = inner.get("timestamp") if isinstance(inner, dict) else None
    return _parse_timestamp(timestamp) if isinstance(timestamp, int | float) else None


def _parse_timestamp(timestamp: str | float) -> datetime | None:
    try:
        seconds = float(timestamp)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _SMALLEST_MILLISECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
