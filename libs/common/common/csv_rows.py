"""Rows of a CSV file, one after another in bounded memory, each as it came or with what is wrong with it.

A row is never silently misread. Quotes may hold line breaks, but a quote that was never meant as one must not swallow
the rows behind it: a record of several lines is believed only when it is flawless, has as many cells as the header, and
its lines do not look like rows themselves. Otherwise its first line is a row with a problem, and reading goes on at the
second.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

MAX_LINE = 1_000_000
MAX_RECORD_LINES = 100
csv.field_size_limit(2 * MAX_LINE)

_EXCEL_HINT = re.compile(r"sep=.?")


class Row(NamedTuple):
    """A row's cells as they came, and the code of what is wrong with it, if anything is."""

    cells: list[str]
    problem: str | None = None


class _RunawayError(Exception):
    """A record does not come to its end within bounds."""


def open_text(file: Path, encoding: str) -> TextIO:
    """The file's text with its line ends as they are; bytes that are not UTF-8 become lone surrogates."""
    errors = "surrogateescape" if encoding.startswith("utf-8") else "strict"
    return file.open(encoding=encoding, errors=errors, newline="")


def _fitted(row: Row, width: int) -> Row:
    """The row with *width* cells: missing trailing ones are empty; surplus ones are a problem where they have content."""
    if len(row.cells) < width:
        return Row([*row.cells, *[""] * (width - len(row.cells))])
    if any(map(str.strip, row.cells[width:])):
        return Row(row.cells, "too_many_cells")
    return Row(row.cells[:width])


class Reader:
    """Reads a text that `open_text` opened: first the header, then the rows."""

    def __init__(self, text: TextIO, delimiter: str) -> None:
        self._readline = text.readline
        self._delimiter = delimiter
        self._again: deque[str] = deque()
        self._taken: list[str] = []
        self._ended = False

    def header(self) -> list[str]:
        """The cells of the first row that is not blank and not Excel's `sep=;`; none in an empty file."""
        for cells, _ in self._records(None):
            if not _EXCEL_HINT.fullmatch(cells[0]) or any(cells[1:]):
                return cells
        return []

    def rows(self, width: int) -> Iterator[Row]:
        """The rows, without blank ones; *width* is the header's number of cells."""
        for row in self._records(width):
            yield row if row.problem or len(row.cells) == width else _fitted(row, width)

    def _records(self, width: int | None) -> Iterator[Row]:
        while True:
            try:
                for cells in csv.reader(self._lines(), delimiter=self._delimiter):
                    if self._ended or (len(self._taken) > 1 and not self._is_believed(cells, width)):
                        break
                    self._taken.clear()
                    if any(map(str.strip, cells)):
                        yield Row(cells)
                else:
                    return
                problem = "unclosed_quote"
            except csv.Error:
                problem = "unreadable_row"
            except _RunawayError:
                problem = "unclosed_quote" if len(self._taken) > 1 else "row_too_large"
            yield self._first_line(problem)

    def _is_believed(self, cells: list[str], width: int | None) -> bool:
        """Whether the record in hand, of several lines, was meant as one."""
        if width is None:
            return True
        try:
            flawless = next(csv.reader(self._taken, delimiter=self._delimiter, strict=True)) == cells
        except csv.Error:
            return False
        like_rows = all(line.count(self._delimiter) == width - 1 for line in self._taken)
        return flawless and len(cells) == width and not like_rows

    def _lines(self) -> Iterator[str]:
        """The lines for one csv.reader; `_taken` are those of the record it is reading."""
        size = 0
        while True:
            fresh = not self._again
            line = self._readline(MAX_LINE) if fresh else self._again.popleft()
            if not line:
                self._ended = bool(self._taken)
                return
            size = size + len(line) if self._taken else len(line)
            self._taken.append(line)
            if size >= MAX_LINE or len(self._taken) > MAX_RECORD_LINES:
                if fresh:
                    self._skip_rest_of(line)
                raise _RunawayError
            yield line

    def _skip_rest_of(self, line: str) -> None:
        """Leave out what follows of a line that is longer than any row may be."""
        while len(line) == MAX_LINE and line[-1] not in "\r\n":
            line = self._readline(MAX_LINE)

    def _first_line(self, problem: str) -> Row:
        """The first line of the record in hand as a row of its own; the others are read again."""
        first, *others = self._taken
        self._taken.clear()
        self._ended = False
        self._again.extendleft(reversed(others))
        return Row(first.rstrip("\r\n").split(self._delimiter), problem)
