"""Checks of a file before it is sent: whether it is CSV at all, and the dry run, which says what would become of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.client.access import GatewayAccess
from cli.shell import progress
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import format_bytes, make_table, new_console, print_fields, print_json, print_message
from common.csv.dialect import NotCsvError, require_text
from common.records.file_check import FileCheck, FileChecker
from common.records.file_profile import FileProfile, ProfileError, built_in_profiles, read_renamed, split_renamed
from common.records.file_reading import UnusableFileError, read_file_form

MAX_GATEWAY_DRY_RUN_BYTES = 10_000_000
"""Largest file that the gateway checks. A larger one is checked on this machine."""
_MAX_REJECTED_SHOWN = 10
_MAX_HEADER_SHOWN = 36
_MAX_EXAMPLE_SHOWN = 24
"""Characters that a table shows. `--json` has the whole texts."""


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """Options that say how the columns of a file are read."""

    profile: str | None
    renamed: Sequence[str]
    """Pairs such as `SITUS_ADDR=address`."""
    save_as: str | None

    def to_query(self) -> list[tuple[str, str]]:
        """Return the query parameters of an upload."""
        named = (("profile", self.profile), ("save_profile", self.save_as))
        return [(name, value) for name, value in named if value] + [("map", pair) for pair in self.renamed]


def require_csv_file(file: Path) -> int:
    """Return the size of *file* in bytes. Raises a CliError for a file that is certainly no CSV."""
    try:
        size = file.stat().st_size
        require_text(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    except NotCsvError as error:
        raise CommandRefusedError(f"{file}: {error.detail}") from error
    return size


async def check_file(
    access: GatewayAccess, file: Path, size: int, query: Sequence[tuple[str, str]], options: ColumnOptions
) -> FileCheck:
    """Return what would become of *file*: as the gateway says or, for a large one, as read on this machine."""
    if size <= MAX_GATEWAY_DRY_RUN_BYTES:
        async with access.open_client() as gateway:
            with progress.show_byte_progress("sending for a dry run", size) as sent:
                answer = await gateway.check_file(file, size, query, sent.advance_by)
        return FileCheck.model_validate(answer)
    print_message(
        f"The file has more than {format_bytes(MAX_GATEWAY_DRY_RUN_BYTES)}: it is checked on this machine, without an estimate."
    )
    return await asyncio.to_thread(_check_on_this_machine, file, options)


def _check_on_this_machine(file: Path, options: ColumnOptions) -> FileCheck:
    try:
        renamed = read_renamed(map(split_renamed, options.renamed))
        form = read_file_form(file, _find_profile(options.profile), renamed)
    except ProfileError as error:
        raise UsageError(f"{error}.") from error
    except UnusableFileError as error:
        raise CommandRefusedError(f"{file} would be refused: {error.detail}") from error
    return FileChecker(form, datetime.now(UTC).date()).check(file)


def _find_profile(name: str | None) -> FileProfile | None:
    profiles = built_in_profiles()
    if name is not None and name not in profiles:
        raise UsageError(
            f"`{name}` is no profile of the product, and a file of this size is checked on this machine.",
            "Check the first part of the file, or name one of: " + ", ".join(sorted(profiles)),
        )
    return profiles[name] if name else None


def require_small_loss(check: FileCheck, max_percent: float) -> None:
    """Raise CommandRefusedError if the file would lose more than *max_percent* of its rows, or values in them."""
    if check.loss_percent > max_percent:
        raise CommandRefusedError(
            f"{check.rows_with_loss} of {check.rows} rows ({check.loss_percent:.1f} %) would be rejected or lose a value; "
            f"--strict allows {max_percent:g} %.",
            "`--dry-run` shows which; nothing was sent.",
        )


def print_file_check(check: FileCheck, *, as_json: bool) -> None:
    """Print the result of a dry run on stdout."""
    if as_json:
        print_json(check.model_dump(mode="json"))
        return
    print_fields(_summarise(check), as_json=False)
    print_columns(check)
    if check.rejected_rows:
        rows = [{"row": one.row, "why": one.detail or ", ".join(one.reasons)} for one in check.rejected_rows]
        console = new_console()
        console.print(make_table(rows[:_MAX_REJECTED_SHOWN], {"row": "row", "why": "would be rejected because"}))
        if check.rejected > _MAX_REJECTED_SHOWN:
            print_message(f"{check.rejected - _MAX_REJECTED_SHOWN} more rows would be rejected.")
    print_message("This was a dry run: nothing was stored.")


def print_columns(check: FileCheck) -> None:
    """Print what becomes of each column with content; name the empty ones."""
    rows = [
        {
            "column": _shorten(one.column, _MAX_HEADER_SHOWN),
            "field": one.field or "not used",
            "example": _shorten(one.example, _MAX_EXAMPLE_SHOWN),
            "values": one.values,
            "unreadable": one.unreadable or None,
        }
        for one in check.columns
        if one.values or one.field
    ]
    headings = {
        "column": "column",
        "field": "read as",
        "example": "example",
        "values": "values",
        "unreadable": "unreadable",
    }
    new_console().print(make_table(rows, headings, first=("column", "field", "unreadable")))
    if empty := [one.column for one in check.columns if not (one.values or one.field)]:
        print_message(f"Columns without content that are not used: {len(empty)}.")


def _shorten(text: str, max_characters: int) -> str:
    """Return *text* in one line, cut behind *max_characters*."""
    line = " ".join(text.split())
    return line if len(line) <= max_characters else f"{line[: max_characters - 1]}…"


def _summarise(check: FileCheck) -> Mapping[str, object]:
    estimate = check.estimate
    return {
        "encoding": check.encoding,
        "delimiter": "tab" if check.delimiter == "\t" else check.delimiter,
        "profile": f"{check.profile}, version {check.profile_version}",
        "title_rows": check.title_rows or None,
        "rows": check.rows,
        "skipped_rows": check.skipped_rows or None,
        "rejected": check.rejected,
        "rows_with_loss": f"{check.rows_with_loss} ({check.loss_percent:.1f} %)",
        "new": estimate and estimate.new,
        "known": estimate and estimate.known,
        "repeated": estimate and estimate.repeated,
    }
