"""Cal.com's webhooks. The signature covers the body without a time, so a repeat is recognised by its identity.

See docs/vendors/calcom.md.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gateway.webhooks.vendors.proofs import Proof, SignatureProof, pick_scalars, text_at, time_at

EVENT_TYPES = frozenset(
    {
        "BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED", "BOOKING_REQUESTED", "BOOKING_REJECTED",
        "BOOKING_NO_SHOW_UPDATED", "BOOKING_PAID", "MEETING_STARTED", "MEETING_ENDED", "FORM_SUBMITTED", "PING",
    }
)  # fmt: skip


def start_proof(headers: Mapping[str, str], secrets: Iterable[bytes], _now: datetime) -> Proof:
    """Return the proof that one of our secrets signed the body."""
    return SignatureProof(headers.get("X-Cal-Signature-256"), secrets)


def identity_parts(message: dict[str, Any]) -> tuple[object, ...]:
    """Return trigger, booking and time of the webhook."""
    trigger, created_at = text_at(message, "triggerEvent"), text_at(message, "createdAt")
    booking = text_at(message, "payload", "uid") or text_at(message, "payload", "bookingUid")
    return (trigger, booking, created_at) if trigger and booking and created_at else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """Return the time at which the webhook was made."""
    return time_at(message, "createdAt")


def event_type(message: dict[str, Any]) -> str:
    """Return the trigger."""
    return text_at(message, "triggerEvent")


def stub(message: dict[str, Any]) -> dict[str, Any]:
    """Return type, time and ids in their places."""
    kept = pick_scalars(message, ("triggerEvent", "createdAt"))
    return kept | {"payload": pick_scalars(message.get("payload"), ("uid", "bookingUid", "bookingId", "rescheduleUid"))}
