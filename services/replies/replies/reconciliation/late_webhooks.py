"""Webhooks that come after the comparison has found their reply. They are linked to it, and not taken in again."""

import hashlib
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Tx
from common.compliance import queries as compliance_queries
from replies.reconciliation import queries
from replies.reconciliation.identity import SAME_REPLY_WINDOW, ListedEmail, NotedReply, pair_replies
from replies.webhook import InstantlyEvent

log = structlog.get_logger()


async def lock_identity(tx: Tx, value_hash: bytes) -> None:
    """Hold the lock under which replies of an address are inserted and paired with emails, until *tx* ends.

    It comes before the locks of contacts (`lock_contacts`), which opt-outs take: no opt-out waits for it.
    """
    digest = hashlib.sha256(b"reply-identity|" + value_hash).digest()
    await compliance_queries.lock_keys(tx.connection, keys=[int.from_bytes(digest[:8], "big", signed=True)])


async def link_late_webhook(
    tx: Tx, event_id: UUID, event: InstantlyEvent, value_hash: bytes | None, text_hash: bytes | None
) -> bool:
    """Link a webhook to the reply that the comparison found before it. Return whether there is one."""
    if value_hash is None:
        return False
    await lock_identity(tx, value_hash)
    if await queries.is_webhook_linked(tx.connection, event_id=event_id):
        return True
    rows = await queries.list_reconciled_replies(
        tx.connection,
        value_hash=value_hash,
        since=event.at - SAME_REPLY_WINDOW,
        until=event.at + SAME_REPLY_WINDOW,
        named_email_id=event.email_id,
    )
    emails = {row.received_email_id: row for row in rows}
    pairs = pair_replies(
        [NotedReply(event_id, event.at, event.email_id, text_hash)],
        [ListedEmail(row.received_email_id, row.at, row.text_hash) for row in rows],
    )
    for email_id in pairs:
        await queries.link_late_webhook(tx.connection, event_id=event_id, reply_id=emails[email_id].id)
        telemetry.counter("equity_late_reply_webhooks", "Webhooks of replies that were found before").add(1)
        log.info("late_webhook_linked", reply_id=str(emails[email_id].id))
    return bool(pairs)
