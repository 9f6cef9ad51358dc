"""Emails that Instantly received from one address, paired with the replies that webhooks reported."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from common.bus import Bus, Tx
from replies.reconciliation import queries
from replies.reconciliation.identity import SAME_REPLY_WINDOW, ListedEmail, NotedReply, pair_replies
from replies.reconciliation.late_webhooks import lock_identity
from replies.vendors.instantly import InstantlyEmail, InstantlyEmails

log = structlog.get_logger()

TextHasher = Callable[[InstantlyEmail], Awaitable[bytes | None]]
"""Returns the keyed hash of the new text of an email, as the handler of webhooks makes it; None if there is no text."""


class ReceivedEmails:
    """Reader of Instantly's list of received emails, and writer of the pairs."""

    def __init__(self, bus: Bus, emails: InstantlyEmails, hash_text: TextHasher) -> None:
        self._bus = bus
        self._emails = emails
        self._hash_text = hash_text

    async def find_email(
        self, reply_id: UUID, value_hash: bytes, at: datetime, named: InstantlyEmail
    ) -> InstantlyEmail | None:
        """Return the email that a reply is, where its webhook names *named*, an email of ours. None if it is not certain.

        *at* is the time of the webhook, *value_hash* the hash of the lead's address. Raises VendorCallError.
        """
        address = named.lead_address
        if address is None or self._bus.keyring.hash_contact(address) != value_hash:
            return None
        listed = await self._list_around(address, at)
        await self.pair(value_hash, listed)
        async with self._bus.database.connection() as connection:
            email_id = await queries.find_assigned_email(connection, reply_id=reply_id)
        return next((email for email in listed if email.id == email_id), None)

    async def pair(self, value_hash: bytes, emails: Sequence[InstantlyEmail]) -> list[InstantlyEmail]:
        """Record which reply each of *emails* is, all of one address. Return the emails without a reply."""
        hashes = {email.id: await self._hash_text(email) for email in emails}
        return await self._bus.transact(lambda tx: self.pair_in(tx, value_hash, emails, hashes))

    async def pair_in(
        self,
        tx: Tx,
        value_hash: bytes,
        emails: Sequence[InstantlyEmail],
        hashes: dict[str, bytes | None],
    ) -> list[InstantlyEmail]:
        """Do the same as `pair` in *tx*, which then holds the lock of `lock_identity`."""
        await lock_identity(tx, value_hash)
        ids = [email.id for email in emails]
        known = set(await queries.list_known_emails(tx.connection, email_ids=ids))
        left = [email for email in emails if email.id not in known]
        if not left:
            return []
        rows = await queries.list_unpaired_replies(
            tx.connection,
            value_hash=value_hash,
            since=min(email.at for email in left) - SAME_REPLY_WINDOW,
            until=max(email.at for email in left) + SAME_REPLY_WINDOW,
            email_ids=[email.id for email in left],
        )
        pairs = pair_replies(
            [NotedReply(row.id, row.at, row.vendor_email_id, row.text_hash) for row in rows],
            [ListedEmail(email.id, email.at, hashes[email.id]) for email in left],
        )
        await queries.assign_emails(tx.connection, reply_ids=list(pairs.values()), email_ids=list(pairs))
        return [email for email in left if email.id not in pairs]

    async def _list_around(self, address: str, at: datetime) -> list[InstantlyEmail]:
        found: list[InstantlyEmail] = []
        pages = self._emails.list_emails("received", at - SAME_REPLY_WINDOW, lead_address=address)
        async for page in pages:
            found += [email for email in page if email.at <= at + SAME_REPLY_WINDOW]
            if page and page[-1].at > at + SAME_REPLY_WINDOW:
                break
        return found
