"""What a batch writes, in one transaction: leads, contacts, conflicts, rejects, tallies, and the events about them."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from common import telemetry
from common.bus import Tx
from common.contacts import NORMALISATION_VERSION, Keyring
from common.database import load_queries
from common.decisions import lock_contacts
from common.events import DedupeSuccess, LeadRejected
from common.rejects import UNREAD_ROWS, seal_row
from ingest.dedupe import FLAGS, Merged, group, keys_lost
from ingest.prepare import Contact, Prepared, Rejected
from ingest.score import score
from ingest.verdict import explain

queries = load_queries(__file__)

VERDICTS = ("inserted", "updated", "duplicate")
NO_UPLOAD = UUID(int=0)
"""Never seen: records without an upload become dead letters, and not rejects."""


@dataclass(slots=True)
class UnreadValues:
    """Values of one field that made no sense: how many, and in which rows first."""

    values: int = 0
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Verdict:
    """What became of one record: the lead it is in now, and whether it made, changed or repeated it."""

    prepared: Prepared
    lead: Any
    verdict: str
    lead_version: int
    score: int


@dataclass(slots=True)
class Candidate:
    """A contact on its way to its lead, with all that the batch's records say of it, and which of them said so."""

    contact: Contact
    sealed: bytes
    source: str
    line_type: str | None
    dnc: bool | None
    tellers: list[int]

    def take_in(self, other: Contact) -> bool:
        """Add what *other* says of the same value; whether it was anything new. Who must not be called stays so."""
        before = self.line_type, self.dnc
        self.line_type = self.line_type or other.line_type
        self.dnc = other.dnc or (other.dnc if self.dnc is None else self.dnc)
        return before != (self.line_type, self.dnc)


async def record_leads(tx: Tx, prepared: Sequence[Prepared], keyring: Keyring) -> list[Verdict]:
    """Upsert the homes of *prepared*, their contacts and scores; say what became of each record and tell the bus."""
    if not prepared:
        return []
    homes = group([one.row for one in prepared])
    records = [home.row.as_record(number) for number, home in enumerate(homes)]
    leads: list[Any] = [None] * len(homes)
    async for lead in queries.upsert_leads(tx.connection, records=records):
        leads[lead["ord"]] = lead
    await _note_assignable_brokers(tx, homes, leads, prepared)
    told = await _add_contacts(tx, homes, leads, prepared, keyring)
    await _protect(tx, homes, leads, prepared, keyring)
    await _add_lost_keys(tx, homes, leads, prepared)
    scores = await _rescore(tx, homes, leads, prepared, told)
    verdicts = _verdicts(homes, leads, prepared, scores, told)
    for found in verdicts:
        if found.verdict != "duplicate":
            _tell(tx, found)
    return verdicts


def _verdicts(
    homes: Sequence[Merged],
    leads: Sequence[Any],
    prepared: Sequence[Prepared],
    scores: dict[UUID, tuple[int, int]],
    told: set[int],
) -> list[Verdict]:
    """The first record of a home gets the database's verdict; of the others those that added something changed it.

    A contact is something, too: records *told* brought one.
    """
    found = []
    for home, lead in zip(homes, leads, strict=True):
        points, version = scores.get(lead["lead_id"], (lead["lead_score"], lead["lead_version"]))
        for place, (member, said_more) in enumerate(zip(home.members, home.said_more, strict=True)):
            later = "updated" if said_more and lead["verdict"] != "duplicate" else "duplicate"
            verdict = lead["verdict"] if place == 0 else later
            if verdict == "duplicate" and member in told:
                verdict = "updated"
            found.append(Verdict(prepared[member], lead, verdict, version, points))
    return found


def _tell(tx: Tx, found: Verdict) -> None:
    event = found.prepared.cause.event
    tx.emit(
        DedupeSuccess(
            lead_id=found.lead["lead_id"],
            lead_version=found.lead_version,
            broker_id=found.lead["broker_id"],
            occurred_at=tx.now,
            outcome=found.verdict,
            verdict=found.verdict,
            matched_by=found.lead["matched_by"],
            score=found.score,
            upload_id=event.upload_id,
            row=event.row,
        ),
        cause=found.prepared.cause,
    )


async def _note_assignable_brokers(
    tx: Tx, homes: Sequence[Merged], leads: Sequence[Any], prepared: Sequence[Prepared]
) -> None:
    """Remember to whom leads without a broker may be assigned, for territories that are added later."""
    rows = []
    for home, lead in zip(homes, leads, strict=True):
        if lead["broker_id"] is not None:
            continue
        choices = [prepared[member].row.editable_brokers for member in home.members]
        chosen = {broker for choice in choices if choice is not None for broker in choice}
        is_new, anybody = lead["verdict"] == "inserted", None in choices
        if not (is_new and anybody):
            rows.append((lead["lead_id"], is_new, None if anybody else ",".join(sorted(map(str, chosen)))))
    if rows:
        ids, is_new_rows, broker_ids = map(list, zip(*rows, strict=True))
        await queries.note_assignable_brokers(tx.connection, ids=ids, is_new=is_new_rows, broker_ids=broker_ids)


