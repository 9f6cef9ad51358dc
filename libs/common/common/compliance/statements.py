"""Statements of a person that end contact: suppressions, status, withdrawals and events in one transaction (docs/consent.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from common.bus import Received, Tx
from common.compliance import queries
from common.compliance.opt_outs import OptOut, record_opt_outs, withdraw_consent
from common.compliance.queries import EndOfConsent, LeadContactHash, RecordedOptOut, StatementLead
from common.events import ConsentRevoked, Unsubscribed
from common.ids import LeadId


@dataclass(frozen=True, slots=True)
class PersonStatement:
    """Statement of a person, made *at* (UTC). *evidence_hash* identifies it, so that a repeat has no effect."""

    how: str
    """Way in which it was made: `reply`, `vendor`, `link`, `one_click` or `page`."""
    at: datetime
    evidence_hash: bytes
    reason: Literal["opt_out", "wrong_person"] = "opt_out"
    reply_id: UUID | None = None
    cause: Received[Any] | None = None
    """Message that brought the statement."""


@dataclass(frozen=True, slots=True)
class StatementScope:
    """Values that a statement suppresses, and leads that it concerns."""

    opt_outs: Sequence[OptOut]
    leads: Sequence[LeadId]
    """Leads named by the events; none where no lead has the value."""
    unsubscribe: Sequence[LeadId] = ()
    """Leads that become `unsubscribed`."""
    withdraw: Sequence[LeadId] = ()
    """Leads for which all consents to calls are withdrawn."""


async def list_contacts(tx: Tx, lead_ids: Sequence[LeadId]) -> list[LeadContactHash]:
    """Return the addresses and numbers of leads, which a statement about the person may cover."""
    return await queries.read_contact_hashes(tx.connection, lead_ids=lead_ids) if lead_ids else []


async def record_statement(tx: Tx, statement: PersonStatement, scope: StatementScope) -> int:
    """Record *statement* with all its effects and events. Return the number of new suppressions.

    Addresses and numbers are locked first and leads second, as everywhere, so that transactions never deadlock.
    """
    recorded = await record_opt_outs(tx, scope.opt_outs)
    if scope.unsubscribe:
        await queries.unsubscribe_leads(tx.connection, lead_ids=scope.unsubscribe)
    for lead_id in await queries.list_leads_to_withdraw(tx.connection, lead_ids=scope.withdraw, at=statement.at):
        await withdraw_consent(tx, lead_id, statement.how, statement.at, statement.evidence_hash)
    await _emit_opt_outs(tx, statement, scope, recorded)
    values = [opt_out.value_hash for opt_out in scope.opt_outs]
    for row in await queries.list_ended_consents(tx.connection, value_hashes=values, lead_ids=scope.withdraw):
        event = build_revoked(row, statement.how, statement.at, reply_id=statement.reply_id)
        tx.emit(event, cause=statement.cause)
    return sum(result.is_new for result in recorded)


async def _emit_opt_outs(
    tx: Tx, statement: PersonStatement, scope: StatementScope, recorded: Sequence[RecordedOptOut]
) -> None:
    """Emit an event for each new suppression and each lead that it concerns; one without a lead if there is none."""
    leads = await queries.list_concerned_leads(tx.connection, lead_ids=scope.leads)
    for opt_out, result in zip(scope.opt_outs, recorded, strict=True):
        if not result.is_new:
            continue
        concerned: Sequence[StatementLead | None] = leads or [None]
        for lead in concerned:
            event = Unsubscribed(
                lead_id=lead.id if lead else None,
                lead_version=lead.lead_version if lead else None,
                broker_id=lead.assigned_broker_id if lead else None,
                occurred_at=statement.at,
                outcome=opt_out.channel,
                value_hash=opt_out.value_hash.hex(),
                hash_key_id=opt_out.hash_key_id,
                channel=opt_out.channel,
                how=statement.how,
                reason=statement.reason,
                suppression_id=result.suppression_id,
                reply_id=statement.reply_id,
            )
            tx.emit(event, cause=statement.cause)


def build_revoked(row: EndOfConsent, how: str, at: datetime, *, reply_id: UUID | None = None) -> ConsentRevoked:
    """Return the event of a row of proof that ended a consent: of the lead of a statement, or another one with the same number."""
    return ConsentRevoked(
        lead_id=row.lead_id,
        broker_id=row.assigned_broker_id,
        occurred_at=at,
        outcome=row.action,
        value_hash=row.value_hash.hex() if row.value_hash else None,
        hash_key_id=row.hash_key_id,
        audit_id=row.id,
        seq=row.seq,
        row_hash=row.row_hash.hex(),
        how=how,
        reply_id=reply_id,
    )
