"""Contents of replies of which only a stub came, because the webhook was too large. They are fetched from Instantly."""

from datetime import timedelta

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.vendors.errors import VendorCallError
from replies import outcomes
from replies import queries as reply_queries
from replies.reconciliation import queries
from replies.reconciliation.late_webhooks import lock_identity
from replies.reconciliation.missed_replies import EmailReader
from replies.reconciliation.queries import MissingContent
from replies.reconciliation.received_emails import ReceivedEmails
from replies.recorder import ReplyRecorder
from replies.router import ReplyRouter, Routed
from replies.routes import Classification
from replies.vendors.instantly import InstantlyEmail, InstantlyEmails

log = structlog.get_logger()

LEASE = timedelta(minutes=5)
"""Longer than an attempt takes. The next attempt follows after it."""
LONGEST_WAIT = timedelta(hours=24)
"""Time after which a person reads the reply at Instantly, because its content was never found."""


class MissingContents:
    """Job that fetches contents. The reply then goes on as if its webhook had come whole."""

    def __init__(
        self,
        bus: Bus,
        emails: InstantlyEmails,
        reader: EmailReader,
        received: ReceivedEmails,
        recorder: ReplyRecorder,
        router: ReplyRouter,
    ) -> None:
        self._bus = bus
        self._emails = emails
        self._reader = reader
        self._received = received
        self._recorder = recorder
        self._router = router

    async def fetch_contents(self) -> None:
        """Fetch every content that is missing and due, until none is or Instantly does not answer."""
        while missing := await self._bus.transact(
            lambda tx: queries.claim_missing_content(tx.connection, lease=LEASE, longest=LONGEST_WAIT)
        ):
            try:
                email = await self._find(missing)
            except VendorCallError as error:
                log.warning("reply_content_not_fetched", reply_id=str(missing.id), error=error.code)
                return
            if email is not None:
                await self._store(missing, email)
            elif missing.is_old:
                await self._give_up(missing)

    async def _find(self, missing: MissingContent) -> InstantlyEmail | None:
        """Return the email of the person; the id may name one of ours. Raises VendorCallError."""
        named = await self._emails.fetch_email(missing.email_id) if missing.email_id else None
        if named is None or named.is_received:
            return named
        return await self._received.find_email(missing.id, missing.value_hash, missing.at, named)

    async def _store(self, missing: MissingContent, email: InstantlyEmail) -> None:
        event, read = await self._reader.read(email)

        async def write(tx: Tx) -> Routed | None:
            await lock_identity(tx, missing.value_hash)
            await queries.assign_email(tx.connection, email_id=email.id, reply_id=missing.id)
            return await self._recorder.store_content(tx, missing.id, event, read)

        routed = await self._bus.transact(write)
        outcomes.report(event, None, routed, opted_out=False)
        log.info("reply_content_fetched", reply_id=str(missing.id))

    async def _give_up(self, missing: MissingContent) -> None:
        """Let the broker read the reply: its content was never found."""

        async def write(tx: Tx) -> None:
            reply = await reply_queries.read_reply(tx.connection, reply_id=missing.id)
            if reply.state == "content_missing":
                await self._router.route_reply(
                    tx, reply, Classification("other", "rules", fallback_reason="no_content"), None
                )

        await self._bus.transact(write)
        telemetry.counter("equity_reply_contents_lost", "Replies whose content was never found").add(1)
        log.error("reply_content_lost", reply_id=str(missing.id))
