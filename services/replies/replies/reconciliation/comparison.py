"""Hourly comparison of the emails at Instantly with our replies (docs/replies.md, Reconciliation).

A reply without a webhook is taken in like one with a webhook. The progress is stored after each page, so any replica
continues an interrupted comparison.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.vendors.errors import BackingOffError, VendorCallError
from replies.reconciliation import queries
from replies.reconciliation.missed_replies import MissedReplyIntake
from replies.reconciliation.queries import Comparison
from replies.reconciliation.received_emails import ReceivedEmails
from replies.reconciliation.settings import ReconciliationSettings
from replies.vendors.instantly import InstantlyEmail, InstantlyEmails

log = structlog.get_logger()

PAGE_LEASE = timedelta(minutes=10)
"""Longer than a page can take, which waits for the limit of email lists. After it another replica continues."""


class EmailComparison:
    """Job that compares, whatever the number of replicas."""

    def __init__(
        self,
        bus: Bus,
        emails: InstantlyEmails,
        received: ReceivedEmails,
        intake: MissedReplyIntake,
        settings: ReconciliationSettings,
    ) -> None:
        self._bus = bus
        self._emails = emails
        self._received = received
        self._intake = intake
        self._every = timedelta(seconds=settings.reply_reconcile_seconds)
        self._grace = timedelta(seconds=settings.reply_reconcile_grace_seconds)
        self._overlap = timedelta(seconds=settings.reply_reconcile_overlap_seconds)
        self._reach = timedelta(days=settings.reply_reconcile_first_days)

    async def compare_emails(self) -> None:
        """Compare the emails since the last comparison, if it is due. Without an answer of Instantly the progress stays."""
        comparison = await self._bus.transact(self._claim)
        if comparison is None:
            return
        claimed_until = comparison.claimed_until
        try:
            async for page in self._emails.list_emails("received", comparison.checked_until - self._overlap):
                due = [email for email in page if email.at < comparison.ready_before]
                found = await self._compare_page(due)
                if not page or len(due) < len(page):
                    break
                extended = await self._advance(page[-1].at, found, claimed_until)
                if extended is None:
                    return
                claimed_until = extended
        except VendorCallError as error:
            if not isinstance(error, BackingOffError):
                log.warning("reply_reconciliation_interrupted", error=error.code)
            await self._bus.transact(lambda tx: queries.release_comparison(tx.connection, claimed_until=claimed_until))
            return
        await self._bus.transact(
            lambda tx: queries.complete_comparison(
                tx.connection, checked_until=comparison.ready_before, claimed_until=claimed_until
            )
        )

    async def _claim(self, tx: Tx) -> Comparison | None:
        await queries.create_progress(tx.connection, reach=self._reach)
        return await queries.claim_comparison(tx.connection, lease=PAGE_LEASE, every=self._every, grace=self._grace)

    async def _advance(self, at: datetime, found: int, claimed_until: datetime) -> datetime | None:
        return await self._bus.transact(
            lambda tx: queries.advance_comparison(
                tx.connection, checked_until=at, lease=PAGE_LEASE, found=found, claimed_until=claimed_until
            )
        )

    async def _compare_page(self, emails: Sequence[InstantlyEmail]) -> int:
        """Pair the emails of a page with replies, and take in those without one. Return their number."""
        addressed = sorted((email for email in emails if email.is_received), key=_address_of)
        found = 0
        for address, of_address in groupby(addressed, key=_address_of):
            if address:
                found += await self._compare_address(address, list(of_address))
        return found

    async def _compare_address(self, address: str, emails: Sequence[InstantlyEmail]) -> int:
        """Pair the emails of an address; then take in each missed one in its own transaction, which pairs it again first."""
        value_hash = self._bus.keyring.hash_contact(address)
        return sum(
            [await self._intake.take_in(email, value_hash) for email in await self._received.pair(value_hash, emails)]
        )


async def request_comparison(bus: Bus) -> None:
    """Let the next comparison begin at once."""
    await bus.transact(lambda tx: queries.request_comparison(tx.connection))


async def measure_comparison(bus: Bus) -> None:
    """Export how far the comparison is behind."""
    async with bus.database.connection() as connection:
        seconds = await queries.measure_comparison(connection)
    telemetry.gauge(
        "equity_reply_reconciliation_lag_seconds", "Seconds since the time until which emails were compared"
    ).set(max(0.0, seconds))


def _address_of(email: InstantlyEmail) -> str:
    """Return the address of the lead, as webhooks name it; of the sender, if the email has no lead."""
    return email.lead_address or email.sender or ""
