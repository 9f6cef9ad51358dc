"""What the commands print: tables for people, JSON for programs. Only results go to stdout.

Colour and width follow the terminal; NO_COLOR is honoured, and what is piped gets plain text that is not cut.
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else, on stdout.")]

_PIPED_WIDTH = 200


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
    console(stderr=True).print(text, markup=False)


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


def show_rows(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool, empty: str) -> None:
    """Print *rows*: all of them as JSON, or the *columns* (field to heading) as a table."""
    if as_json:
        print_json(rows)
    elif rows:
        console().print(table(rows, columns))
    else:
        console().print(empty)


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


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], title: str | None = None) -> Table:
    """A table of *rows*; numbers stand to the right."""
    made = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for field, heading in columns.items():
        numeric = any(isinstance(row.get(field), int | float | Decimal) for row in rows)
        made.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        made.add_row(*(text(row.get(field)) for field in columns))
    return made


def text(value: object) -> str:  # noqa: PLR0911 - one line a case
    """*value* as a person reads it, safe from being taken for markup."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
        case float() | Decimal():
            return f"{value:,.1f}"
        case int():
            return f"{value:,}"
        case Mapping():
            return escape(", ".join(f"{name} {text(held)}" for name, held in _larger_first(value)))
        case list() | tuple():
            return escape(", ".join(map(str, value)))
        case _:
            return escape(str(value))


def _larger_first(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The items; of counts the larger ones first."""
    counts = all(isinstance(held, int) for held in value.values())
    return sorted(value.items(), key=lambda item: (-item[1], item[0])) if counts else list(value.items())


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
