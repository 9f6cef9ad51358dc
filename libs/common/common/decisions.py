"""The record of what the gate decided, and the lock under which it decides (design §6)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from common.bus import Tx
from common.gate import Channel, Decision

ALLOWED = "allowed"
"""What `contact_decisions.reason` says where nothing spoke against the contact."""

_LOCK = "select pg_advisory_xact_lock(key) from unnest($1::bigint[]) key"
_LOG = "select pipeline.log_contact_decisions($1, $2, $3, $4, $5)"


@dataclass(frozen=True, slots=True)
class DecidedContact:
    """A decision about one lead's address or number, of which only the keyed hash is kept."""

    lead_id: UUID
    channel: Channel
    value_hash: bytes | None
    decision: Decision


async def lock_contacts(tx: Tx, value_hashes: Collection[bytes]) -> None:
    """Hold the locks of these contacts until *tx* ends; whoever decides about them or suppresses them takes them first.

    So a suppression is either seen by the gate or comes after the contact was committed. In one order, against deadlocks;
    a transaction can hold some thousands (`max_locks_per_transaction`).
    """
    keys = sorted({int.from_bytes(value_hash[:8], "big", signed=True) for value_hash in value_hashes})
    await tx.connection.execute(_LOCK, keys)


async def log_decisions(tx: Tx, contacts: Sequence[DecidedContact]) -> None:
    """Write what was decided, allowed or refused, into `contact_decisions` with the transaction of the contact itself.

    `reason` holds all reasons in the gate's order, separated by commas; `decided_by` is the role that is logged in.
    """
    if contacts:
        await tx.connection.execute(
            _LOG,
            [contact.lead_id for contact in contacts],
            [contact.channel for contact in contacts],
            [contact.value_hash for contact in contacts],
            [contact.decision.allowed for contact in contacts],
            [",".join(contact.decision.reasons) or ALLOWED for contact in contacts],
        )
