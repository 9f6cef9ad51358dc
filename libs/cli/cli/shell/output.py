"""Output of commands: tables for people, JSON for programs. Only results go to stdout.

Colour and width follow the terminal; NO_COLOR is honoured. Output into a pipe is plain text that is not cut.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Protocol

import orjson
import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from cli.shell.tables import fit_table
from cli.shell.typed_commands import as_typed
from cli.shell.values import escape_control_characters, escape_json_text, format_value

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else, on stdout.")]


class DataclassRow(Protocol):
    """Instance of a dataclass, such as a row of a statement."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


_PIPED_WIDTH = 100_000
"""Columns of a pipe. Wider than any table, so that it is neither folded nor cut."""


def new_console(*, stderr: bool = False) -> Console:
    """Return a console for results, or with *stderr* for all other messages."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPED_WIDTH,
        highlight=False,
        emoji=False,
        soft_wrap=not stream.isatty(),
    )


def print_message(text: str) -> None:
    """Print a message that is not the result, on stderr."""
    new_console(stderr=True).print(escape_control_characters(as_typed(text)), markup=False)


def print_json(value: object) -> None:
    """Print *value* as one JSON document on stdout. Characters that control a terminal are escaped."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    text = orjson.dumps(value, default=_to_json_value, option=options).decode()
    sys.stdout.write(escape_json_text(text) + "\n")


def print_done(message: str, fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Report that a command has done its work: by *message*, or by *fields* as JSON."""
    if as_json:
        print_json(fields)
    else:
        print_message(message)


def to_fields(row: Mapping[str, Any] | DataclassRow) -> dict[str, Any]:
    """Return the fields of *row* by name."""
    return dict(row) if isinstance(row, Mapping) else {field.name: getattr(row, field.name) for field in fields(row)}


def print_rows(
    rows: Sequence[Mapping[str, Any] | DataclassRow],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    empty: str,
    first: Sequence[str] = (),
) -> None:
    """Print *rows*: all of them as JSON, or the *columns* (field to heading) as a table, or *empty* where there are none.

    Where the terminal is too narrow for all columns, those named in *first* stay longest.
    """
    if as_json:
        print_json(rows)
    elif rows:
        new_console().print(make_table(rows, columns, first=first))
    else:
        new_console().print(as_typed(empty), markup=False)


def print_fields(row: Mapping[str, Any] | DataclassRow, *, as_json: bool) -> None:
    """Print one record, a line for each field that has a value."""
    if as_json:
        print_json(row)
        return
    grid = Table.grid(padding=(0, 2))
    for name, value in to_fields(row).items():
        if value not in (None, "", [], {}):
            grid.add_row(f"[bold]{name.replace('_', ' ')}[/bold]", format_without_markup(value))
    new_console().print(grid)


def make_table(
    rows: Sequence[Mapping[str, Any] | DataclassRow],
    columns: Mapping[str, str],
    title: str | None = None,
    first: Sequence[str] = (),
) -> RenderableType:
    """Return a table of *rows* that fits the terminal, with numbers on the right of their columns."""
    return fit_table([to_fields(row) for row in rows], columns, new_console().width, first=first, title=title)


def format_without_markup(value: object) -> str:
    """Return *value* as a person reads it, escaped so that rich takes none of it for markup."""
    return escape(format_value(value))


def format_bytes(count: int) -> str:
    """Return a number of bytes as a person reads it, in decimal units."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _to_json_value(value: object) -> object:
    match value:
        case Decimal():
            return float(value)
        case bytes():
            return value.hex()
        case set() | frozenset():
            return sorted(value)
        case _:
            return str(value)
