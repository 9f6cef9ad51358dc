"""One file of the corpus: its rows, its bytes, and the result that is expected of it.

The expectation comes from the invented homes: a lead has each fact that a column of the file tells. It never comes from the product.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from corpus.columns import ExportColumn
from corpus.expected import (
    ExpectedDialect,
    ExpectedLead,
    ExpectedRefusal,
    ExpectedRejection,
    ExpectedResult,
    ExpectedUnreadable,
    SkippedLine,
)
from corpus.forms import FileForm
from corpus.homes import Facts
from corpus.leads import build_lead, merge_leads

Verified = Literal["yes", "partly", "no"]


@dataclass(slots=True)
class _Record:
    """Record of the file: a row with its home, or a line that is no record of a home."""

    text: str
    number: int | None
    facts: Facts | None = None
    paths: frozenset[str] = frozenset()
    reasons: list[str] = field(default_factory=list)
    skip: SkippedLine | None = None


class ExportFile:
    """File of the corpus under construction."""

    def __init__(
        self,
        name: str,
        tool: str,
        about: str,
        columns: Sequence[ExportColumn] = (),
        *,
        profile: str | None = None,
        verified: Verified = "no",
        form: FileForm | None = None,
        decisions: Sequence[str] = (),
        refusal: ExpectedRefusal | None = None,
        content: bytes | None = None,
    ) -> None:
        self.name = name
        self._tool, self._about, self._verified = tool, about, verified
        self._columns = list(columns)
        self._profile = profile
        self._form = form or FileForm()
        self._decisions = list(decisions)
        self._refusal = refusal
        self._content = content
        self._records: list[_Record] = []
        self._unreadable: dict[str, list[int]] = {}
        self._rows = 0

    def add(
        self,
        facts: Facts,
        *,
        respell: Mapping[str, str] | None = None,
        unreadable: Mapping[str, str] | None = None,
        learn: Iterable[str] = (),
        leave_out: Iterable[str] = (),
        reject: Sequence[str] = (),
    ) -> int:
        """Add a row and return its number.

        *respell* are cells with another spelling of the same fact. *unreadable* are cells that cannot be read: their facts are lost and
        reported. *learn* are further paths that the row states, *leave_out* paths that it does not. *reject* are the reasons why the
        row becomes no lead.
        """
        other = {**(respell or {}), **(unreadable or {})}
        if unknown := other.keys() - {column.header for column in self._columns}:
            raise ValueError(f"{self.name} has no column {sorted(unknown)}")
        number = self._next_row()
        lost = {path for column in self._columns if column.header in (unreadable or {}) for path in column.tells}
        paths = {path for column in self._columns for path in column.tells} | set(learn)
        cells = [other.get(column.header, column.write(facts)) for column in self._columns]
        for header in unreadable or {}:
            self._unreadable.setdefault(header, []).append(number)
        record = _Record(self._form.line(cells), number, facts, frozenset(paths - lost - set(leave_out)), list(reject))
        self._records.append(record)
        return number

    def add_all(self, *homes: Facts) -> "ExportFile":
        """Add a row for each home, and return the file."""
        for facts in homes:
            self.add(facts)
        return self

    def add_line(self, line: str = "") -> None:
        """Add a line that has no number: a blank one."""
        self._records.append(_Record(line + self._form.line_end, None))

    def add_skipped(self, kind: SkippedLine, cells: Sequence[str] = ()) -> None:
        """Add a line that is no record and has no number: the header again, or a footer."""
        line = self._form.line(cells or [column.header for column in self._columns])
        self._records.append(_Record(line, None, skip=kind))

    def add_unreadable(self, header: str, row: int) -> None:
        """Expect that a value of *header* in *row* is reported as unreadable, although the row's facts are read."""
        self._unreadable.setdefault(header, []).append(row)

    def add_broken(self, line: str, reasons: Sequence[str]) -> int:
        """Add a line that is no row of the table, such as one with too many cells. Return its number."""
        number = self._next_row()
        self._records.append(_Record(line + self._form.line_end, number, reasons=list(reasons)))
        return number

    def content(self) -> bytes:
        """Return the bytes of the file."""
        if self._content is not None:
            return self._content
        before = "".join(line + self._form.line_end for line in self._form.before)
        header = self._form.line([column.header for column in self._columns])
        return self._form.encode(before + header + "".join(record.text for record in self._records))

    def expected(self) -> ExpectedResult:
        """Return the expected result."""
        about = {
            "file": self.name,
            "tool": self._tool,
            "about": self._about,
            "headers_verified": self._verified,
            "decisions": self._decisions,
            "refusal": self._refusal,
        }
        return ExpectedResult.model_validate(about if self._refusal else about | self._outcome())

    def _outcome(self) -> dict[str, object]:
        return {
            "profile": self._profile,
            "dialect": self._dialect(),
            "rows_received": self._rows,
            "columns_unused": [one.header for one in self._columns if one.use == "unused" and one.header],
            "columns_for_remarks": [one.header for one in self._columns if one.use == "remark"],
            "leads": self._leads(),
            "rejected": self._rejections(),
            "unreadable": [
                ExpectedUnreadable(column=header, count=len(rows), rows=rows)
                for header, rows in self._unreadable.items()
            ],
            "skipped": [record.skip for record in self._records if record.skip],
        }

    def _next_row(self) -> int:
        self._rows += 1
        return self._rows

    def _dialect(self) -> ExpectedDialect:
        line = 1 + len(self._form.before)
        return ExpectedDialect(encoding=self._form.encoding, delimiter=self._form.delimiter, header_line=line)

    def _leads(self) -> list[ExpectedLead]:
        leads = [
            build_lead(record.number, record.facts, record.paths)
            for record in self._records
            if record.facts is not None and record.number is not None and not record.reasons
        ]
        return merge_leads(leads)

    def _rejections(self) -> list[ExpectedRejection]:
        return [
            ExpectedRejection(row=record.number, reasons=record.reasons)
            for record in self._records
            if record.number is not None and record.reasons
        ]
