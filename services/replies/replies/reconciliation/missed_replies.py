"""Intake of replies that were found at Instantly: read, recorded and routed like those that webhooks bring."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.ids import named_id
from common.pii.keyring import Keyring
from replies import outcomes
from replies.own_texts import OwnTexts
from replies.reading import ReadReply, read_reply
from replies.reconciliation.received_emails import ReceivedEmails
from replies.recorder import RecordedReply, ReplyRecorder, hash_new_text
from replies.vendors.instantly import InstantlyEmail
from replies.webhook import EventKind, InstantlyEvent

log = structlog.get_logger()


class EmailReader:
    """Reader of emails of Instantly's list, with the same rules as for webhooks."""

    def __init__(self, own_texts: OwnTexts, keyring: Keyring) -> None:
        self._own_texts = own_texts
        self._keyring = keyring

    async def read(self, email: InstantlyEmail) -> tuple[InstantlyEvent, ReadReply]:
        """Return the event that a webhook about *email* would have been, and its new text."""
        event = build_event(email, datetime.now(UTC))
        own = await self._own_texts.load(event.vendor_campaign_id)
        return event, await asyncio.to_thread(read_reply, event, own)

    async def hash_text(self, email: InstantlyEmail) -> bytes | None:
        """Return the keyed hash of the new text; None if there is none."""
        _, read = await self.read(email)
        return hash_new_text(self._keyring, read.new)


class MissedReplyIntake:
    """Writer of replies whose webhook is missing."""

    def __init__(
        self, bus: Bus, reader: EmailReader, received: ReceivedEmails, recorder: ReplyRecorder, wake: Callable[[], None]
    ) -> None:
        self._bus = bus
        self._reader = reader
        self._received = received
        self._recorder = recorder
        self._wake = wake

    async def take_in(self, email: InstantlyEmail, value_hash: bytes) -> bool:
        """Record *email* as its webhook would have been, unless the webhook came meanwhile. Return whether it is new."""
        event, read = await self._reader.read(email)
        hashes = {email.id: hash_new_text(self._bus.keyring, read.new)}

        async def write(tx: Tx) -> RecordedReply | None:
            if not await self._received.pair_in(tx, value_hash, [email], hashes):
                return None
            return await self._recorder.record_reply(
                tx, named_id("instantly-email", email.id), event, read, received_email_id=email.id
            )

        recorded = await self._bus.transact(write)
        if recorded is None:
            return False
        outcomes.report(event, recorded.matched, recorded.routed, opted_out=False)
        telemetry.counter("equity_missed_replies", "Replies that were found without a webhook").add(1)
        log.warning("missed_reply_found", reply_id=str(recorded.reply_id))
        if recorded.routed is None:
            self._wake()
        return True


def build_event(email: InstantlyEmail, now: datetime) -> InstantlyEvent:
    """Return *email* as a webhook would have reported it at *now*."""
    return InstantlyEvent(
        kind=EventKind.REPLY,
        type="auto_reply_received" if email.is_auto_reply else "reply_received",
        at=min(email.at, now),
        received_at=now,
        email=email.lead_address or email.sender,
        vendor_campaign_id=email.campaign_id,
        email_id=email.id,
        account=email.account or None,
        step=email.step,
        subject=email.subject,
        text=email.text or "",
        html=email.html or "",
        is_auto_reply=email.is_auto_reply,
    )