async def _add_contacts(
    tx: Tx, homes: Sequence[Merged], leads: Sequence[Any], prepared: Sequence[Prepared], keyring: Keyring
) -> set[int]:
    """Store each record's contacts as candidates of its lead, encrypted with the lead's key; which records told any.

    Another broker's lead takes nothing, contacts included.
    """
    found: dict[tuple[UUID, str, bytes], Candidate] = {}
    for home, lead in zip(homes, leads, strict=True):
        lead_id = lead["lead_id"]
        if not any(prepared[member].contacts for member in home.members) or _is_foreign(home, lead):
            continue
        first = prepared[home.members[0]]
        is_own = lead_id == first.row.id
        key = first.key if is_own else keyring.open_data_key(lead_id, lead["data_key"])
        for member in home.members:
            one = prepared[member]
            for c in one.contacts:
                value = (lead_id, c.channel, c.hash)
                if (known := found.get(value)) is None:
                    sealed = c.sealed if is_own and one is first else key.encrypt(c.channel, c.value)
                    found[value] = Candidate(c, sealed, home.row.source, c.line_type, c.dnc, [member])
                elif known.take_in(c):
                    known.tellers.append(member)
    new = {lead["lead_id"] for lead in leads if lead["verdict"] == "inserted"}
    changed = await _store(tx, found, [lead["lead_id"] for lead in leads if lead["verdict"] != "inserted"], keyring)
    return {member for value, one in found.items() if value[0] in new or value in changed for member in one.tellers}


async def _protect(
    tx: Tx, homes: Sequence[Merged], leads: Sequence[Any], prepared: Sequence[Prepared], keyring: Keyring
) -> None:
    """Make final what records forbid: leads that must not be contacted, and addresses that must not be written to.

    Whoever the lead belongs to: a record may not change another broker's lead, but what it forbids holds for all.
    """
    closed: set[UUID] = set()
    suppressed: dict[bytes, UUID] = {}
    for home, lead in zip(homes, leads, strict=True):
        is_foreign = _is_foreign(home, lead)
        for one in (prepared[member] for member in home.members):
            is_barred = one.row.flags.get("litigator") or one.row.flags.get("deceased_owner")
            if one.do_not_contact or (is_foreign and is_barred):
                closed.add(lead["lead_id"])
            suppressed.update(dict.fromkeys(one.forbidden_emails, lead["lead_id"]))
    if suppressed:
        await lock_contacts(tx, suppressed)
        await queries.suppress_emails(
            tx.connection, hashes=list(suppressed), lead_ids=list(suppressed.values()), hash_key_id=keyring.hash_key_id
        )
    if closed:
        async for _ in queries.close_leads(tx.connection, ids=sorted(closed)):
            pass


async def _store(
    tx: Tx, found: Mapping[tuple[UUID, str, bytes], Candidate], known_leads: Sequence[UUID], keyring: Keyring
) -> set[tuple[UUID, str, bytes]]:
    """Write the candidates; which of those of *known_leads* are new or say more than before."""
    if not found:
        return set()
    rows = [(*value, c.sealed, c.source, c.line_type, c.contact.rank, c.dnc) for value, c in found.items()]
    changed = queries.add_contacts(
        tx.connection,
        candidates=rows,
        hash_key_id=keyring.hash_key_id,
        version=NORMALISATION_VERSION,
        known_leads=known_leads,
    )
    return {(row["lead_id"], row["channel"], row["value_hash"]) async for row in changed}


def _is_foreign(home: Merged, lead: Any) -> bool:
    """Whether the lead is another broker's, so that this record may not add to it."""
    broker, allowed = lead["broker_id"], home.row.editable_brokers
    if lead["verdict"] != "duplicate" or broker is None:
        return False
    return home.row.broker_id != broker if home.row.broker_id else allowed is not None and broker not in allowed


async def _add_lost_keys(tx: Tx, homes: Sequence[Merged], leads: Sequence[Any], prepared: Sequence[Prepared]) -> None:
    """Keys that lost against another record of the same home in this batch: recorded, never dropped."""
    rows = [
        (lead["lead_id"], column, value, home.row.upload_id, home.row.row, home.row.event_id)
        for home, lead in zip(homes, leads, strict=True)
        if len(home.members) > 1 and not _is_foreign(home, lead)
        for column, value in keys_lost([prepared[member].row for member in home.members], home.row)
    ]
    if rows:
        columns = ("lead_ids", "columns", "values", "upload_ids", "rows", "event_ids")
        await queries.add_conflicts(
            tx.connection, **dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True))
        )


