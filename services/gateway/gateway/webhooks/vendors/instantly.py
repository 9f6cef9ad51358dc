"""Instantly's webhooks. They are not signed: a header of the subscription holds our random secret (docs/vendors/instantly.md)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from common.vendors.instantly import WEBHOOK_SECRET_HEADER
from gateway.webhooks.vendors.proofs import Proof, SecretProof, pick_scalars, text_at, time_at

_IDENTITY_FIELDS = ("workspace", "event_type", "lead_email", "email_id", "timestamp")
EVENT_TYPES = frozenset(
    {
        "email_sent", "email_opened", "email_link_clicked", "link_clicked", "reply_received", "auto_reply_received",
        "email_bounced", "lead_unsubscribed", "campaign_completed", "account_error", "lead_neutral", "lead_interested",
        "lead_not_interested", "lead_meeting_booked", "lead_meeting_completed", "lead_closed", "lead_out_of_office",
        "lead_wrong_person", "lead_no_show", "supersearch_enrichment_completed",
    }
)  # fmt: skip


def start_proof(headers: Mapping[str, str], secrets: Iterable[bytes], _now: datetime) -> Proof:
    """Return the proof that the header holds one of our secrets."""
    return SecretProof(headers.get(WEBHOOK_SECRET_HEADER), secrets)


def identity_parts(message: dict[str, Any]) -> tuple[object, ...]:
    """Return five fields that together identify an event, because there is no event id. Type and time are required."""
    found = tuple(text_at(message, name) for name in _IDENTITY_FIELDS)
    return found if found[1] and found[-1] else ()


def sent_at(message: dict[str, Any]) -> datetime | None:
    """Return the time of the event."""
    return time_at(message, "timestamp")


def event_type(message: dict[str, Any]) -> str:
    """Return the type of the event. Labels that people set have their own text."""
    return text_at(message, "event_type")


def stub(message: dict[str, Any]) -> dict[str, Any]:
    """Return type, time and ids. `email_id` fetches the email."""
    return pick_scalars(message, (*_IDENTITY_FIELDS, "campaign_id", "lead_id", "step", "variant"))
