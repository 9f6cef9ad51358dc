"""Tables that fit the terminal.

Columns are left out by priority, and an id is never folded. On a very narrow terminal, and where long texts would make the
table longer than a list of fields, it becomes such a list.
"""

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

from cli.shell.values import format_value

_COLUMN_GAP_CELLS = 2
_MIN_TEXT_COLUMN_CELLS = 12
"""Cells to which a column of words may shrink; longer words are folded."""
_MIN_TABLE_COLUMNS = 3
"""Columns that make a table; with fewer, a list of fields shows more."""


@dataclass(frozen=True, slots=True)
class _Column:
    field: str
    heading: str
    cells: list[str]
    is_numeric: bool
    is_unfoldable: bool
    """Whether its cells are never folded: ids, numbers and dates."""

    @property
    def natural_width(self) -> int:
        return max(
            cell_len(self.heading), *(cell_len(line) for cell in self.cells for line in cell.splitlines() or [""])
        )

    @property
    def min_width(self) -> int:
        if self.is_unfoldable:
            return self.natural_width
        return min(self.natural_width, max(_MIN_TEXT_COLUMN_CELLS, cell_len(self.heading)))


def fit_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    width: int,
    *,
    first: Sequence[str] = (),
    title: str | None = None,
) -> RenderableType:
    """Return a table of *rows* that is at most *width* wide, of the *columns* (field to heading).

    The columns named in *first* stay longest; of the others the last are left out first. The caption names those left out.
    """
    made = [_make_column(rows, field, heading) for field, heading in columns.items()]
    kept = sorted(made, key=lambda column: first.index(column.field) if column.field in first else len(first))
    while len(kept) > 1 and _min_table_width(kept) > width:
        kept.pop()
    shown = [column for column in made if column in kept]
    widths = _share_width(shown, max(width - _min_table_width(shown), 0))
    is_table = len(kept) >= min(_MIN_TABLE_COLUMNS, len(made))
    if not is_table or _count_table_lines(shown, widths, len(rows)) > _count_list_lines(made, width, len(rows)):
        return _make_list(made, len(rows), title)
    left_out = [column.heading for column in made if column not in kept]
    return _make_table(shown, len(rows), widths, title, left_out)


def _min_table_width(columns: list[_Column]) -> int:
    return sum(column.min_width for column in columns) + _COLUMN_GAP_CELLS * (len(columns) - 1)


def _make_column(rows: Sequence[Mapping[str, Any]], field: str, heading: str) -> _Column:
    values = [row.get(field) for row in rows]
    is_numeric = any(isinstance(value, int | float | Decimal) for value in values)
    is_id = field == "id" or field.endswith("_id")
    is_unfoldable = is_numeric or is_id or any(isinstance(value, UUID | date) for value in values)
    return _Column(field, heading, [format_value(value) for value in values], is_numeric, is_unfoldable)


def _share_width(columns: list[_Column], unused_width: int) -> dict[str, int]:
    """Return the width of each column by its field.

    Columns that need little more are widened first, so that few words are folded. The others share the rest by their length, so
    that no cell becomes much higher than its neighbours.
    """
    widths = {column.field: column.min_width for column in columns}
    for column in sorted(columns, key=lambda column: column.natural_width - column.min_width):
        if column.natural_width <= 2 * _MIN_TEXT_COLUMN_CELLS:
            more = min(column.natural_width - column.min_width, unused_width)
            unused_width -= more
            widths[column.field] += more
    while unused_width > 0 and (
        folded := [column for column in columns if widths[column.field] < column.natural_width]
    ):
        highest = max(folded, key=lambda column: column.natural_width / widths[column.field])
        widths[highest.field] += 1
        unused_width -= 1
    return widths


def _count_table_lines(columns: list[_Column], widths: Mapping[str, int], row_count: int) -> int:
    return sum(
        max(_count_lines(column.cells[number], widths[column.field]) for column in columns)
        for number in range(row_count)
    )


def _count_list_lines(columns: list[_Column], width: int, row_count: int) -> int:
    text_width = max(width - _list_label_width(columns) - 2 * _COLUMN_GAP_CELLS, 1)
    return row_count + sum(_count_lines(cell, text_width) for column in columns[1:] for cell in column.cells if cell)


def _count_lines(text: str, width: int) -> int:
    """Return about how many lines *text* needs; words that are not folded may need one more."""
    return sum(max(1, -(-cell_len(line) // width)) for line in text.splitlines() or [""])


def _list_label_width(columns: list[_Column]) -> int:
    return max(cell_len(column.heading) for column in columns)


def _make_table(
    columns: list[_Column], row_count: int, widths: Mapping[str, int], title: str | None, left_out: list[str]
) -> Table:
    made = Table(
        title=title,
        title_justify="left",
        caption=f"Left out here: {', '.join(left_out)}. A wider terminal or --json shows all." if left_out else None,
        caption_justify="left",
        box=None,
        header_style="bold",
        pad_edge=False,
        padding=(0, _COLUMN_GAP_CELLS, 0, 0),
    )
    for column in columns:
        made.add_column(
            Text(column.heading),
            justify="right" if column.is_numeric else "left",
            overflow="fold",
            no_wrap=column.is_unfoldable,
            width=widths[column.field],
        )
    for number in range(row_count):
        made.add_row(*(Text(column.cells[number]) for column in columns))
    return made


def _make_list(columns: list[_Column], row_count: int, title: str | None) -> Group:
    """Return a block for each row: the first field on a separate line, the others below it."""
    parts: list[RenderableType] = [Text(title)] if title else []
    label_width = _list_label_width(columns)
    for number in range(row_count):
        parts.append(Text(columns[0].cells[number], style="bold", no_wrap=True, overflow="ignore"))
        fields = Table.grid(padding=(0, _COLUMN_GAP_CELLS, 0, 0), pad_edge=False)
        fields.add_column(width=label_width + _COLUMN_GAP_CELLS, no_wrap=True)
        fields.add_column(overflow="fold")
        for column in columns[1:]:
            if column.cells[number]:
                fields.add_row(Text(f"  {column.heading}"), Text(column.cells[number]))
        parts.append(fields)
    return Group(*parts)
