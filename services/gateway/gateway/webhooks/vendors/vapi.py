"""VAPI's webhooks. They sign `timestamp.body` or bring a shared secret, as the credential is set up (docs/vendors/vapi.md)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.uploads.signature import TIMESTAMP_TOLERANCE
from gateway.webhooks.vendors.proofs import Proof, RefusedProof, SecretProof, SignatureProof, pick_scalars, text_at

_SMALLEST_MILLISECONDS = 100_000_000_000
"""A timestamp above this counts milliseconds, else seconds: the unit of the header is not documented."""


EVENT_TYPES = frozenset(
    {
        "status-update", "end-of-call-report", "tool-calls", "assistant-request", "conversation-update", "hang",
        "speech-update", "transcript", "transfer-destination-request", "transfer-update", "user-interrupted",
        "model-output", "voice-input", "session.created", "session.updated", "session.deleted", "chat.created", "chat.deleted",
    }
)  # fmt: skip


def start_proof(headers: Mapping[str, str], secrets: Iterable[bytes], now: datetime) -> Proof:
    """Return the proof that the webhook is signed within five minutes of *now*, or brings one of our secrets."""
    if "X-Signature" not in headers:
        return SecretProof(headers.get("X-Vapi-Secret"), secrets)
    timestamp = headers.get("X-Timestamp", "")
    moment = _parse_timestamp(timestamp) if timestamp.isascii() and timestamp.isdigit() else None
    if moment is None or abs(now - moment) > TIMESTAMP_TOLERANCE:
        return RefusedProof()
    return SignatureProof(headers["X-Signature"], secrets, timestamp.encode() + b".")


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


def event_type(message: dict[str, Any]) -> str:
    """Return the type of the message."""
    return text_at(message, "message", "type")


def stub(message: dict[str, Any]) -> dict[str, Any]:
    """Return type, time and ids in their places. The id of the call fetches the rest."""
    inner = message.get("message")
    if not isinstance(inner, dict):
        return {}
    kept = pick_scalars(inner, ("type", "status", "timestamp", "endedReason"))
    return {"message": kept | {"call": pick_scalars(inner.get("call"), ("id", "phoneNumberId", "assistantId"))}}


def _parse_timestamp(timestamp: str | float) -> datetime | None:
    try:
        seconds = float(timestamp)
        return datetime.fromtimestamp(seconds / 1000 if seconds > _SMALLEST_MILLISECONDS else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
