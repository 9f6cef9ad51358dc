"""Opt-outs and withdrawals, recorded in the transaction that records the person's statement (docs/consent.md).

No event lies between an opt-out and its effect: the gate refuses from the commit. Events report it afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from common.bus import Tx
from common.compliance import queries
from common.compliance.decision_log import lock_contacts
from common.compliance.gate import Channel
from common.compliance.queries import ConsentEntry, RecordedOptOut
from common.ids import LeadId

SuppressionReason = Literal[
    "opt_out",
    "wrong_person",
    "litigator",
    "deceased",
    "registry",
    "complaint",
    "forbidden_by_source",
    "bounced",
    "operator",
    "erased",
]
"""Reasons in `app.suppression_reasons`. Only an `opt_out` from calls is lifted by a later signature."""


@dataclass(frozen=True, slots=True)
class OptOut:
    """Statement, made *at* (UTC), that an address or number must not be used again.

    *lead_id* is None where no lead has the value. *evidence_hash* is the SHA-256 of the statement: a repeat has no effect.
    """

    channel: Channel
    value_hash: bytes
    hash_key_id: str
    reason: SuppressionReason
    lead_id: LeadId | None
    at: datetime
    evidence_hash: bytes | None


async def record_opt_outs(tx: Tx, opt_outs: Sequence[OptOut]) -> list[RecordedOptOut]:
    """Suppress the values and end the consents for them, under the locks of all values. Return one result for each."""
    await lock_contacts(tx, [opt_out.value_hash for opt_out in opt_outs])
    return [
        await queries.opt_out(
            tx.connection,
            channel=opt_out.channel,
            value_hash=opt_out.value_hash,
            hash_key_id=opt_out.hash_key_id,
            reason=opt_out.reason,
            lead_id=opt_out.lead_id,
            at=opt_out.at,
            evidence_hash=opt_out.evidence_hash,
        )
        for opt_out in opt_outs
    ]


async def withdraw_consent(
    tx: Tx, lead_id: LeadId, how: str, at: datetime, evidence_hash: bytes | None
) -> ConsentEntry:
    """Record that the person withdrew all consents of the lead. *how* is a code such as `page` or `office`.

    The caller holds the locks of the lead's numbers (`lock_contacts`).
    """
    return await queries.withdraw_consent(
        tx.connection, lead_id=lead_id, how=how, value_hash=None, hash_key_id=None, at=at, evidence_hash=evidence_hash
    )
