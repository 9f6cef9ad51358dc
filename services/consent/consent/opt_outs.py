"""Opt-outs that a person gives on a page: suppression, status and events in one transaction (docs/consent.md)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from common.bus import Bus, Tx
from common.compliance import queries as compliance_queries
from common.compliance.gate import Channel
from common.compliance.opt_outs import OptOut, record_opt_outs, withdraw_consent
from common.compliance.queries import RecordedOptOut
from common.compliance.statements import build_revoked
from common.events import Unsubscribed
from common.ids import LeadId
from common.pii.keyring import Keyring
from consent import queries
from consent.queries import ConcernedLead

How = Literal["link", "one_click", "page", "office"]
"""A button on the page of a link, the unsubscribe button of a mail program (RFC 8058), an address typed there, or a call to the office."""


@dataclass(frozen=True, slots=True)
class PageOptOut:
    """Opt-out of the person of *lead_id*, from emails or from calls, given in one way."""

    lead_id: LeadId
    channel: Channel
    how: How


class OptOutRecorder:
    """Recorder of opt-outs. A repeat changes nothing and succeeds."""

    def __init__(self, bus: Bus, keyring: Keyring) -> None:
        self._bus = bus
        self._keyring = keyring

    async def opt_out_lead(self, opt_out: PageOptOut) -> bool:
        """Suppress all addresses or numbers of the lead. Return False if there is no such lead."""
        at = datetime.now(UTC)
        evidence = hashlib.sha256(
            f"{opt_out.how}|{opt_out.channel}|{opt_out.lead_id}|{at.isoformat()}".encode()
        ).digest()
        return await self._bus.transact(lambda tx: opt_out_lead(tx, opt_out, at, evidence)) is not None

    async def opt_out_value(self, channel: Channel, value: str) -> None:
        """Suppress a normalised address or number, whether a lead has it or not."""
        at, value_hash = datetime.now(UTC), self._keyring.hash_contact(value)
        evidence = hashlib.sha256(b"page|" + value_hash + at.isoformat().encode()).digest()
        statement = OptOut(channel, value_hash, self._keyring.hash_key_id, "opt_out", None, at, evidence)
        await self._bus.transact(lambda tx: opt_out_value(tx, statement, "page"))


async def opt_out_lead(tx: Tx, opt_out: PageOptOut, at: datetime, evidence: bytes) -> bool | None:
    """Suppress all addresses or numbers of the lead. Return whether that is new; None if there is no such lead."""
    lead_id, channel, how = opt_out.lead_id, opt_out.channel, opt_out.how
    if not await queries.list_leads(tx.connection, lead_ids=[lead_id]):
        return None
    contacts = await queries.read_contact_hashes(tx.connection, lead_id=lead_id)
    statements = [
        OptOut(channel, contact.value_hash, contact.hash_key_id, "opt_out", lead_id, at, evidence)
        for contact in contacts
        if contact.channel == channel
    ]
    recorded = await record_opt_outs(tx, statements)
    is_new = any(result.is_new for result in recorded)
    if channel == "email":
        await queries.unsubscribe_leads(tx.connection, lead_ids=[lead_id])
    elif await queries.is_withdrawal_new(tx.connection, lead_id=lead_id):
        await withdraw_consent(tx, lead_id, how, at, evidence)
        is_new = True
    await _emit_events(tx, statements, recorded, [lead_id], how, at)
    return is_new


async def opt_out_value(tx: Tx, statement: OptOut, how: How) -> bool:
    """Suppress an address or number for every lead that has it. Return whether that is new."""
    lead_ids = await queries.find_leads_with_value(
        tx.connection, channel=statement.channel, value_hash=statement.value_hash
    )
    recorded = await record_opt_outs(tx, [statement])
    if statement.channel == "email":
        await queries.unsubscribe_leads(tx.connection, lead_ids=lead_ids)
    await _emit_events(tx, [statement], recorded, lead_ids, how, statement.at)
    return recorded[0].is_new


async def _emit_events(
    tx: Tx,
    statements: Sequence[OptOut],
    recorded: Sequence[RecordedOptOut],
    lead_ids: Sequence[LeadId],
    how: How,
    at: datetime,
) -> None:
    await _emit_opt_outs(tx, statements, recorded, lead_ids, how)
    value_hashes = [statement.value_hash for statement in statements]
    for row in await compliance_queries.list_ended_consents(
        tx.connection, value_hashes=value_hashes, lead_ids=lead_ids
    ):
        tx.emit(build_revoked(row, how, at))


async def _emit_opt_outs(
    tx: Tx, statements: Sequence[OptOut], recorded: Sequence[RecordedOptOut], lead_ids: Sequence[LeadId], how: How
) -> None:
    """Emit an event for each new suppression and each lead that it concerns; one without a lead if there is none."""
    leads = await queries.list_leads(tx.connection, lead_ids=lead_ids)
    for statement, result in zip(statements, recorded, strict=True):
        if not result.is_new:
            continue
        concerned: Sequence[ConcernedLead | None] = leads or [None]
        for lead in concerned:
            tx.emit(
                Unsubscribed(
                    lead_id=lead.id if lead else None,
                    lead_version=lead.lead_version if lead else None,
                    broker_id=lead.assigned_broker_id if lead else None,
                    occurred_at=statement.at,
                    outcome=statement.channel,
                    value_hash=statement.value_hash.hex(),
                    hash_key_id=statement.hash_key_id,
                    channel=statement.channel,
                    how=how,
                    suppression_id=result.suppression_id,
                )
            )
