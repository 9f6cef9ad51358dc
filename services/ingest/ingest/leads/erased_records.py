"""Records of erased persons: recognised by keyed hashes, refused or stripped (docs/adr/0053).

A record is refused if it names the home or a contact of an erased person, and a last name of that person. Of any other record
only the contacts of erased persons are left out: a new owner of the home may come in.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from common import telemetry
from common.bus import Tx
from common.ids import LeadId
from common.pii.erased_hashes import find_names, hash_home, hash_owner_words
from common.pii.keyring import Keyring
from common.records.rejection import RejectionReason
from ingest.leads import queries
from ingest.leads.prohibitions import suppress_forbidden_emails
from ingest.prepare import PreparedRecord, RejectedRecord


@dataclass(slots=True)
class Erasure:
    """Hashes that remain of one erased person. *lead_id* is None where only an address or number was erased."""

    lead_id: LeadId | None
    homes: set[bytes] = field(default_factory=set)
    contacts: set[bytes] = field(default_factory=set)
    owner_words: set[bytes] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class RecordHashes:
    """Hashes by which a record is compared with erasures."""

    home: frozenset[bytes]
    contacts: frozenset[bytes]


async def refuse_erased_records(
    tx: Tx, records: Sequence[PreparedRecord], keyring: Keyring
) -> tuple[list[PreparedRecord], list[RejectedRecord]]:
    """Return the records that may be stored, without contacts of erased persons, and those that are refused.

    What a refused record forbids takes effect all the same. The lock of the upsert is held afterwards: an erasure is either
    seen here, or finds what this transaction stores.
    """
    hashes = [_hash_record(record, keyring) for record in records]
    wanted = {value for one in hashes for value in (*one.home, *one.contacts)}
    erasures = await _load_erasures(tx, wanted) if wanted else {}
    if not erasures:
        return list(records), []
    held = await _find_ownerless_held_homes(tx, records)
    kept, refused = list[PreparedRecord](), list[RejectedRecord]()
    forbidden: dict[bytes, LeadId | None] = {}
    for record, one in zip(records, hashes, strict=True):
        erasure_id = find_erasure_of(record, one, erasures, keyring, is_home_held=record in held)
        if erasure_id is None:
            _drop_erased_contacts(record, erasures.values())
            kept.append(record)
        else:
            refused.append(RejectedRecord(record.cause, [RejectionReason.ERASED]))
            forbidden.update(dict.fromkeys(record.forbidden_emails, erasures[erasure_id].lead_id))
    await suppress_forbidden_emails(tx, forbidden, keyring)
    if refused:
        telemetry.counter("equity_erased_records_refused", "Records of erased persons").add(len(refused))
    return kept, refused


def find_erasure_of(
    record: PreparedRecord, hashes: RecordHashes, erasures: dict[UUID, Erasure], keyring: Keyring, *, is_home_held: bool
) -> UUID | None:
    """Return the erasure to whose person *record* belongs. In doubt it belongs to that person.

    A record without a name belongs to the erased owner of its home, unless a lead of a later owner has the home
    (*is_home_held*). Without a name in the erasure, every record of the home belongs to it.
    """
    names = find_names(record.row.facts)
    for erasure_id, erasure in erasures.items():
        is_home = not hashes.home.isdisjoint(erasure.homes)
        is_contact = not hashes.contacts.isdisjoint(erasure.contacts)
        if not names:
            belongs = is_home and not is_home_held
        elif not erasure.owner_words:
            belongs = is_home
        else:
            words = hash_owner_words(keyring, erasure_id, names) if is_home or is_contact else set()
            belongs = not words.isdisjoint(erasure.owner_words)
        if belongs:
            return erasure_id
    return None


async def _load_erasures(tx: Tx, hashes: Collection[bytes]) -> dict[UUID, Erasure]:
    found: defaultdict[UUID, Erasure] = defaultdict(lambda: Erasure(None))
    for row in await queries.find_erasures(tx.connection, hashes=list(hashes)):
        erasure = found[row.erasure_id]
        erasure.lead_id = row.lead_id
        sets = {"home": erasure.homes, "owner": erasure.owner_words}
        sets.get(row.kind, erasure.contacts).add(row.hash)
    return dict(found)


async def _find_ownerless_held_homes(tx: Tx, records: Sequence[PreparedRecord]) -> set[PreparedRecord]:
    """Return those records without a name whose home a lead has."""
    ownerless = [record for record in records if not find_names(record.row.facts)]
    if not ownerless:
        return set()
    places = await queries.list_held_homes(
        tx.connection,
        maks=[record.row.mak for record in ownerless],
        apn_keys=[record.row.facts.get("apn_key") for record in ownerless],
        addr_hashes=[record.row.facts.get("addr_hash") for record in ownerless],
    )
    return {ownerless[place - 1] for place in places}


def _hash_record(record: PreparedRecord, keyring: Keyring) -> RecordHashes:
    facts = record.row.facts
    home = hash_home(keyring, record.row.mak, facts.get("apn_key"), facts.get("addr_hash"))
    return RecordHashes(frozenset(home), frozenset(contact.value_hash for contact in record.contacts))


def _drop_erased_contacts(record: PreparedRecord, erasures: Collection[Erasure]) -> None:
    record.contacts = [
        contact for contact in record.contacts if not any(contact.value_hash in one.contacts for one in erasures)
    ]
