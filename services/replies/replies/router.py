"""Router: what follows from the classification of a reply, in the transaction that records it (docs/replies.md, Routing)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common import ids
from common.bus import Received, Tx
from common.compliance import queries as compliance_queries
from common.compliance.decision_log import lock_contacts
from common.compliance.opt_outs import OptOut
from common.compliance.statements import PersonStatement, StatementScope, list_contacts, record_statement
from common.events import ReplyClassified
from common.ids import BrokerId, LeadId
from replies import queries
from replies.answers.templates import latest_version
from replies.queries import RoutedLead, RoutedReply
from replies.routes import (
    MAX_ANSWERS_PER_DAY,
    Classification,
    Route,
    choose_route,
    may_replace,
)

SENT_OR_UNKNOWN = frozenset({"sending", "sent", "unknown"})
"""States of an answer that was sent, or may have been."""


@dataclass(frozen=True, slots=True)
class Routed:
    """Result of a routing, for logs and metrics after the commit."""

    reply_id: UUID
    route: str
    intent: str
    classified_by: str
    fallback_reason: str | None = None
    opted_out_at: datetime | None = None
    """Time of the statement, if this routing suppressed an address or number."""


class ReplyRouter:
    """Router of replies. Only `route_reply` changes a lead because of a reply."""

    async def route_reply(
        self, tx: Tx, reply: RoutedReply, result: Classification, cause: Received[Any] | None = None
    ) -> Routed | None:
        """Record *result* for *reply* and do what follows. Return None if an earlier classification stays.

        Addresses and numbers are locked first and leads second, then the reply: the caller locks none of them before.
        """
        leads = await self._lock(tx, reply)
        lead = leads.get(reply.lead_id) if reply.lead_id else None
        locked = await queries.lock_reply(tx.connection, reply_id=reply.id)
        if locked is None:
            return None
        reply = locked
        route = await self._choose(tx, reply, lead, result)
        is_answered = await queries.find_answer_state(tx.connection, reply_id=reply.id) in SENT_OR_UNKNOWN
        if reply.classification and not may_replace(reply.route, route, is_answered=is_answered):
            await queries.end_reclassification(tx.connection, reply_id=reply.id)
            return None
        new_opt_outs = 0
        if route.suppression:
            new_opt_outs = await self._suppress(tx, reply, route, sorted(leads), cause)
        await self._change_lead(tx, reply, route, lead)
        await self._write_answer(tx, reply, route, lead)
        await self._save(tx, reply, result, route)
        await self._emit(tx, reply, result, route, cause)
        return Routed(
            reply.id,
            route.name,
            result.intent,
            result.classified_by,
            result.fallback_reason,
            opted_out_at=reply.at if new_opt_outs else None,
        )

    async def _lock(self, tx: Tx, reply: RoutedReply) -> dict[LeadId, RoutedLead]:
        """Lock the address of the sender and all contacts of the leads, then these leads; return them."""
        concerned = {reply.lead_id} if reply.lead_id else set[LeadId]()
        hashes = {reply.value_hash} if reply.value_hash else set[bytes]()
        if reply.value_hash:
            addressed = await queries.find_leads_of_addresses(tx.connection, value_hashes=[reply.value_hash])
            concerned |= {lead.id for lead in addressed}
        contacts = await list_contacts(tx, [reply.lead_id] if reply.lead_id else [])
        await lock_contacts(tx, hashes | {contact.value_hash for contact in contacts})
        return {lead.id: lead for lead in await queries.lock_leads(tx.connection, lead_ids=sorted(concerned))}

    async def _choose(self, tx: Tx, reply: RoutedReply, lead: RoutedLead | None, result: Classification) -> Route:
        broker = lead.assigned_broker_id if lead else None
        has_consent = bool(
            lead
            and broker
            and result.intent == "interested"
            and await queries.has_active_consent(tx.connection, lead_id=lead.id, broker_id=broker)
        )
        can_answer = bool(
            broker
            and reply.value_hash
            and reply.vendor_email_id
            and reply.source == "reply"
            and not reply.is_auto_reply
        )
        return choose_route(result, has_consent=has_consent, can_answer=can_answer)

    async def _suppress(
        self, tx: Tx, reply: RoutedReply, route: Route, lead_ids: Sequence[LeadId], cause: Received[Any] | None
    ) -> int:
        """Suppress the address of the sender. An opt-out also covers the lead's other addresses and its numbers: in doubt, all.

        Consents of every lead with the address end: the person who signed is the person who writes, or another one.
        """
        reason = route.suppression or "opt_out"
        evidence = hashlib.sha256(f"reply|{reply.event_id}|{reason}".encode()).digest()
        how = "wrong_person" if reason == "wrong_person" else "reply"
        statement = PersonStatement(how, reply.at, evidence, reason, reply.id, cause)
        values: dict[tuple[str, bytes], OptOut] = {}
        if reply.value_hash and reply.hash_key_id:
            own = OptOut("email", reply.value_hash, reply.hash_key_id, reason, reply.lead_id, reply.at, evidence)
            values[own.channel, own.value_hash] = own
        if reason == "opt_out" and reply.lead_id:
            for row in await list_contacts(tx, [reply.lead_id]):
                opt_out = OptOut(
                    "email" if row.channel == "email" else "phone", row.value_hash, row.hash_key_id, reason,
                    reply.lead_id, reply.at, evidence,
                )  # fmt: skip
                values.setdefault((opt_out.channel, opt_out.value_hash), opt_out)
        scope = StatementScope(
            list(values.values()),
            leads=lead_ids,
            unsubscribe=lead_ids if reason == "opt_out" else (),
            withdraw=lead_ids,
        )
        return await record_statement(tx, statement, scope)

    async def _change_lead(self, tx: Tx, reply: RoutedReply, route: Route, lead: RoutedLead | None) -> None:
        if lead is None:
            return
        if route.status and route.status != "unsubscribed":
            await queries.transition_leads(
                tx.connection, lead_ids=[lead.id], to_status=route.status, reason=f"reply_{route.name}"
            )
        if reply.source == "reply" and not reply.is_auto_reply and route.name != "continue":
            await queries.note_reply(tx.connection, lead_id=lead.id, at=reply.at)

    async def _write_answer(self, tx: Tx, reply: RoutedReply, route: Route, lead: RoutedLead | None) -> None:
        """Write the intent of the answer, or skip the one that is due: the reply has another meaning now."""
        if route.answer is None:
            await queries.skip_answer(tx.connection, reply_id=reply.id)
        elif lead and reply.value_hash and reply.hash_key_id:
            answers = await queries.count_answers(tx.connection, lead_id=lead.id)
            within_limit = answers < MAX_ANSWERS_PER_DAY
            await queries.insert_answer(
                tx.connection,
                answer_id=ids.new_id(),
                reply_id=reply.id,
                lead_id=lead.id,
                broker_id=lead.assigned_broker_id,
                template=route.answer,
                template_version=latest_version(route.answer),
                state="due" if within_limit else "skipped",
                reason=None if within_limit else "limit_of_the_day",
                value_hash=reply.value_hash,
                hash_key_id=reply.hash_key_id,
                reply_to_email_id=reply.vendor_email_id,
                account=reply.account,
            )

    async def _save(self, tx: Tx, reply: RoutedReply, result: Classification, route: Route) -> None:
        values: dict[str, Any] = {
            "reply_id": reply.id,
            "classification": reply.classification + 1,
            "intent": result.intent,
            "sentiment": result.sentiment,
            "confidence": result.confidence,
            "classified_by": result.classified_by,
            "model": result.model,
            "fallback_reason": result.fallback_reason,
            "is_call_requested": result.is_call_requested,
            "route": route.name,
        }
        await queries.insert_classification(tx.connection, **values)
        await queries.save_route(tx.connection, **values)

    async def _emit(
        self, tx: Tx, reply: RoutedReply, result: Classification, route: Route, cause: Received[Any] | None
    ) -> None:
        lead_ids = [reply.lead_id] if reply.lead_id else []
        lead = next(iter(await compliance_queries.list_concerned_leads(tx.connection, lead_ids=lead_ids)), None)
        broker: BrokerId | None = lead.assigned_broker_id if lead else None
        event = ReplyClassified(
            lead_id=reply.lead_id,
            lead_version=lead.lead_version if lead else None,
            broker_id=broker,
            occurred_at=tx.now,
            outcome=result.intent,
            reply_id=reply.id,
            classification=reply.classification + 1,
            intent=result.intent,
            sentiment=result.sentiment,
            confidence=result.confidence,
            classified_by=result.classified_by,
            model=result.model,
            fallback_reason=result.fallback_reason,
            route=route.name,
            is_call_requested=result.is_call_requested,
        )
        tx.emit(event, cause=cause)
