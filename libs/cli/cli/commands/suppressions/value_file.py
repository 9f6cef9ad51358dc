"""Values of a file of addresses and numbers to suppress, line by line: one column of values, or a registry's two columns."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Literal

from common.compliance.gate import Channel
from common.pii.contact_values import email_address, phone_number

MAX_LINE_CHARACTERS = 10_000
_AREA_CODE_DIGITS, _LOCAL_DIGITS = 3, 7
_FEWEST_DIGITS_OF_VALUE = 7

LineProblem = Literal["no_address_or_number", "several_values", "too_long", "unreadable"]
PROBLEM_TEXTS: dict[LineProblem, str] = {
    "no_address_or_number": "no email address and no phone number of the United States",
    "several_values": "more than one address or number: give a file with one column of them",
    "too_long": f"more than {MAX_LINE_CHARACTERS:,} characters",
    "unreadable": "not a line of a CSV file",
}


@dataclass(frozen=True, slots=True)
class FileValue:
    """Value of one line, in normal form."""

    line: int
    channel: Channel
    value: str


@dataclass(frozen=True, slots=True)
class BadLine:
    """Line without one value. Its text is not kept: it may be an address or a number."""

    line: int
    problem: LineProblem


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """First line, where it has names of columns and no value."""

    line: int


Entry = FileValue | BadLine | HeaderLine


def read_lines(file: IO[str]) -> Iterator[str | None]:
    """Yield the lines of *file*; None for one that is too long to be kept in memory."""
    while line := file.readline(MAX_LINE_CHARACTERS + 2):
        if len(line.rstrip("\r\n")) <= MAX_LINE_CHARACTERS:
            yield line
            continue
        while line and not line.endswith(("\n", "\r")):
            line = file.readline(MAX_LINE_CHARACTERS)
        yield None


def read_values(lines: Iterable[str | None]) -> Iterator[Entry]:
    """Yield an entry for each line that is not empty. Each line is read alone, so an open quote does not swallow the next."""
    is_first = True
    for number, line in enumerate(lines, 1):
        cells = None if line is None else _split_cells(line)
        if cells == []:
            continue
        if line is None:
            yield BadLine(number, "too_long")
        elif cells is None:
            yield BadLine(number, "unreadable")
        elif is_first and not any(map(_may_be_value, cells)):
            yield HeaderLine(number)
        else:
            yield _read_cells(number, cells)
        is_first = False


def _split_cells(line: str) -> list[str] | None:
    """Return the cells that are not empty; None if it is no line of a CSV file."""
    try:
        rows = list(csv.reader([line.replace("\0", "").rstrip("\r\n")]))
    except csv.Error:
        return None
    return [text for row in rows for cell in row if (text := cell.strip().strip("\ufeff").strip())]


def _may_be_value(cell: str) -> bool:
    return "@" in cell or sum(character.isdigit() for character in cell) >= _FEWEST_DIGITS_OF_VALUE


def _read_cells(line: int, cells: list[str]) -> FileValue | BadLine:
    if _is_registry_line(cells):
        cells = ["".join(cells[:2])]
    found = set(filter(None, map(read_value, cells)))
    if len(found) != 1:
        return BadLine(line, "several_values" if found else "no_address_or_number")
    [(channel, value)] = found
    return FileValue(line, channel, value)


def _is_registry_line(cells: list[str]) -> bool:
    """Return whether a line has area code and number in two columns, as the national registry exports them."""
    return [len(cell) for cell in cells[:2]] == [_AREA_CODE_DIGITS, _LOCAL_DIGITS] and all(
        cell.isascii() and cell.isdigit() for cell in cells[:2]
    )


def read_value(text: str) -> tuple[Channel, str] | None:
    """Return channel and normal form of an address or number, as the pipeline hashes it; None if it is neither."""
    if "@" in text:
        email = email_address(text)
        return ("email", email) if email else None
    phone = phone_number(text)
    return ("phone", phone) if phone else None
