"""The table of docs/addresses.md, row by row."""

import re
from pathlib import Path

import pytest

from common.records.addresses.normal_form import PoBoxError, UnreadableAddressError, normalise_street

TABLE = Path(__file__).parents[3] / "docs" / "addresses.md"
ROW = re.compile(r"\| (.*?) \| (.*?) ?\| (same|apart|unreadable) \| (.*?) ?\|")
ROWS = [match.groups() for line in TABLE.read_text(encoding="utf-8").splitlines() if (match := ROW.fullmatch(line))]


def read_cell(cell: str) -> tuple[str, str] | None:
    address, *unit = re.findall(r"`([^`]+)`", cell)
    try:
        return normalise_street(address, unit[0] if unit else None, "Dunedin")
    except (UnreadableAddressError, PoBoxError):
        return None


def test_every_row_of_the_table_is_read() -> None:
    rows = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(ROWS) > 120


@pytest.mark.parametrize(("a", "b", "result", "rule"), ROWS)
def test_the_table_of_addresses_holds(a: str, b: str, result: str, rule: str) -> None:
    first, second = read_cell(a), read_cell(b) if b else None
    if result == "unreadable":
        assert (first, second) == (None, None), rule
    elif result == "same":
        assert first is not None
        assert first == second, rule
    else:
        assert first is not None or second is not None
        assert first != second, rule
