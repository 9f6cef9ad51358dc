"""The gate's decision about an email that answers a person or serves a request (docs/gate.md, Purposes).

Campaign emails are decided by the feeder, which reads the facts of many leads at once.
"""

from datetime import datetime
from typing import Literal

from common.bus import Tx
from common.compliance import queries
from common.compliance.decision_log import DecidedContact, lock_contacts, log_decisions
from common.compliance.gate import ContactFacts, GateDecision, decide_contact
from common.compliance.owner_facts import read_owner_facts
from common.compliance.queries import EmailFacts
from common.ids import BrokerId, LeadId


async def decide_email(
    tx: Tx,
    lead_id: LeadId,
    value_hash: bytes,
    purpose: Literal["answer", "service"],
    now: datetime,
    *,
    seller: BrokerId | None = None,
) -> GateDecision:
    """Decide under the lock of the address whether it may be written to at *now* (UTC), and log the decision.

    Call it in the transaction that records that the email is about to be sent. The seller is the lead's broker unless
    *seller* names another one. Without a lead everything is unknown, so the gate refuses.
    """
    await lock_contacts(tx, [value_hash])
    found = await queries.read_email_facts(tx.connection, value_hash=value_hash, lead_id=lead_id)
    facts = (
        _build_facts(found, value_hash, purpose, seller) if found else ContactFacts(channel="email", purpose=purpose)
    )
    decision = decide_contact(facts, now)
    await log_decisions(tx, [DecidedContact(lead_id, "email", purpose, value_hash, decision)])
    return decision


def _build_facts(
    found: EmailFacts, value_hash: bytes, purpose: Literal["answer", "service"], seller: BrokerId | None
) -> ContactFacts:
    owner = read_owner_facts(found)
    return ContactFacts(
        channel="email",
        purpose=purpose,
        value_hash=value_hash,
        suppressed=found.suppressed or owner.do_not_contact,
        status=found.status,
        deceased=found.deceased_owner or owner.deceased,
        litigator=found.litigator or bool(found.value_litigator),
        legal_entity=owner.legal_entity,
        verified=found.verified,
        other_person=not found.is_own,
        seller=seller or found.assigned_broker_id,
    )
