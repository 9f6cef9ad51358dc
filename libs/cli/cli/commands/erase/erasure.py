"""Erasure of one person: the hashes that remain, and one transaction with its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from cli.commands.erase import queries
from cli.commands.erase.queries import ErasedConsent, ErasedPerson, Person
from cli.shell.database import Connection, repeat_after_deadlock
from common.bus.tx import Tx
from common.events import ConsentRevoked, LeadErased
from common.ids import LeadId
from common.pii.erased_hashes import find_last_names, hash_home, hash_owner_words
from common.pii.keyring import Keyring

EVENT_OWNER = "ingest"
"""Service whose outbox has the events: leads are its slice."""


@dataclass(frozen=True, slots=True)
class RemainingHash:
    """Keyed hash that remains of a person. *kind* is email, phone, home or owner."""

    kind: str
    hash: bytes
    hash_key_id: str


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """A person to erase: a lead, or without one an address or number. *at* is the time of the first erasure; None means now."""

    id: UUID
    lead_id: LeadId | None
    hashes: tuple[RemainingHash, ...]
    actor: str
    reason: str
    access_id: int
    at: datetime | None = None


def id_of_value(value_hash: bytes) -> UUID:
    """Return the id of the erasure of an address or number that no lead has."""
    return UUID(bytes=value_hash[:16])


def hash_person(person: Person, keyring: Keyring) -> list[RemainingHash]:
    """Return the keyed hashes of the home and the owner's name, by which ingest recognises later records."""
    names = {
        name: getattr(person, name)
        for name in ("owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name")
    }
    homes = hash_home(keyring, person.mak, person.apn_key, person.addr_hash)
    owners = hash_owner_words(keyring, person.id, find_last_names(names))
    hashes = [("home", one) for one in homes] + [("owner", one) for one in sorted(owners)]
    return [RemainingHash(kind, one, keyring.hash_key_id) for kind, one in hashes]


async def erase_person(connection: Connection, request: ErasureRequest, keyring: Keyring) -> ErasedPerson:
    """Erase a person in one transaction, and repeat it after a deadlock. A repeat completes what is left."""

    async def erase_once() -> ErasedPerson:
        async with connection.transaction():
            return await _erase(connection, request, keyring)

    return await repeat_after_deadlock(erase_once)


async def _erase(connection: Connection, request: ErasureRequest, keyring: Keyring) -> ErasedPerson:
    """Erase within the transaction of *connection*. The lead is read under its lock, so that no record changes it meanwhile."""
    hashes = list(request.hashes)
    if request.lead_id is not None:
        await queries.lock_for_erasure(connection, lead_id=request.lead_id)
        for person in await queries.read_persons(connection, lead_ids=[request.lead_id]):
            hashes += hash_person(person, keyring)
    at = request.at or datetime.now(UTC)
    erased = await queries.erase_person(
        connection,
        erasure_id=request.id,
        lead_id=request.lead_id,
        actor=request.actor,
        reason=request.reason,
        at=at,
        kinds=[one.kind for one in hashes],
        hashes=[one.hash for one in hashes],
        key_ids=[one.hash_key_id for one in hashes],
    )
    await _emit_events(connection, request, erased, at)
    return erased


async def _emit_events(connection: Connection, request: ErasureRequest, erased: ErasedPerson, at: datetime) -> None:
    tx = Tx(connection, EVENT_OWNER)
    lead = await queries.read_erased_lead(connection, lead_id=request.lead_id) if request.lead_id else None
    if lead and erased.is_new:
        event = LeadErased(
            lead_id=lead.id,
            lead_version=lead.lead_version,
            broker_id=lead.assigned_broker_id,
            occurred_at=at,
            outcome="erased",
            access_id=request.access_id,
        )
        tx.emit(event)
    for row in await queries.list_ended_consents(connection):
        tx.emit(_build_revoked(row, at))
    await tx.write_outbox()


def _build_revoked(row: ErasedConsent, at: datetime) -> ConsentRevoked:
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
        how="erasure",
    )


def describe_leads(persons: Sequence[Person]) -> list[dict[str, object]]:
    """Return one line for each lead that a person confirms to erase."""
    return [
        {
            "id": person.id,
            "property": ", ".join(
                filter(
                    None, (person.property_address, person.property_city, person.property_state, person.property_zip)
                )
            ),
            "owner": " ".join(filter(None, (person.owner_first_name, person.owner_last_name))) or person.company_name,
            "status": "erased" if person.erased_at else person.status,
        }
        for person in persons
    ]
