"""Suppression of values by an operator, with the events of it, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from getpass import getuser
from typing import Literal, Self

from cli.commands.suppressions import queries
from cli.commands.suppressions.queries import LeadWithValue
from cli.shell.database import Connection, repeat_after_deadlock
from common.bus.tx import Tx
from common.compliance import queries as compliance_queries
from common.compliance.gate import Channel
from common.compliance.queries import EndOfConsent
from common.compliance.statements import build_revoked
from common.events import Unsubscribed

OperatorReason = Literal["operator", "registry", "litigator", "deceased", "wrong_person", "complaint", "opt_out"]
"""Reasons that an operator may give (`app.suppression_reasons.added_by_operator`)."""

EVENT_OWNER = "consent"
"""Service whose outbox has the events: the one that publishes opt-outs and ended consents."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Reason for which an operator suppresses values."""

    reason: OperatorReason
    note: str
    hash_key_id: str


@dataclass(frozen=True, slots=True)
class Effect:
    """Counts of new suppressions, of leads that have such a value, and of the memberships and consents that ended."""

    added: int = 0
    leads: int = 0
    memberships: int = 0
    consents: int = 0

    def __add__(self, other: Self) -> "Effect":
        """Return the sum of both."""
        return Effect(
            self.added + other.added,
            self.leads + other.leads,
            self.memberships + other.memberships,
            self.consents + other.consents,
        )


async def suppress_values(
    connection: Connection,
    hashes: Mapping[Channel, Sequence[bytes]],
    suppression: Suppression,
    *,
    is_dry_run: bool = False,
) -> Effect:
    """Suppress values for every lead in one transaction, and repeat it after a deadlock. A dry run rolls it back."""

    async def suppress_once() -> Effect:
        transaction = connection.transaction()
        await transaction.start()
        try:
            effect = Effect()
            for channel, values in sorted(hashes.items()):
                if values:
                    effect += await _suppress(connection, channel, values, suppression)
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if is_dry_run else transaction.commit())
        return effect

    return await repeat_after_deadlock(suppress_once)


async def _suppress(
    connection: Connection, channel: Channel, hashes: Sequence[bytes], suppression: Suppression
) -> Effect:
    recorded = await queries.add_suppressions(
        connection,
        channel=channel,
        value_hashes=list(hashes),
        hash_key_id=suppression.hash_key_id,
        reason=suppression.reason,
        actor=getuser(),
        note=suppression.note,
    )
    new = {row.value_hash: row.suppression_id for row in recorded if row.is_new}
    values = list(new)
    leads = await queries.list_leads_with_values(connection, channel=channel, value_hashes=values)
    if suppression.reason == "opt_out" and channel == "email":
        await compliance_queries.unsubscribe_leads(connection, lead_ids=sorted({lead.id for lead in leads}))
    # A signature that is newer than an old entry ends too.
    ended = await compliance_queries.list_ended_consents(connection, value_hashes=list(hashes), lead_ids=[])
    await _emit_events(connection, channel, new, leads, ended, suppression)
    memberships = await queries.count_ended_memberships(connection, value_hashes=values)
    return Effect(len(new), len({lead.id for lead in leads}), memberships, len(ended))


async def _emit_events(
    connection: Connection,
    channel: Channel,
    new: Mapping[bytes, int],
    leads: Sequence[LeadWithValue],
    ended: Sequence[EndOfConsent],
    suppression: Suppression,
) -> None:
    """Emit an event for each ended consent; for an opt-out, one for each new value and lead, or one without a lead."""
    tx, at = Tx(connection, EVENT_OWNER), datetime.now(UTC)
    if suppression.reason == "opt_out":
        known = {lead.value_hash for lead in leads}
        concerned = [(lead.value_hash, lead) for lead in leads] + [(value, None) for value in new if value not in known]
        for value_hash, lead in concerned:
            tx.emit(
                Unsubscribed(
                    lead_id=lead.id if lead else None,
                    lead_version=lead.lead_version if lead else None,
                    broker_id=lead.assigned_broker_id if lead else None,
                    occurred_at=at,
                    outcome=channel,
                    value_hash=value_hash.hex(),
                    hash_key_id=suppression.hash_key_id,
                    channel=channel,
                    how="office",
                    suppression_id=new[value_hash],
                )
            )
    how = "office" if suppression.reason == "opt_out" else suppression.reason
    for row in ended:
        tx.emit(build_revoked(row, how, at))
    await tx.write_outbox()
