"""Client of Instantly for emails and webhook subscriptions (docs/vendors/instantly.md, Emails and Webhooks)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

import structlog

from common import telemetry
from common.pii.contact_values import email_address
from common.vendors.errors import OutcomeUnknownError
from common.vendors.instantly import (
    INSTANTLY_EMAIL_LISTS,
    INSTANTLY_PAGE_SIZE,
    InstantlyApi,
    InstantlyNotFoundError,
    PageCursor,
    read_items,
)
from common.vendors.throttle import Permit

log = structlog.get_logger()

RECEIVED = 2
"""`ue_type` of an email that a person sent to us."""
EmailType = Literal["received", "sent", "manual"]
DISABLED_STATUS = -1
"""Status of a webhook subscription that Instantly disabled after failed deliveries."""


@dataclass(frozen=True, slots=True)
class InstantlyEmail:
    """Email of a conversation. Texts and addresses are personal data and never logged."""

    id: str
    at: datetime
    """Time at which Instantly created it."""
    is_received: bool
    account: str
    lead_address: str | None = field(repr=False)
    """Address of the lead of the conversation, in normal form, also when the lead was removed."""
    sender: str | None = field(repr=False)
    """Address of the sender, in normal form. It may differ from the lead's."""
    subject: str = field(repr=False)
    text: str | None = field(repr=False)
    html: str | None = field(repr=False)
    is_auto_reply: bool = False
    campaign_id: str | None = None
    step: int | None = None


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """Answer to the sender of the email *email_id*, from our mailbox *account*."""

    email_id: str
    account: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Webhook subscription."""

    id: str
    url: str = field(repr=False)
    event_type: str | None
    is_disabled: bool


class InstantlyEmails:
    """Client of one workspace."""

    def __init__(self, api: InstantlyApi) -> None:
        self._api = api

    async def acquire_permit(self) -> Permit:
        """Return the permit of an answer, before the gate is asked. Raises BackingOffError."""
        return await self._api.acquire_permit()

    async def fetch_email(self, email_id: str) -> InstantlyEmail | None:
        """Return an email; None if there is none with this id. Raises VendorCallError."""
        try:
            return read_email(await self._api.call("GET", f"/emails/{quote(email_id, safe='')}"))
        except InstantlyNotFoundError:
            return None

    async def list_emails(
        self, email_type: EmailType, since: datetime, *, lead_address: str | None = None
    ) -> AsyncIterator[list[InstantlyEmail]]:
        """Yield pages of the emails that were created after *since*, the oldest first.

        Each page is a call under the limit of email lists. Items without an id or a time are counted and left out. Raises
        VendorCallError, also for a cursor that repeats.
        """
        after, cursor = None, PageCursor()
        while True:
            query = {
                "email_type": email_type,
                "min_timestamp_created": since.astimezone(UTC).isoformat(timespec="milliseconds"),
                "sort_order": "asc",
                "limit": INSTANTLY_PAGE_SIZE,
                **({"lead": lead_address} if lead_address else {}),
                **({"starting_after": after} if after else {}),
            }
            body = await self._api.call("GET", f"/emails?{urlencode(query)}", limit=INSTANTLY_EMAIL_LISTS)
            items = read_items(body)
            readable = [email for item in items if (email := _read_or_count(item))]
            if readable or not items:
                yield readable
            after = cursor.read_next(body, items)
            if after is None:
                return

    async def send_answer(self, answer: NewAnswer, permit: Permit, start_before: datetime) -> str | None:
        """Send *answer*, and return the id of our email, if the response has it. Raises VendorCallError.

        After an OutcomeUnknownError the answer may have been sent: never repeat it.
        """
        body = {
            "reply_to_uuid": answer.email_id,
            "eaccount": answer.account,
            "subject": answer.subject,
            "body": {"html": answer.html, "text": answer.text},
        }
        response = await self._api.call("POST", "/emails/reply", body, permit=permit, start_before=start_before)
        return _read_text(response, "id")

    async def list_subscriptions(self) -> list[Subscription]:
        """Return all webhook subscriptions. Raises VendorCallError."""
        found, after, cursor = list[Subscription](), None, PageCursor()
        while True:
            query = {"limit": INSTANTLY_PAGE_SIZE, **({"starting_after": after} if after else {})}
            body = await self._api.call("GET", f"/webhooks?{urlencode(query)}")
            items = read_items(body)
            found += [_read_subscription(item) for item in items]
            after = cursor.read_next(body, items)
            if after is None:
                return found

    async def resume_subscription(self, subscription_id: str) -> None:
        """Enable a disabled subscription again. Raises VendorCallError."""
        await self._api.call("POST", f"/webhooks/{quote(subscription_id, safe='')}/resume", {})


def read_email(item: Mapping[str, Any]) -> InstantlyEmail:
    """Return the email that *item* describes. Raises OutcomeUnknownError without an id or a time."""
    email_id, created = _read_text(item, "id"), _read_text(item, "timestamp_created")
    at = _read_time(created) if created else None
    if email_id is None or at is None:
        raise OutcomeUnknownError("no_email")
    body = item.get("body")
    parts = body if isinstance(body, dict) else {}
    step = _read_text(item, "step") or ""
    return InstantlyEmail(
        id=email_id,
        at=at,
        is_received=item.get("ue_type") == RECEIVED,
        account=_read_text(item, "eaccount") or "",
        lead_address=email_address(_read_text(item, "lead") or ""),
        sender=email_address(_read_text(item, "from_address_email") or ""),
        subject=_read_text(item, "subject") or "",
        text=_read_text(parts, "text"),
        html=_read_text(parts, "html"),
        is_auto_reply=item.get("is_auto_reply") in (1, True),
        campaign_id=_read_text(item, "campaign_id"),
        step=int(step) if step.isascii() and step.isdigit() and len(step) < len("00000") else None,
    )


def _read_or_count(item: Mapping[str, Any]) -> InstantlyEmail | None:
    """Return the email that *item* describes. One that is unreadable must not keep the others back: count it, and return None."""
    try:
        return read_email(item)
    except OutcomeUnknownError as error:
        log.warning("email_unreadable", error=error.code)
        telemetry.counter("equity_unreadable_emails", "Emails in lists of Instantly that had no id or no time").add(1)
        return None


def _read_subscription(item: Mapping[str, Any]) -> Subscription:
    subscription_id = _read_text(item, "id")
    if subscription_id is None:
        raise OutcomeUnknownError("no_id")
    url, event_type = _read_text(item, "target_hook_url") or "", _read_text(item, "event_type")
    return Subscription(subscription_id, url, event_type, item.get("status") == DISABLED_STATUS)


def _read_text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) and value else None


def _read_time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
