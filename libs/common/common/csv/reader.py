"""Streaming reader of CSV rows in bounded memory. A row is returned unchanged, or with the code of its problem.

A row is never silently misread. Quoted cells may hold line breaks, but a stray quote must not swallow the rows behind it. So
a record of several lines is accepted only if it is valid CSV, has as many cells as the header, and its lines do not look like
rows themselves. Otherwise its first line becomes a row with a problem, and reading continues at the second line.
"""

import csv
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

MAX_LINE_CHARACTERS = 1_000_000
MAX_RECORD_LINES = 100
csv.field_size_limit(2 * MAX_LINE_CHARACTERS)

_EXCEL_HINT = re.compile(r"sep=.?")
_TOTAL = re.compile(r"(?:grand |sub)?totals?(?: (?:rows|records|count))?:?", re.IGNORECASE)
_FOOTER = re.compile(
    r"[\W_]*(?:(?:grand |sub)?totals?\b|end of\b|page \d|printed\b|generated\b|exported\b|report\b|source:|copyright\b|\(c\) |confidential"
    r"|disclaimer|notes?:|\d[\d,]* (?:rows|records|leads|properties|parcels)\b)",
    re.IGNORECASE,
)


class CsvRow(NamedTuple):
    """Cells of a row as the file has them, and the code of the row's problem, if any."""

    cells: list[str]
    problem: str | None = None


class _RunawayError(Exception):
    """A record is longer than allowed."""


def open_csv_text(file: Path, encoding: str) -> TextIO:
    """Open *file* with its line ends unchanged. Bytes that are not UTF-8 become lone surrogates."""
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return file.open(encoding=encoding, errors=errors, newline="")


def _fit_to_width(row: CsvRow, width: int) -> CsvRow:
    """Return the row with *width* cells. Missing trailing cells are empty. Surplus cells with content are a problem."""
    if len(row.cells) < width:
        return CsvRow([*row.cells, *[""] * (width - len(row.cells))])
    if any(map(str.strip, row.cells[width:])):
        return CsvRow(row.cells, "too_many_cells")
    return CsvRow(row.cells[:width])


def make_names_unique(names: Sequence[str]) -> list[str]:
    """Return the names of a header; a repeated one gets its number: `Notes`, `Notes (2)`. Empty names stay empty."""
    seen: Counter[str] = Counter()
    result = []
    for name in map(str.strip, names):
        seen[name] += 1
        result.append(f"{name} ({seen[name]})" if name and seen[name] > 1 else name)
    return result


def _is_footer(cells: Sequence[str]) -> bool:
    """Return whether a row is a line below the table: a total, or one cell that begins like `End of report`.

    Any other row with one cell is a record, so that it is rejected with a reason and not skipped.
    """
    first = cells[0]
    if first[:1] in "TtGgSs" and _TOTAL.fullmatch(first.strip()):
        return True
    if any(cells[1:3]) or (first and not _FOOTER.match(first)):
        return False
    content = [cell for cell in cells if cell and not cell.isspace()]
    return len(content) == 1 and _FOOTER.match(content[0]) is not None


class CsvReader:
    """Reader of a text that `open_csv_text` opened: first the header, then the rows."""

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._readline = text.readline
        self._delimiter = delimiter
        self._lines_to_reread: deque[str] = deque()
        self._record_lines: list[str] = []
        self._ended_inside_record = False
        self.skipped_rows = 0
        """Rows that are no records: the header again, and footers."""

    def read_header(self, title_rows: int = 0) -> list[str]:
        """Return the header: the row behind *title_rows* rows. Blank rows and Excel's `sep=;` are no rows. Empty at the end."""
        return next(islice(self.read_head(), title_rows, None), [])

    def read_head(self) -> Iterator[list[str]]:
        """Yield the rows at the start of a file, before it is known which one is the header."""
        for cells, _ in self._records(None):
            if not _EXCEL_HINT.fullmatch(cells[0]) or any(cells[1:]):
                yield cells

    def read_rows(self, width: int) -> Iterator[CsvRow]:
        """Yield the rows that are not blank. *width* is the header's number of cells."""
        for row in self._records(width):
            yield row if row.problem or len(row.cells) == width else _fit_to_width(row, width)

    def read_records(self, header: Sequence[str]) -> Iterator[CsvRow]:
        """Yield the rows behind *header*, without those that are no records: the header again, and lines below the table."""
        header = list(header)
        first = header[0] if header else ""
        for row in self.read_rows(len(header)):
            cells = row.cells
            if (cells[0] == first and cells == header) or (row.problem is None and _is_footer(cells)):
                self.skipped_rows += 1
            else:
                yield row

    def _records(self, width: int | None) -> Iterator[CsvRow]:
        """Yield records. After one that is not acceptable, yield its first line with a problem and read its other lines again."""
        while True:
            try:
                for cells in csv.reader(self._lines(), delimiter=self._delimiter):
                    spans_lines = len(self._record_lines) > 1
                    if self._ended_inside_record or (spans_lines and not self._is_acceptable(cells, width)):
                        break
                    self._record_lines.clear()
                    if any(map(str.strip, cells)):
                        yield CsvRow(cells)
                else:
                    return
                problem = "unclosed_quote"
            except csv.Error:
                problem = "unreadable_row"
            except _RunawayError:
                problem = "unclosed_quote" if len(self._record_lines) > 1 else "row_too_large"
            yield self._split_first_line(problem)

    def _is_acceptable(self, cells: list[str], width: int | None) -> bool:
        """Return whether the current record, of several lines, is valid and its lines do not look like rows."""
        if width is None:
            return True
        try:
            is_valid = next(csv.reader(self._record_lines, delimiter=self._delimiter, strict=True)) == cells
        except csv.Error:
            return False
        look_like_rows = all(line.count(self._delimiter) == width - 1 for line in self._record_lines)
        return is_valid and len(cells) == width and not look_like_rows

    def _lines(self) -> Iterator[str]:
        """Yield the lines for one csv.reader. `_record_lines` holds those of the record that it reads."""
        size = 0
        while True:
            is_new = not self._lines_to_reread
            line = self._readline(MAX_LINE_CHARACTERS) if is_new else self._lines_to_reread.popleft()
            if not line:
                self._ended_inside_record = bool(self._record_lines)
                return
            size = size + len(line) if self._record_lines else len(line)
            self._record_lines.append(line)
            if size >= MAX_LINE_CHARACTERS or len(self._record_lines) > MAX_RECORD_LINES:
                if is_new:
                    self._skip_rest_of(line)
                raise _RunawayError
            yield line

    def _skip_rest_of(self, line: str) -> None:
        """Skip the rest of a line that is longer than any row may be."""
        while len(line) == MAX_LINE_CHARACTERS and line[-1] not in "\r\n":
            line = self._readline(MAX_LINE_CHARACTERS)

    def _split_first_line(self, problem: str) -> CsvRow:
        """Return the first line of the current record as a row. The other lines are read again."""
        first, *others = self._record_lines
        self._record_lines.clear()
        self._ended_inside_record = False
        self._lines_to_reread.extendleft(reversed(others))
        return CsvRow(first.rstrip("\r\n").split(self._delimiter), problem)
