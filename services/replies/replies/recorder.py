"""Recorder of replies: matched with a lead, stored with encrypted text, and routed at once where rules alone decide."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common import ids
from common.bus import Received, Tx
from common.events import EmailReplied
from common.ids import LeadId
from common.pii.keyring import DataKey, Keyring
from replies import queries
from replies.queries import Match, RoutedReply
from replies.reading import ReadReply
from replies.reconciliation.late_webhooks import link_late_webhook
from replies.router import ReplyRouter, Routed
from replies.routes import Classification
from replies.stored_texts import TextPart, encrypt_text
from replies.text.new_text import NewText
from replies.webhook import InstantlyEvent


@dataclass(frozen=True, slots=True)
class MatchedLead:
    """Lead to which a reply belongs, and how that is proved."""

    lead: Match | None
    matched_by: str | None
    mismatched_id: LeadId | None = None
    """Lead that the webhook names and that does not have the address."""


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """Result of a recording, for logs and metrics after the commit."""

    reply_id: UUID
    matched: MatchedLead
    routed: Routed | None
    """None: the reply waits for the classifier, or for its content."""


async def match_lead(tx: Tx, event: InstantlyEvent, value_hash: bytes | None) -> MatchedLead:
    """Return the lead of *event*. The address decides; the id that the webhook names must agree with it."""
    named = LeadId(event.lead_id) if event.lead_id else None
    if value_hash is None:
        found = await queries.read_named_lead(tx.connection, lead_id=named) if named else []
        return MatchedLead(found[0], "lead_id") if found else MatchedLead(None, None)
    matches = await queries.find_matches(
        tx.connection, value_hash=value_hash, named_lead_id=named, vendor_campaign_id=event.vendor_campaign_id
    )
    if not matches:
        return MatchedLead(None, None, named)
    first = matches[0]
    return MatchedLead(first, "lead_id" if first.is_named else "address", None if first.is_named else named)


class ReplyRecorder:
    """Recorder of replies from webhooks, and of those that a reconciliation finds."""

    def __init__(self, keyring: Keyring, router: ReplyRouter) -> None:
        self._keyring = keyring
        self._router = router

    async def record_reply(
        self,
        tx: Tx,
        event_id: UUID,
        event: InstantlyEvent,
        read: ReadReply | None,
        cause: Received[Any] | None = None,
        *,
        received_email_id: str | None = None,
    ) -> RecordedReply | None:
        """Record a reply once for each *event_id*; return None if it is known. *read* is None while the content is missing.

        An opt-out takes effect in this transaction. Other decisions of the rules that are final do, too. A reply that was
        found at Instantly, and not by a webhook, has *received_email_id*; its webhook may still come, and is known then.
        """
        value_hash = self._keyring.hash_contact(event.email) if event.email else None
        text_hash = hash_new_text(self._keyring, read.new) if read else None
        if received_email_id is None and await link_late_webhook(tx, event_id, event, value_hash, text_hash):
            return None
        matched = await match_lead(tx, event, value_hash)
        reply_id = ids.new_id()
        state = "received" if read else "content_missing"
        if not await self._insert(
            tx,
            reply_id,
            event_id,
            event,
            matched,
            value_hash,
            source="reply",
            read=read,
            state=state,
            received_email_id=received_email_id,
        ):
            return None
        reply = await queries.lock_reply(tx.connection, reply_id=reply_id)
        assert reply is not None  # noqa: S101 - it was inserted in this transaction
        self._emit_replied(tx, reply, event, matched, cause)
        return RecordedReply(reply_id, matched, await self._route_by_rules(tx, reply, read, cause))

    async def record_label(self, tx: Tx, event_id: UUID, event: InstantlyEvent, matched: MatchedLead) -> UUID:
        """Insert a row for a label of a lead that has no reply. Return its id."""
        value_hash = self._keyring.hash_contact(event.email) if event.email else None
        reply_id = ids.new_id()
        await self._insert(
            tx, reply_id, event_id, event, matched, value_hash, source="label", read=None, state="received"
        )
        return reply_id

    async def store_content(self, tx: Tx, reply_id: UUID, event: InstantlyEvent, read: ReadReply) -> Routed | None:
        """Store the content of a reply of which only a stub had come, and go on as if it had come whole."""
        reply = await queries.lock_reply(tx.connection, reply_id=reply_id)
        if reply is None or reply.state != "content_missing":
            return None
        leads = await queries.read_named_lead(tx.connection, lead_id=reply.lead_id) if reply.lead_id else []
        content = self._encrypt(reply_id, leads[0] if leads else None, event, read)
        await queries.store_content(tx.connection, reply_id=reply_id, **content)
        return await self._route_by_rules(tx, reply, read, None)

    async def _insert(
        self,
        tx: Tx,
        reply_id: UUID,
        event_id: UUID,
        event: InstantlyEvent,
        matched: MatchedLead,
        value_hash: bytes | None,
        *,
        source: str,
        read: ReadReply | None,
        state: str,
        received_email_id: str | None = None,
    ) -> bool:
        """Insert the row unless the webhook is known; return whether it was inserted."""
        campaign_id = None
        if event.vendor_campaign_id:
            campaign_id = await queries.find_campaign_id(tx.connection, vendor_campaign_id=event.vendor_campaign_id)
        inserted = await queries.insert_reply(
            tx.connection,
            reply_id=reply_id,
            event_id=event_id,
            lead_id=matched.lead.id if matched.lead else None,
            broker_id=matched.lead.assigned_broker_id if matched.lead else None,
            campaign_id=campaign_id,
            source=source,
            sequence_step=event.step,
            vendor_campaign_id=event.vendor_campaign_id,
            vendor_email_id=event.email_id,
            account=event.account,
            value_hash=value_hash,
            hash_key_id=self._keyring.hash_key_id if value_hash else None,
            matched_by=matched.matched_by,
            at=event.at,
            received_at=event.received_at,
            state=state,
            received_email_id=received_email_id,
            **self._encrypt(reply_id, matched.lead, event, read),
        )
        return inserted is not None

    async def _route_by_rules(
        self, tx: Tx, reply: RoutedReply, read: ReadReply | None, cause: Received[Any] | None
    ) -> Routed | None:
        """Route *reply* if rules alone decide: a final decision, or a reply that no lead has, of which no text is kept."""
        if read is None or not (read.decision.final or reply.lead_id is None):
            return None
        reason = "instructions" if read.decision.instructions else None
        result = Classification(read.decision.intent.value, "rules", fallback_reason=reason)
        return await self._router.route_reply(tx, reply, result, cause)

    def _encrypt(
        self, reply_id: UUID, lead: Match | None, event: InstantlyEvent, read: ReadReply | None
    ) -> dict[str, Any]:
        """Return the columns of the content. Without a lead, or without its data key, no text is kept."""
        new = read.new if read else None
        key = self._keyring.unwrap_data_key(lead.id, lead.data_key) if lead and lead.data_key and read else None
        return {
            "subject_ciphertext": _encrypt_part(key, reply_id, "subject", event.subject[:500]),
            "text_ciphertext": _encrypt_part(key, reply_id, "text", new.text if new else ""),
            "other_ciphertext": _encrypt_part(key, reply_id, "other", new.other if new else ""),
            "text_hash": hash_new_text(self._keyring, new) if new else None,
            "is_truncated": bool(new and new.truncated),
            "is_auto_reply": event.is_auto_reply or bool(read and read.decision.intent == "out_of_office"),
            "opt_out_rules": list(read.decision.opt_out_codes) if read else [],
        }

    def _emit_replied(
        self, tx: Tx, reply: RoutedReply, event: InstantlyEvent, matched: MatchedLead, cause: Received[Any] | None
    ) -> None:
        tx.emit(
            EmailReplied(
                lead_id=reply.lead_id,
                broker_id=matched.lead.assigned_broker_id if matched.lead else None,
                occurred_at=reply.at,
                outcome="automatic" if reply.is_auto_reply else "reply",
                value_hash=reply.value_hash.hex() if reply.value_hash else None,
                hash_key_id=reply.hash_key_id,
                campaign_id=reply.campaign_id,
                sequence_step=reply.sequence_step,
                vendor_message_id=event.email_id,
                reply_id=reply.id,
                is_auto_reply=reply.is_auto_reply,
                matched_by=matched.matched_by,
            ),
            cause=cause,
        )


def hash_new_text(keyring: Keyring, new: NewText) -> bytes | None:
    """Return the keyed hash by which the words of two replies are compared; None without words."""
    return keyring.hash_contact("\n".join(new.parts)) if new.parts else None


def _encrypt_part(key: DataKey | None, reply_id: UUID, part: TextPart, text: str) -> bytes | None:
    return encrypt_text(key, reply_id, part, text) if key and text else None
