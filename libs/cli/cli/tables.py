"""Tables that fit the terminal: columns leave by priority, an id is never folded, and very narrow ones become lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.values import plain

_GAP = 2
_NARROWEST = 10
"""Cells that a column of words may shrink to; longer words are folded."""
_FEWEST = 3
"""Columns that make a table; with fewer, a list of fields says more."""


@dataclass(frozen=True, slots=True)
class _Column:
    field: str
    heading: str
    cells: list[str]
    numeric: bool
    whole: bool
    """Whether its cells are never folded: ids, numbers and dates."""

    @property
    def natural(self) -> int:
        return max(
            cell_len(self.heading), *(cell_len(line) for cell in self.cells for line in cell.splitlines() or [""])
        )

    @property
    def least(self) -> int:
        return self.natural if self.whole else min(self.natural, max(_NARROWEST, cell_len(self.heading)))


def fitted(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    width: int,
    *,
    first: Sequence[str] = (),
    title: str | None = None,
) -> RenderableType:
    """Make a table of *rows* that is at most *width* wide, of the *columns* (field to heading).

    The columns named in *first* stay longest; of the others the last leave first. Below the table stands which are left out.
    """
    made = [_column(rows, field, heading) for field, heading in columns.items()]
    order = sorted(made, key=lambda column: first.index(column.field) if column.field in first else len(first))
    kept = order[:]
    while len(kept) > 1 and sum(column.least for column in kept) + _GAP * (len(kept) - 1) > width:
        kept.pop()
    if len(kept) < min(_FEWEST, len(made)):
        return _list(made, len(rows), title)
    shown = [column for column in made if column in kept]
    left_out = [column.heading for column in made if column not in kept]
    return _table(shown, len(rows), width, title, left_out)


def _column(rows: Sequence[Mapping[str, Any]], field: str, heading: str) -> _Column:
    values = [row.get(field) for row in rows]
    numeric = any(isinstance(value, int | float | Decimal) for value in values)
    whole = numeric or field == "id" or field.endswith("_id") or any(isinstance(value, UUID | date) for value in values)
    return _Column(field, heading, [plain(value) for value in values], numeric, whole)


def _table(columns: list[_Column], many: int, width: int, title: str | None, left_out: list[str]) -> Table:
    made = Table(
        title=title,
        title_justify="left",
        caption=f"Left out here: {', '.join(left_out)}. A wider terminal or --json shows all." if left_out else None,
        caption_justify="left",
        box=None,
        header_style="bold",
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
    )
    spare = width - sum(column.least for column in columns) - _GAP * (len(columns) - 1)
    for column in columns:
        more = min(column.natural - column.least, max(spare, 0))
        spare -= more
        made.add_column(
            Text(column.heading),
            justify="right" if column.numeric else "left",
            overflow="fold",
            no_wrap=column.whole,
            width=column.least + more,
        )
    for number in range(many):
        made.add_row(*(Text(column.cells[number]) for column in columns))
    return made


def _list(columns: list[_Column], many: int, title: str | None) -> Group:
    """Make a block for each row: the first field on a line to itself, the others below it."""
    parts: list[RenderableType] = [Text(title)] if title else []
    label = max(cell_len(column.heading) for column in columns)
    for number in range(many):
        parts.append(Text(columns[0].cells[number], style="bold", no_wrap=True, overflow="ignore"))
        parts += [
            Text(f"  {column.heading:<{label}}  {column.cells[number]}", overflow="fold")
            for column in columns[1:]
            if column.cells[number]
        ]
    return Group(*parts)
