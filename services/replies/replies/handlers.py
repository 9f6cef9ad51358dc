"""Handler of Instantly's webhooks. It uses the database only: no opt-out waits for a model or a vendor."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from common.bus import Batch, Received, Tx
from common.events import InstantlyWebhook
from common.ids import LeadId
from common.pii.keyring import Keyring
from replies import outcomes, queries
from replies.lead_events import EventLead, record_bounce, record_sent, record_vendor_opt_out
from replies.own_texts import OwnTexts
from replies.reading import ReadReply, read_reply
from replies.recorder import MatchedLead, RecordedReply, ReplyRecorder, match_lead
from replies.router import ReplyRouter, Routed
from replies.routes import Classification
from replies.webhook import LABEL_INTENTS, EventKind, InstantlyEvent, read_webhook

LABEL_AGE = timedelta(days=30)
"""Age of a reply to which a label can still belong."""
_BULK = frozenset({EventKind.SENT, EventKind.OTHER})


@dataclass(slots=True)
class WebhookItem:
    """Webhook with its event, and what its transaction did."""

    cause: Received[InstantlyWebhook]
    event: InstantlyEvent
    read: ReadReply | None = None
    recorded: RecordedReply | None = None
    routed: Routed | None = None
    matched: MatchedLead | None = None
    opted_out: bool = False


class WebhookHandlers:
    """Handler of webhooks. *wake* is called after a commit that leaves work to the classifier."""

    def __init__(
        self,
        recorder: ReplyRecorder,
        router: ReplyRouter,
        own_texts: OwnTexts,
        keyring: Keyring,
        wake: Callable[[], None],
    ) -> None:
        self._recorder = recorder
        self._router = router
        self._own_texts = own_texts
        self._keyring = keyring
        self._wake = wake

    async def record_webhooks(self, batch: Batch[InstantlyWebhook]) -> None:
        """Record the webhooks of *batch*: replies and opt-outs one by one, the short ones first; the others together."""
        items = [WebhookItem(received, _read(received)) for received in batch]
        single = [item for item in items if item.event.kind not in _BULK]
        for item in sorted(single, key=lambda item: len(item.event.text) + len(item.event.html)):
            if item.event.kind is EventKind.REPLY and not item.event.oversized:
                own = await self._own_texts.load(item.event.vendor_campaign_id)
                item.read = await asyncio.to_thread(read_reply, item.event, own)
            await batch.commit([item], self._write_single)
            outcomes.report(item.event, item.matched, item.routed, opted_out=item.opted_out)
            if item.recorded and not item.routed:
                self._wake()
        await batch.commit([item for item in items if item.event.kind in _BULK], self._write_bulk)

    async def _write_single(self, tx: Tx, items: Sequence[WebhookItem]) -> None:
        for item in items:
            if item.event.kind is EventKind.REPLY:
                await self._write_reply(tx, item)
            elif item.event.kind is EventKind.LABEL:
                await self._write_label(tx, item)
            else:
                await self._write_lead_event(tx, item)

    async def _write_reply(self, tx: Tx, item: WebhookItem) -> None:
        item.recorded = await self._recorder.record_reply(tx, item.cause.id, item.event, item.read, item.cause)
        item.matched = item.recorded.matched if item.recorded else None
        item.routed = item.recorded.routed if item.recorded else None

    async def _write_label(self, tx: Tx, item: WebhookItem) -> None:
        """Route the last reply of the lead by the label; without a reply, a row for the label itself."""
        item.matched = await match_lead(tx, item.event, self._hash(item.event))
        lead = item.matched.lead
        outcome = "labelled" if lead else "unmatched"
        await _insert_events(tx, [EventLead(item.cause.id, item.event, lead.id if lead else None)], outcome)
        if lead is None:
            return
        since = item.event.at - LABEL_AGE
        reply_id = await queries.find_last_reply(tx.connection, lead_id=lead.id, since=since)
        if reply_id is None:
            reply_id = await self._recorder.record_label(tx, item.cause.id, item.event, item.matched)
        reply = await queries.read_reply(tx.connection, reply_id=reply_id)
        intent = LABEL_INTENTS[item.event.type]
        item.routed = await self._router.route_reply(tx, reply, Classification(intent, "label"), item.cause)

    async def _write_lead_event(self, tx: Tx, item: WebhookItem) -> None:
        """Record an opt-out at Instantly, or a bounce."""
        value_hash = self._hash(item.event)
        item.matched = await match_lead(tx, item.event, value_hash)
        lead_id = item.matched.lead.id if item.matched.lead else None
        lead_event = EventLead(item.cause.id, item.event, lead_id, value_hash, self._keyring.hash_key_id, item.cause)
        if item.event.kind is EventKind.OPT_OUT:
            item.opted_out = await record_vendor_opt_out(tx, lead_event)
            outcome = "opted_out"
        else:
            await record_bounce(tx, lead_event)
            outcome = "bounced"
        await _insert_events(tx, [lead_event], outcome if value_hash or lead_id else "unmatched")

    async def _write_bulk(self, tx: Tx, items: Sequence[WebhookItem]) -> None:
        others = [item for item in items if item.event.kind is EventKind.OTHER]
        await _insert_events(tx, [EventLead(item.cause.id, item.event, None) for item in others], "counted")
        sent = [
            EventLead(item.cause.id, item.event, None, self._hash(item.event), self._keyring.hash_key_id, item.cause)
            for item in items
            if item.event.kind is EventKind.SENT
        ]
        await record_sent(tx, sent)

    def _hash(self, event: InstantlyEvent) -> bytes | None:
        return self._keyring.hash_contact(event.email) if event.email else None


def _read(received: Received[InstantlyWebhook]) -> InstantlyEvent:
    webhook = received.event
    return read_webhook(webhook.body, webhook.received_at, oversized=webhook.oversized)


async def _insert_events(tx: Tx, events: Sequence[EventLead], outcome: str) -> None:
    if events:
        await queries.insert_events(
            tx.connection,
            event_ids=[one.event_id for one in events],
            types=[one.event.type for one in events],
            outcomes=[outcome] * len(events),
            lead_ids=[LeadId(one.lead_id) if one.lead_id else None for one in events],
            vendor_campaign_ids=[one.event.vendor_campaign_id for one in events],
            vendor_email_ids=[one.event.email_id for one in events],
            ats=[one.event.at for one in events],
            received_ats=[one.event.received_at for one in events],
        )
