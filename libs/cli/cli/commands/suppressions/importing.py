"""`equity suppressions import`: a file of any length, in transactions of some hundred values, and again without effect."""

import codecs
import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Any

from cli.commands.suppressions.value_file import (
    PROBLEM_TEXTS,
    BadLine,
    Entry,
    FileValue,
    HeaderLine,
    read_lines,
    read_values,
)
from cli.commands.suppressions.writing import Effect, Suppression, suppress_values
from cli.shell.database import OPERATOR, Connection, connect, service_dsn
from cli.shell.progress import ProgressBar, show_byte_progress
from common.compliance.gate import Channel
from common.pii.keyring import Keyring

IMPORT_PAGE_SIZE = 500
"""Values of one transaction. It locks each of them (`max_locks_per_transaction`)."""
MAX_LISTED_LINES = 1_000
_CHANNELS: tuple[Channel, ...] = ("email", "phone")


@dataclass(slots=True)
class ImportResult:
    """Counts of an import, and the first lines that have no value."""

    counts: Counter[str] = field(default_factory=Counter)
    effect: Effect = field(default_factory=Effect)
    bad_lines: list[BadLine] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return counts and lines as the command prints them."""
        lines = [{"line": bad.line, "problem": PROBLEM_TEXTS[bad.problem]} for bad in self.bad_lines]
        return {
            "added": self.effect.added,
            "already": self.counts["values"] - self.effect.added,
            "refused": self.counts["refused"],
            "header_lines": self.counts["header"],
            "leads": self.effect.leads,
            "memberships": self.effect.memberships,
            "consents": self.effect.consents,
            "lines": lines,
            "lines_left_off": self.counts["refused"] - len(lines),
        }


@dataclass(frozen=True, slots=True)
class Import:
    """Import of one file. *refused* is a file for the numbers of all refused lines."""

    path: Path
    suppression: Suppression
    keyring: Keyring
    refused: Path | None
    is_dry_run: bool


async def import_file(job: Import) -> ImportResult:
    """Suppress every value of a file. A page that is committed stays, so an interrupted import is repeated."""
    result = ImportResult()
    with ExitStack() as stack:
        file = stack.enter_context(_open_text(job.path))
        refused = stack.enter_context(_open_refused(job.refused)) if job.refused else None
        bar = stack.enter_context(show_byte_progress("import", job.path.stat().st_size))
        entries = read_values(_show_progress(file, bar))
        async with connect(service_dsn(OPERATOR)) as connection:
            while page := list(islice(entries, IMPORT_PAGE_SIZE)):
                await _import_page(connection, page, job, result)
                _list_refused(page, refused, result)
    return result


def _open_text(path: Path) -> IO[str]:
    """Open a file of UTF-8, or of UTF-16 as spreadsheets mark it. Bytes that are none make their line a refused one."""
    with path.open("rb") as file:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return path.open(encoding="utf-16" if is_utf16 else "utf-8", errors="replace", newline=None)


def _open_refused(path: Path) -> IO[str]:
    file = path.open("w", encoding="utf-8", newline="")
    file.write("line,problem\n")
    return file


def _show_progress(file: IO[str], bar: ProgressBar) -> Iterator[str | None]:
    for line in read_lines(file):
        yield line
        bar.advance_to(file.buffer.tell())  # type: ignore[attr-defined]


async def _import_page(connection: Connection, page: list[Entry], job: Import, result: ImportResult) -> None:
    values = [entry for entry in page if isinstance(entry, FileValue)]
    hashes = {
        channel: sorted({job.keyring.hash_contact(entry.value) for entry in values if entry.channel == channel})
        for channel in _CHANNELS
    }
    result.effect += await suppress_values(connection, hashes, job.suppression, is_dry_run=job.is_dry_run)
    result.counts["values"] += len(values)


def _list_refused(page: list[Entry], refused: IO[str] | None, result: ImportResult) -> None:
    bad = [entry for entry in page if isinstance(entry, BadLine)]
    result.counts["refused"] += len(bad)
    result.counts["header"] += sum(isinstance(entry, HeaderLine) for entry in page)
    result.bad_lines += bad[: MAX_LISTED_LINES - len(result.bad_lines)]
    if refused:
        csv.writer(refused, lineterminator="\n").writerows((entry.line, PROBLEM_TEXTS[entry.problem]) for entry in bad)
