"""Cells that are empty because they were merged with the cells above: filled only where a profile says so.

Without the rule `fill_down` such a row has no city, so it is rejected. A guess could give one home the place of another.
"""

from collections.abc import Iterator, Sequence

from common.csv.reader import CsvRow
from common.records.file_mapping import FileMapping
from common.records.file_profile import MergedGroup

_FIELDS: dict[MergedGroup, frozenset[str]] = {
    "place": frozenset({"property_city", "property_state", "property_zip", "county", "fips"}),
    "owner": frozenset(
        {
            "owner_names", "owner2_name", "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name",
            "company_name", "mailing_address", "mailing_unit", "mailing_city", "mailing_state", "mailing_zip", "mailing_line",
            "mailing_place", "do_not_mail", "deceased_owner", "litigator", "do_not_contact",
        }
    ),
}  # fmt: skip
"""Fields of each group. Phones and emails belong to none: they are never copied to another home."""


def fill_merged_cells(rows: Iterator[CsvRow], mapping: FileMapping, names: Sequence[str]) -> Iterator[CsvRow]:
    """Yield *rows*; a group whose cells are all empty gets those of the row above.

    Below a row that cannot be read, nothing is filled until the group has content again.
    """
    groups = [
        [names.index(column.header) for column in mapping.columns if column.field in _FIELDS[group]]
        for group in mapping.rules.fill_down
    ]
    return _fill(rows, [group for group in groups if group]) if any(groups) else rows


def _fill(rows: Iterator[CsvRow], groups: list[list[int]]) -> Iterator[CsvRow]:
    above: list[list[str] | None] = [None] * len(groups)
    for row in rows:
        if row.problem is not None:
            above = [None] * len(groups)
            yield row
            continue
        cells = list(row.cells)
        for number, group in enumerate(groups):
            found = [cells[position] for position in group]
            held = above[number]
            if any(map(str.strip, found)):
                above[number] = found
            elif held is not None:
                for position, cell in zip(group, held, strict=True):
                    cells[position] = cell
        yield CsvRow(cells)
