"""Log of the gate's decisions, and the lock under which the gate decides (docs/gate.md)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from common.bus import Tx
from common.compliance import queries
from common.compliance.gate import Channel, GateDecision, Purpose
from common.ids import LeadId

_REASON_WHEN_ALLOWED = "allowed"
"""Value of `contact_decisions.reason` where nothing refused the contact."""


@dataclass(frozen=True, slots=True)
class DecidedContact:
    """Decision about one lead's address or number, of which only the keyed hash is kept."""

    lead_id: LeadId
    channel: Channel
    purpose: Purpose
    value_hash: bytes | None
    decision: GateDecision


async def lock_contacts(tx: Tx, value_hashes: Collection[bytes]) -> None:
    """Hold the locks of these contacts until *tx* ends.

    Every transaction that decides about a contact or suppresses it takes its lock first. So the gate either sees a
    suppression, or the suppression comes after the commit of the contact. Locks are taken in one order, against deadlocks.
    A transaction can hold some thousands (`max_locks_per_transaction`).
    """
    keys = sorted({int.from_bytes(value_hash[:8], "big", signed=True) for value_hash in value_hashes})
    await queries.lock_keys(tx.connection, keys=keys)


async def log_decisions(tx: Tx, contacts: Sequence[DecidedContact]) -> None:
    """Write decisions, allowed or refused, to `contact_decisions` in the transaction of the contact itself.

    `reason` holds all reasons in the gate's order, separated by commas. `decided_by` is the role that is logged in.
    """
    if contacts:
        await queries.log_contact_decisions(
            tx.connection,
            lead_ids=[contact.lead_id for contact in contacts],
            channels=[contact.channel for contact in contacts],
            purposes=[contact.purpose for contact in contacts],
            value_hashes=[contact.value_hash for contact in contacts],
            are_allowed=[contact.decision.is_allowed for contact in contacts],
            reasons=[",".join(contact.decision.reasons) or _REASON_WHEN_ALLOWED for contact in contacts],
        )
