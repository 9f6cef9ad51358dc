"""Merged cells are filled where a profile says so, and nowhere else."""

from collections.abc import Iterator

import pytest

from common.csv.reader import CsvRow
from common.records.file_mapping import FileMapping
from common.records.file_profile import FileProfile, MergedGroup, RowRules
from common.records.merged_cells import fill_merged_cells

NAMES = ["Owner Name", "Do Not Mail", "Mailing City", "Phone 1", "Address", "City", "State", "Zip"]
FILLED = ["Holt Ann", "X", "Tampa", "7275550142", "1 Oak St", "Dunedin", "FL", "34698"]
BELOW = ["", "", " ", "", "2 Oak St", "", "", ""]


def fill(rows: list[CsvRow], *groups: MergedGroup) -> list[CsvRow]:
    profile = FileProfile(name="roll", title="Roll", rules=RowRules(fill_down=groups))
    found: Iterator[CsvRow] = fill_merged_cells(iter(rows), FileMapping.resolve(NAMES, profile), NAMES)
    return list(found)


def test_without_the_rule_nothing_changes() -> None:
    rows = [CsvRow(FILLED), CsvRow(BELOW)]
    assert fill(rows) == rows


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (("place",), ["", "", " ", "", "2 Oak St", "Dunedin", "FL", "34698"]),
        (("owner",), ["Holt Ann", "X", "Tampa", "", "2 Oak St", "", "", ""]),
        (("place", "owner"), ["Holt Ann", "X", "Tampa", "", "2 Oak St", "Dunedin", "FL", "34698"]),
    ],
)
def test_an_empty_group_gets_the_cells_above_and_never_a_contact(
    groups: tuple[MergedGroup, ...], expected: list[str]
) -> None:
    assert fill([CsvRow(FILLED), CsvRow(BELOW), CsvRow(BELOW)], *groups)[1:] == [CsvRow(expected)] * 2


def test_a_group_with_any_content_is_complete() -> None:
    other = [*FILLED[:5], "Tampa", "", ""]
    rows = fill([CsvRow(FILLED), CsvRow(other), CsvRow([*FILLED[:5], "", "", ""])], "place")
    assert [row.cells[5:] for row in rows] == [["Dunedin", "FL", "34698"], ["Tampa", "", ""], ["Tampa", "", ""]]


def test_nothing_is_filled_at_the_start_and_below_a_row_that_cannot_be_read() -> None:
    rows = [CsvRow(BELOW), CsvRow(FILLED), CsvRow(["x"], "unclosed_quote"), CsvRow(BELOW)]
    assert fill(rows, "place", "owner") == rows
