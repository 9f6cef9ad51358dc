"""What TLO's file says, row by row: stored as the raw answer of the request that each row names; merged by the service.

Every row has exactly one verdict, and the same file again changes nothing. A dry run is the same work, rolled back.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from common.csv_rows import Reader, Row, open_text
from common.csv_shape import look_at
from common.database import Connection, Database, load_queries
from skiptrace.board import person_of
from skiptrace.lead import Person, Question
from skiptrace.ledger import Ledger
from skiptrace.provider import Reply
from skiptrace.vendors.tlo import Places, Tlo, TloMapping, unusable

queries = load_queries(__file__, "batches.sql")

AT_ONCE = 500
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Verdict(StrEnum):
    """What became of a row."""

    STORED = "stored"
    ALREADY = "already"
    """Its request was answered before; the first answer counts."""
    UNKNOWN = "unknown"
    """Its reference is none that we gave."""
    MALFORMED = "malformed"
    """It has no reference, or is broken as CSV."""
    DUPLICATE = "duplicate"
    """Another row of the file has its reference; the first counts."""
    ERASED = "erased"
    """The person was erased since."""
    CHANGED = "changed"
    """The lead has another owner or address since: the answer is about somebody else."""
    TOO_LATE = "too_late"
    """What was asked is not kept any more, so nobody can tell whether the answer still fits."""


_ENDS = {Verdict.STORED, Verdict.ERASED, Verdict.CHANGED}
"""Verdicts that end a request; the last two stand in its `detail`."""


@dataclass(slots=True)
class TakenIn:
    """What a file held."""

    encoding: str
    missing_columns: tuple[str, ...]
    """Columns of the mapping that the file does not have."""
    phone_columns: int
    email_columns: int
    rows: Counter[Verdict] = field(default_factory=Counter)
    matched: int = 0
    """Of the stored ones, those that say something."""
    bad_phones: int = 0
    """In stored rows, cells that hold something and no phone."""
    bad_emails: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A row as far as the file alone tells: its reference and what it says, or why it is not looked up."""

    reference: UUID | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How a request ends."""

    id: UUID
    verdict: Verdict
    matched: bool
    sealed: bytes | None

    @property
    def outcome(self) -> str:
        """As `skip_trace_requests` has it."""
        return "answered" if self.verdict is Verdict.STORED else "expired"


class TakingIn:
    """Reads files of TLO into the ledger."""

    def __init__(self, database: Database, ledger: Ledger, tlo: Tlo) -> None:
        self._database = database
        self._ledger = ledger
        self._tlo = tlo

    async def take_in(
        self, file: Path, mapping: TloMapping, progress: Callable[[int], None], *, write: bool
    ) -> TakenIn:
        """Store the answers of *file*; without *write* only say what would be. *progress* is told bytes read.

        Raises NotCsvError for what is no CSV, and BadMappingError where the mapping does not fit.
        """
        shape = look_at(file, mapping.known)
        places = mapping.places(shape.columns)
        taken = TakenIn(shape.encoding, places.missing, len(places.phones), len(places.emails))
        with open_text(file, shape.encoding) as text:
            reader = Reader(text, shape.delimiter)
            lines = read(reader.rows(len(reader.header())), places)
            while page := list(islice(lines, AT_ONCE)):
                await self._take(page, taken, write=write)
                progress(text.buffer.tell())
        return taken

    async def _take(self, page: Sequence[Line], taken: TakenIn, *, write: bool) -> None:
        """One page of lines, in one transaction."""
        taken.rows.update(line.verdict for line in page if line.verdict)
        lines = {line.reference: line for line in page if line.reference and not line.verdict}
        async with self._database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                found = await self._answer(connection, lines)
            except BaseException:
                await transaction.rollback()
                raise
            await (transaction.commit() if write else transaction.rollback())
        for reference, line in lines.items():
            verdict, matched = found.get(reference, (Verdict.UNKNOWN, False))
            taken.rows[verdict] += 1
            if verdict is Verdict.STORED:
                phones, emails = unusable(line.entry)
                taken.matched += matched
                taken.bad_phones += phones
                taken.bad_emails += emails

    async def _answer(self, connection: Connection, lines: Mapping[UUID, Line]) -> dict[UUID, tuple[Verdict, bool]]:
        """The verdict of each reference that is one of ours, and whether the row says something; written."""
        wanted = list(lines)
        _ = [row async for row in queries.lock_leads_of_requests(connection, ids=wanted)]
        requests = [row async for row in queries.batch_requests(connection, ids=wanted, provider=self._tlo.name)]
        verdicts, ends = {}, []
        for row in requests:
            verdict = verdict_of(row, asked := self._asked(row))
            reply = Reply(200, "application/json", orjson.dumps(lines[row["id"]].entry))
            matched = bool(asked and self._tlo.read([asked], reply)[0].matched)
            verdicts[row["id"]] = (verdict, matched)
            if verdict in _ENDS and row["detail"] not in _ENDS:
                sealed = self._ledger.seal_reply(row["id"], reply) if verdict is Verdict.STORED else None
                ends.append(End(row["id"], verdict, matched, sealed))
        if ends:
            await self._write(connection, ends)
        return verdicts

    def _asked(self, row: Any) -> Question | None:
        """What was asked; None where it is not kept any more. Raises CannotOpenError without the key."""
        sealed = row["question_sealed"]
        return self._ledger.unseal_questions(row["id"], sealed)[0] if sealed is not None else None

    async def _write(self, connection: Connection, ends: Sequence[End]) -> None:
        ids, outcomes = [end.id for end in ends], [end.outcome for end in ends]
        await queries.keep_batch_answers(
            connection,
            ids=ids,
            outcomes=outcomes,
            cents=[self._tlo.cents if end.matched else Decimal(0) for end in ends],
            details=[None if end.verdict is Verdict.STORED else end.verdict.value for end in ends],
            answers=[end.sealed for end in ends],
        )
        await queries.end_batch_parts(connection, ids=ids, outcomes=outcomes)


def read(rows: Iterator[Row], places: Places) -> Iterator[Line]:
    """Each row as a line, with its verdict where the file alone gives it."""
    seen: set[UUID] = set()
    for row in rows:
        reference = "" if row.problem else row.cells[places.reference].strip()
        if not reference:
            yield Line(verdict=Verdict.MALFORMED)
        elif not _UUID.fullmatch(reference):
            yield Line(verdict=Verdict.UNKNOWN)
        elif (id_ := UUID(reference)) in seen:
            yield Line(verdict=Verdict.DUPLICATE)
        else:
            seen.add(id_)
            yield Line(id_, places.entry(row.cells))


def verdict_of(request: Any, asked: Question | None) -> Verdict:
    """What becomes of an answer to *request*, a row with its lead as it is now, which *asked* so; the same each time."""
    if request["outcome"] == "answered":
        return Verdict.ALREADY
    if request["detail"] in _ENDS:
        return Verdict(request["detail"])
    if request["data_key"] is None:
        return Verdict.ERASED
    if asked is None:
        return Verdict.TOO_LATE
    return Verdict.STORED if is_about(asked.person, person_of(request)) else Verdict.CHANGED


def is_about(asked: Person, now: Person | None) -> bool:
    """Whether who was asked about is who owns and where it is now: what was empty and became known is no change."""
    return now is not None and all(
        not then or then.casefold() == (getattr(now, name) or "").casefold()
        for name in ("last_name", "company", "street", "zip")
        if (then := getattr(asked, name)) is not None
    )
