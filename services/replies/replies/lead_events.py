"""Events of Instantly about a lead that are no replies: sent emails, bounces, and opt-outs at Instantly."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from common.bus import Received, Tx
from common.compliance.opt_outs import OptOut, record_opt_outs
from common.compliance.statements import PersonStatement, StatementScope, list_contacts, record_statement
from common.events import EmailBounced, EmailSent
from common.ids import LeadId
from replies import queries
from replies.queries import AddressedLead
from replies.webhook import InstantlyEvent


@dataclass(frozen=True, slots=True)
class EventLead:
    """Event of Instantly, with the keyed hash of its address and the lead that it concerns."""

    event_id: UUID
    event: InstantlyEvent
    lead_id: LeadId | None
    value_hash: bytes | None = None
    hash_key_id: str = ""
    cause: Received[Any] | None = None


async def record_vendor_opt_out(tx: Tx, one: EventLead) -> bool:
    """Suppress the address of a person who unsubscribed at Instantly, for every lead; return whether that is new.

    Without an address, all addresses of the lead that the webhook names are suppressed.
    """
    evidence = hashlib.sha256(f"vendor|{one.event_id}".encode()).digest()
    at = one.event.at
    if one.value_hash is not None:
        opt_outs = [OptOut("email", one.value_hash, one.hash_key_id, "opt_out", one.lead_id, at, evidence)]
        addressed = await queries.find_leads_of_addresses(tx.connection, value_hashes=[one.value_hash])
        lead_ids = sorted({lead.id for lead in addressed})
    else:
        lead_ids = [one.lead_id] if one.lead_id else []
        contacts = await list_contacts(tx, lead_ids)
        opt_outs = [
            OptOut("email", contact.value_hash, contact.hash_key_id, "opt_out", one.lead_id, at, evidence)
            for contact in contacts
            if contact.channel == "email"
        ]
    statement = PersonStatement("vendor", at, evidence, cause=one.cause)
    scope = StatementScope(opt_outs, leads=lead_ids, unsubscribe=lead_ids)
    return await record_statement(tx, statement, scope) > 0


async def record_bounce(tx: Tx, one: EventLead) -> None:
    """Suppress an address that bounced: it is not fed again, on any lead. The person may have another one.

    A lead becomes `bounced` only if it has no other verified address.
    """
    addressed: Sequence[AddressedLead] = ()
    if one.value_hash is not None:
        evidence = hashlib.sha256(f"bounce|{one.event_id}".encode()).digest()
        bounced = OptOut("email", one.value_hash, one.hash_key_id, "bounced", one.lead_id, one.event.at, evidence)
        await record_opt_outs(tx, [bounced])
        addressed = await queries.find_leads_of_addresses(tx.connection, value_hashes=[one.value_hash])
        lead_ids = [lead.id for lead in addressed]
        await queries.lock_leads(tx.connection, lead_ids=lead_ids)
        reachable = await queries.has_other_address(tx.connection, lead_ids=lead_ids, value_hash=one.value_hash)
        lost = sorted({*lead_ids} - {*reachable})
        await queries.transition_leads(tx.connection, lead_ids=lost, to_status="bounced", reason="email_bounced")
    for lead in addressed or (None,):
        event = EmailBounced(
            lead_id=lead.id if lead else one.lead_id,
            lead_version=lead.lead_version if lead else None,
            broker_id=lead.assigned_broker_id if lead else None,
            occurred_at=one.event.at,
            outcome="bounced",
            value_hash=one.value_hash.hex() if one.value_hash else None,
            hash_key_id=one.hash_key_id if one.value_hash else None,
            sequence_step=one.event.step,
            vendor_message_id=one.event.email_id,
        )
        tx.emit(event, cause=one.cause)


async def record_sent(tx: Tx, sent: Sequence[EventLead]) -> None:
    """Set the step of each lead that got an email, never backwards, and emit an event for each email."""
    leads = await _find_leads(tx, sent)
    steps = {
        id(one): lead.id for one in sent if (lead := leads.get(one.value_hash or b"")) and one.event.step is not None
    }
    await lock_leads_in_order(tx, list(steps.values()))
    stepped = [one for one in sent if id(one) in steps]
    if stepped:
        await queries.advance_steps(
            tx.connection,
            lead_ids=[steps[id(one)] for one in stepped],
            steps=[one.event.step or 0 for one in stepped],
        )
    vendor_ids = [one.event.vendor_campaign_id for one in sent if one.event.vendor_campaign_id]
    found = await queries.find_campaign_ids(tx.connection, vendor_campaign_ids=vendor_ids) if vendor_ids else []
    campaigns = {campaign.vendor_campaign_id: campaign.id for campaign in found}
    for one in sent:
        lead = leads.get(one.value_hash or b"")
        event = EmailSent(
            lead_id=lead.id if lead else None,
            lead_version=lead.lead_version if lead else None,
            broker_id=lead.assigned_broker_id if lead else None,
            occurred_at=one.event.at,
            outcome="campaign",
            value_hash=one.value_hash.hex() if one.value_hash else None,
            hash_key_id=one.hash_key_id if one.value_hash else None,
            campaign_id=campaigns.get(one.event.vendor_campaign_id),
            sequence_step=one.event.step,
            vendor_message_id=one.event.email_id,
            variant=one.event.variant,
        )
        tx.emit(event, cause=one.cause)


async def lock_leads_in_order(tx: Tx, lead_ids: Sequence[LeadId]) -> None:
    """Lock leads in the order of their ids, as every transaction does."""
    if lead_ids:
        await queries.lock_leads(tx.connection, lead_ids=sorted(set(lead_ids)))


async def _find_leads(tx: Tx, sent: Sequence[EventLead]) -> dict[bytes, AddressedLead]:
    """Return the lead of each address. Of several, the one that a webhook names, otherwise the first."""
    hashes = [one.value_hash for one in sent if one.value_hash]
    named = {one.value_hash: one.event.lead_id for one in sent}
    by_hash: dict[bytes, list[AddressedLead]] = defaultdict(list)
    for lead in await queries.find_leads_of_addresses(tx.connection, value_hashes=hashes) if hashes else []:
        by_hash[lead.value_hash].append(lead)
    return {
        value_hash: next((lead for lead in leads if lead.id == named.get(value_hash)), leads[0])
        for value_hash, leads in by_hash.items()
    }
