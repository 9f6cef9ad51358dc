"""VAPI signs `timestamp.body`, or sends a shared secret, as its credential is set up (vendor contracts §2.4)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.signature import WINDOW
from gateway.vendors.proofs import any_equal, any_signed, text_at

_MILLISECONDS_SINCE = 100_000_000_000
"""A timestamp above this counts milliseconds: the header's unit is not documented."""


def is_genuine(headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], now: datetime) -> bool:
    """Whether it is signed within five minutes of *now*, or brings one of our secrets."""
    if "X-Signature" not in headers:
        return any_equal(headers.get("X-Vapi-Secret"), secrets)
    timestamp = headers.get("X-Timestamp", "")
    signed = timestamp.encode("utf-8", "surrogateescape") + b"." + body
    genuine = any_signed(headers["X-Signature"], signed, secrets)
    moment = _moment(timestamp) if timestamp.isascii() and timestamp.isdigit() else None
    return genuine and moment is not None and abs(now - moment) <= WINDOW


def names(message: dict[str, Any]) -> tuple[object, ...]:
    """Call, type, and the status or the time: deliveries come twice and out of order."""
    inner = message.get("message")
    call, kind = text_at(inner, "call", "id"), text_at(inner, "type")
    if not (isinstance(inner, dict) and call and kind):
        return ()
    which = inner.get("status") or inner.get("timestamp")
    return (call, kind, which) if isinstance(which, str | int | float) else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """When the message was made."""
    inner = message.get("message")
    timestamp = inner.get("timestamp") if isinstance(inner, dict) else None
    return _moment(timestamp) if isinstance(timestamp, int | float) else None


def _moment(timestamp: str | float) -> datetime | None:
    try:
        seconds = float(timestamp)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _MILLISECONDS_SINCE else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