async def _rescore(
    tx: Tx, homes: Sequence[Merged], leads: Sequence[Any], prepared: Sequence[Prepared], told: set[int]
) -> dict[UUID, tuple[int, int]]:
    """Score again the leads that are a mixture of records now; id to (score, version) of those that score otherwise."""
    mixed = {
        lead["lead_id"]: (lead, prepared[home.members[0]].cause.time.date())
        for home, lead in zip(homes, leads, strict=True)
        if lead["verdict"] == "updated"
        or (len(home.members) > 1 and lead["verdict"] == "inserted")
        or (lead["verdict"] == "duplicate" and not told.isdisjoint(home.members))
    }
    return await rescore(tx, mixed)


async def rescore(tx: Tx, leads: Mapping[UUID, tuple[Any, date]]) -> dict[UUID, tuple[int, int]]:
    """Score *leads* (id to facts and day) with their contacts as they are now; id to (score, version) of those that changed."""
    if not leads:
        return {}
    reach = {row["lead_id"]: row async for row in queries.count_contacts(tx.connection, ids=list(leads))}
    points = {}
    for lead_id, (lead, today) in leads.items():
        known = reach.get(lead_id)
        flags = {flag: lead[flag] for flag in FLAGS}
        phones, emails, verified = (known["phones"], known["emails"], known["verified"]) if known else (0, 0, None)
        points[lead_id] = score(lead, flags, phones=phones, emails=emails, today=today, verified=verified or ())
    changed = queries.set_scores(
        tx.connection,
        ids=list(points),
        scores=[one.total for one in points.values()],
        contributions=[orjson.dumps(one.contributions).decode() for one in points.values()],
    )
    return {row["id"]: (row["lead_score"], row["lead_version"]) async for row in changed}


async def rescore_as_they_are(tx: Tx, lead_ids: Sequence[UUID]) -> None:
    """Score leads again whose contacts were judged, by their facts as they are now."""
    rows = queries.facts_to_score(tx.connection, ids=list(lead_ids))
    await rescore(tx, {row["id"]: (row, tx.now.date()) async for row in rows})


async def record_rejects(tx: Tx, rejects: Sequence[Rejected], keyring: Keyring) -> None:
    """Keep the rejected rows of uploads, sealed, for who corrects them; one event each."""
    if not rejects:
        return
    rows = []
    for one in rejects:
        event = one.cause.event
        upload_id, row = event.upload_id or NO_UPLOAD, event.row or 1
        detail = event.row_problem or explain(one.reasons)
        sealed = seal_row(keyring, upload_id, row, event.cells or {})
        rows.append((upload_id, row, ",".join(one.reasons), detail, sealed))
        tx.emit(
            LeadRejected(upload_id=upload_id, row=row, reasons=list(one.reasons), outcome=one.reasons[0]),
            cause=one.cause,
        )
    columns = ("upload_ids", "rows", "reasons", "details", "sealed")
    await queries.add_rejects(tx.connection, **dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))


async def record_tallies(tx: Tx, verdicts: Sequence[Verdict], rejects: Sequence[Rejected]) -> None:
    """Append what this batch means for each upload: all rows of an upload add up to what was published."""
    counts: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    unread: defaultdict[UUID, dict[str, UnreadValues]] = defaultdict(dict)
    total: Counter[str] = Counter()
    for found in verdicts:
        total[found.verdict] += 1
        if upload_id := found.prepared.row.upload_id:
            counts[upload_id][found.verdict] += 1
            if found.prepared.dropped:
                _note_unread(unread[upload_id], found.prepared)
    for one in rejects:
        upload_id = one.cause.event.upload_id or NO_UPLOAD
        total["rejected"] += 1
        counts[upload_id]["rejected"] += 1
        reasons[upload_id].update(str(reason) for reason in one.reasons[:1])
    for verdict, count in total.items():
        telemetry.counter("equity_records", "Property records by verdict").add(count, {"verdict": verdict})
    if counts:
        await queries.add_tallies(
            tx.connection,
            upload_ids=list(counts),
            **{name: [c[name] for c in counts.values()] for name in (*VERDICTS, "rejected")},
            reasons=[orjson.dumps(reasons[upload_id]).decode() for upload_id in counts],
            unread=[orjson.dumps(unread[upload_id]).decode() for upload_id in counts],
        )


def _note_unread(unread: dict[str, UnreadValues], prepared: Prepared) -> None:
    """Count the values of a row that made no sense, by field, and keep the numbers of the first rows."""
    row = prepared.row.row
    for name in prepared.dropped:
        noted = unread.setdefault(name, UnreadValues())
        noted.values += 1
        if row is not None:
            noted.rows = sorted({*noted.rows, row})[:UNREAD_ROWS]
