"""Check of a whole file without writing anything: what becomes of each column and row. The basis of every dry run."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, Field

from common.csv.escaping import unescape_cell
from common.csv.reader import CsvReader, open_csv_text
from common.records.file_reading import FileForm
from common.records.headers import REMARKS_PREFIX, are_cells_escaped
from common.records.merged_cells import fill_merged_cells
from common.records.normalise import PropertyRecord, normalise
from common.records.rejection import RejectionReason, explain_reasons
from common.records.row_reader import RowReader

MAX_REJECTED_SHOWN = 20
MAX_ROWS_SHOWN = 5
_MAX_EXAMPLE_CHARACTERS = 60


class CheckedColumn(BaseModel):
    """Column of a file, and what becomes of it."""

    column: str
    field: str | None = Field(description="The field that is read from it; null: nothing.")
    example: str = Field("", description="The first value.")
    values: int = Field(0, description="Number of cells with content.")
    unreadable: int = Field(0, description="Values of the field that cannot be read. They would be left out.")
    unreadable_rows: list[int] = Field(default_factory=list, description="The first rows with one, at most five.")


class CheckedRow(BaseModel):
    """Row that would be rejected."""

    row: int
    reasons: list[str]
    detail: str


class FileEstimate(BaseModel):
    """Estimate of the outcome of the rows that would be accepted."""

    new: int = Field(description="Homes that are no lead yet.")
    known: int = Field(description="Rows about homes that are leads: they would be updated, or are duplicates.")
    repeated: int = Field(description="Further rows about a home of this file.")


class FileCheck(BaseModel):
    """Result of a dry run: what the file is, what becomes of it, and what would be lost."""

    encoding: str
    delimiter: str
    title_rows: int = Field(description="Rows before the header.")
    profile: str
    profile_version: int
    rows: int = Field(description="Rows that would be received.")
    skipped_rows: int = Field(description="Rows that are no records: the header again, and footers.")
    rejected: int
    reasons: dict[str, int] = Field(description="Rejected rows by their first reason.")
    rejected_rows: list[CheckedRow] = Field(description="The first rejected rows, at most twenty.")
    columns: list[CheckedColumn]
    ignored_columns: list[str]
    rows_with_loss: int = Field(description="Rows that would be rejected, or lose a value that cannot be read.")
    estimate: FileEstimate | None = Field(None, description="Null where no leads can be looked up.")

    @property
    def loss_percent(self) -> float:
        """Share of rows that would be rejected or lose a value."""
        return 100 * self.rows_with_loss / self.rows if self.rows else 0.0


class HomeKeys(NamedTuple):
    """Keys by which a home is found among the leads."""

    mak: str | None
    apn_key: str | None
    addr_hash: bytes


@dataclass(slots=True)
class FileChecker:
    """Checker of one file, row by row."""

    form: FileForm
    today: date
    homes: list[HomeKeys] = field(default_factory=list)
    """Keys of the rows that would be accepted, in order."""
    _rows: int = 0
    _rejected: list[CheckedRow] = field(default_factory=list)
    _rejected_count: int = 0
    _reasons: Counter[str] = field(default_factory=Counter)
    _rows_with_loss: int = 0
    _values: Counter[str] = field(default_factory=Counter)
    _examples: dict[str, str] = field(default_factory=dict)
    _unreadable: Counter[str] = field(default_factory=Counter)
    _unreadable_rows: dict[str, list[int]] = field(default_factory=dict)

    def check(self, file: Path) -> FileCheck:
        """Read all of *file* and return the result, without an estimate."""
        dialect = self.form.dialect
        with open_csv_text(file, dialect.encoding) as text:
            reader = CsvReader(text, dialect.delimiter)
            header = reader.read_header(dialect.title_rows)
            self._check_rows(reader, header)
        return self._build_result(reader.skipped_rows)

    def _check_rows(self, reader: CsvReader, header: Sequence[str]) -> None:
        row_reader = RowReader(self.form.mapping)
        names = self.form.dialect.columns
        is_escaped = are_cells_escaped(names)
        rows = fill_merged_cells(reader.read_records(header), self.form.mapping, names)
        for number, (cells, problem) in enumerate(rows, start=1):
            self._rows = number
            if problem is not None or not _is_storable(cells):
                self._reject(number, [RejectionReason.UNREADABLE_ROW])
                continue
            read = map(unescape_cell, cells) if is_escaped else cells
            named = {name: cell for name, cell in zip(names, read, strict=False) if cell and name}
            for name, cell in named.items():
                self._values[name] += 1
                self._examples.setdefault(name, cell[:_MAX_EXAMPLE_CHARACTERS])
            record = normalise(row_reader.read(named), self.today)
            if isinstance(record, list):
                self._reject(number, record)
            else:
                self._accept(number, record)

    def _reject(self, number: int, reasons: Sequence[RejectionReason]) -> None:
        self._rejected_count += 1
        self._rows_with_loss += 1
        self._reasons[reasons[0]] += 1
        if len(self._rejected) < MAX_REJECTED_SHOWN:
            self._rejected.append(CheckedRow(row=number, reasons=list(reasons), detail=explain_reasons(reasons)))

    def _accept(self, number: int, record: PropertyRecord) -> None:
        self.homes.append(HomeKeys(record.mak, record.facts["apn_key"], record.facts["addr_hash"]))
        self._rows_with_loss += bool(record.dropped)
        self._unreadable.update(record.dropped)
        for name in dict.fromkeys(record.dropped):
            rows = self._unreadable_rows.setdefault(name, [])
            if len(rows) < MAX_ROWS_SHOWN:
                rows.append(number)

    def _build_result(self, skipped_rows: int) -> FileCheck:
        dialect, mapping = self.form.dialect, self.form.mapping
        return FileCheck(
            encoding=dialect.encoding,
            delimiter=dialect.delimiter,
            title_rows=dialect.title_rows,
            profile=mapping.profile,
            profile_version=mapping.version,
            rows=self._rows,
            skipped_rows=skipped_rows,
            rejected=self._rejected_count,
            reasons=dict(self._reasons.most_common()),
            rejected_rows=self._rejected,
            columns=list(self._describe_columns()),
            ignored_columns=mapping.ignored_columns(),
            rows_with_loss=self._rows_with_loss,
        )

    def _describe_columns(self) -> Iterator[CheckedColumn]:
        first_columns = {name: (self.form.mapping.columns_of(name) or [""])[0] for name in self._unreadable}
        for column in self.form.mapping.columns:
            if not column.header:
                continue
            unread = [name for name, first in first_columns.items() if first == column.header]
            yield CheckedColumn(
                column=column.header,
                field=column.field and _describe_field(column.field, column.rank),
                example=self._examples.get(column.header, ""),
                values=self._values[column.header],
                unreadable=sum(self._unreadable[name] for name in unread),
                unreadable_rows=sorted({row for name in unread for row in self._unreadable_rows[name]})[
                    :MAX_ROWS_SHOWN
                ],
            )


def estimate_outcomes(homes: Sequence[HomeKeys], is_known: Sequence[bool]) -> FileEstimate:
    """Return the estimate for *homes* in the order of the file; *is_known* says of each whether a lead has one of its keys."""
    seen: set[str | bytes] = set()
    counts: Counter[str] = Counter()
    for home, known in zip(homes, is_known, strict=True):
        keys = {key for key in home if key is not None}
        counts["repeated" if keys & seen else "known" if known else "new"] += 1
        seen |= keys
    return FileEstimate(new=counts["new"], known=counts["known"], repeated=counts["repeated"])


def _describe_field(name: str, rank: int) -> str:
    """Return the field with the number of its contact: `phones 2`, `phones 2 type`."""
    kind, _, detail = name.removeprefix(REMARKS_PREFIX).partition(".")
    words = [kind, *([str(rank)] if kind in ("phones", "emails") and rank else []), *([detail] if detail else [])]
    return ("remarks on " if name.startswith(REMARKS_PREFIX) else "") + " ".join(words)


def _is_storable(cells: Sequence[str]) -> bool:
    """Return whether the cells can be sent: a damaged byte was read as a lone surrogate, which no message holds."""
    return all(cell.isascii() or not any("\ud800" <= char <= "\udfff" for char in cell) for cell in cells)
