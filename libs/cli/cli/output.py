"""What the commands print: tables for people, JSON for programs. Only results go to stdout.

Colour and width follow the terminal; NO_COLOR is honoured, and what is piped gets plain text that is not cut.
"""

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table

from cli.tables import fitted
from cli.typed import as_typed
from cli.values import plain, safe

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else, on stdout.")]

_PIPED_WIDTH = 100_000
"""Wider than any table: what is piped is neither folded nor cut."""


def console(*, stderr: bool = False) -> Console:
    """A console for results, or for everything that is said by the way."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPED_WIDTH,
        highlight=False,
        emoji=False,
        soft_wrap=not stream.isatty(),
    )


def say(text: str) -> None:
    """Tell the user something that is not the result."""
    console(stderr=True).print(safe(as_typed(text)), markup=False)


def print_json(value: object) -> None:
    """*value* as one JSON document on stdout."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(value, default=_plain, option=options).decode() + "\n")


def done(told: str, fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Say that something is done: in words, or as JSON."""
    if as_json:
        print_json(fields)
    else:
        say(told)


def show_rows(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    empty: str,
    first: Sequence[str] = (),
) -> None:
    """Print *rows*: all of them as JSON, or the *columns* (field to heading) as a table.

    Where the terminal is too narrow for all columns, those named in *first* stay longest.
    """
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table(rows, columns, first=first))
    else:
        console().print(as_typed(empty), markup=False)


def show_fields(fields: Mapping[str, Any], *, as_json: bool) -> None:
    """Print one thing with a line for each field that has a value."""
    if as_json:
        print_json(fields)
        return
    grid = Table.grid(padding=(0, 2))
    for name, value in fields.items():
        if value not in (None, "", [], {}):
            grid.add_row(f"[bold]{name.replace('_', ' ')}[/bold]", text(value))
    console().print(grid)


def table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], title: str | None = None, first: Sequence[str] = ()
) -> RenderableType:
    """A table of *rows* that fits the terminal; numbers stand to the right."""
    return fitted(rows, columns, console().width, first=first, title=title)


def text(value: object) -> str:
    """*value* as a person reads it, safe from being taken for markup."""
    return escape(plain(value))


def size(count: int) -> str:
    """A number of bytes as a person reads it."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 - decimal units
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return float(value)
        case bytes():
            return value.hex()
        case set() | frozenset():
            return sorted(value)
        case _:
            return str(value)
