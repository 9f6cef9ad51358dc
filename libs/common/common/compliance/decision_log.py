"""Log of the gate's decisions, and the lock under which the gate decides (docs/gate.md)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.bus import Tx
from common.compliance.gate import Channel, GateDecision

_REASON_WHEN_ALLOWED = "allowed"
"""Value of `contact_decisions.reason` where nothing refused the contact."""

_LOCK_QUERY = "select pg_advisory_xact_lock(key) from unnest($1::bigint[]) key"
_LOG_QUERY = "select pipeline.log_contact_decisions($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class DecidedContact:
    """Decision about one lead's address or number, of which only the keyed hash is kept."""

    lead_id: UUID
    channel: Channel
    value_hash: bytes | None
    decision: GateDecision


async def lock_contacts(tx: Tx, value_hashes: Collection[bytes]) -> None:
    """Hold the locks of these contacts until *tx* ends.

    Every transaction that decides about a contact or suppresses it takes its lock first. So the gate either sees a
    suppression, or the suppression comes after the commit of the contact. Locks are taken in one order, against deadlocks.
    A transaction can hold some thousands (`max_locks_per_transaction`).
    """
    keys = sorted({int.from_bytes(value_hash[:8], "big", signed=True) for value_hash in value_hashes})
    await tx.connection.execute(_LOCK_QUERY, keys)


async def log_decisions(tx: Tx, contacts: Sequence[DecidedContact]) -> None:
    """Write decisions, allowed or refused, to `contact_decisions` in the transaction of the contact itself.

    `reason` holds all reasons in the gate's order, separated by commas. `decided_by` is the role that is logged in.
    """
    if contacts:
        await tx.connection.execute(
            _LOG_QUERY,
            [contact.lead_id for contact in contacts],
            [contact.channel for contact in contacts],
            [contact.value_hash for contact in contacts],
            [contact.decision.is_allowed for contact in contacts],
            [",".join(contact.decision.reasons) or _REASON_WHEN_ALLOWED for contact in contacts],
        )
