"""Webhook of Instantly, read into typed values. Whatever its body holds, reading never fails (docs/vendors/instantly.md). Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.pii.contact_values import email_address, email_by_library
from replies.routes import Intent

MAX_AGE = timedelta(days=30)
"""A time further in the past is not believed: the gateway refuses webhooks that are older than its inbox remembers."""
_REFERENCE = re.compile(r"[A-Za-z0-9_.:/-]{1,160}")
_ACCOUNT = re.compile(r"[^\s@<>]{1,64}@[A-Za-z0-9.-]{1,190}")
_MAX_STEP = 100
_MAX_ADDRESS_CHARACTERS = 254


class EventKind(StrEnum):
    """Kind of webhook, by what the service does with it."""

    REPLY = "reply"
    LABEL = "label"
    OPT_OUT = "opt_out"
    BOUNCE = "bounce"
    SENT = "sent"
    OTHER = "other"


LABEL_INTENTS: Mapping[str, Intent] = {
    "lead_interested": "interested",
    "lead_not_interested": "not_interested",
    "lead_wrong_person": "wrong_person",
    "lead_out_of_office": "out_of_office",
}
"""Intents of the labels that people set at Instantly."""
_KINDS = {
    "reply_received": EventKind.REPLY,
    "auto_reply_received": EventKind.REPLY,
    "lead_unsubscribed": EventKind.OPT_OUT,
    "email_bounced": EventKind.BOUNCE,
    "email_sent": EventKind.SENT,
    **dict.fromkeys(LABEL_INTENTS, EventKind.LABEL),
}
_COUNTED_TYPES = frozenset(
    {
        "email_opened", "email_link_clicked", "link_clicked", "campaign_completed", "account_error", "lead_neutral",
        "lead_meeting_booked", "lead_meeting_completed",
        "lead_closed", "lead_no_show", "supersearch_enrichment_completed",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class InstantlyEvent:
    """Event that Instantly reports. Fields with personal data are not shown by `repr`."""

    kind: EventKind
    type: str
    """Documented type of the webhook, otherwise `other`: a custom label is free text of a person."""
    at: datetime
    """Time of the event, never after its receipt."""
    received_at: datetime
    email: str | None = field(default=None, repr=False)
    """Address of the lead, normalised."""
    lead_id: UUID | None = None
    vendor_campaign_id: str | None = None
    email_id: str | None = None
    account: str | None = None
    step: int | None = None
    variant: int | None = None
    subject: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    is_auto_reply: bool = False
    oversized: bool = False
    """Whether only a stub came, so that the content must be fetched."""


def read_webhook(body: object, received_at: datetime, *, oversized: bool = False) -> InstantlyEvent:
    """Return the event of the webhook *body*. A value of a wrong type counts as missing."""
    fields = body if isinstance(body, Mapping) else {}
    written_type = _text(fields, "event_type")
    kind = _KINDS.get(written_type, EventKind.OTHER)
    known = kind is not EventKind.OTHER or written_type in _COUNTED_TYPES
    return InstantlyEvent(
        kind=kind,
        type=written_type if known else "other",
        at=_read_time(_text(fields, "timestamp"), received_at),
        received_at=received_at,
        email=_read_address(_text(fields, "lead_email") or _text(fields, "email")),
        lead_id=_read_uuid(_text(fields, "lead_id")),
        vendor_campaign_id=_matched(fields, "campaign_id", _REFERENCE),
        email_id=_matched(fields, "email_id", _REFERENCE),
        account=_matched(fields, "email_account", _ACCOUNT),
        step=_read_step(fields.get("step"), 1),
        variant=_read_step(fields.get("variant"), 0),
        subject=_text(fields, "reply_subject") or _text(fields, "email_subject"),
        text=_text(fields, "reply_text")
        or ("" if _text(fields, "reply_html") else _text(fields, "reply_text_snippet")),
        html=_text(fields, "reply_html"),
        is_auto_reply=written_type == "auto_reply_received" or fields.get("is_auto_reply") in (True, 1, "1", "true"),
        oversized=oversized,
    )


def _text(fields: Mapping[Any, Any], name: str) -> str:
    value = fields.get(name)
    return value.replace("\0", "").encode(errors="replace").decode() if isinstance(value, str) else ""


def _read_address(text: str) -> str | None:
    """Return the normalised address, also one that stands for a missing address: an opt-out counts for it too."""
    return email_address(text) or email_by_library(text.strip().lower()[:_MAX_ADDRESS_CHARACTERS])


def _matched(fields: Mapping[Any, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    value = _text(fields, name).strip()
    return value if pattern.fullmatch(value) else None


def _read_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _read_step(value: object, least: int) -> int | None:
    """Return the number of a step or variant, which comes as a number or as a text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if least <= value <= _MAX_STEP else None


def _read_time(text: str, received_at: datetime) -> datetime:
    """Return the time in *text*; *received_at* if it has none, lies in the future or is too old to be believed."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return received_at
    return at if received_at - MAX_AGE <= at <= received_at else received_at
