"""Headers that forbid contact, in every spelling, as docs/protective-columns.md states them."""

import re
from pathlib import Path

import pytest

from common.protection import protection_of

PAGE = Path(__file__).parents[3] / "docs" / "protective-columns.md"
ROWS = re.findall(r"^\| `([^`]+)` \| (\w+)(?: (\d+))? \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("header", "subject", "number"), ROWS)
def test_a_header_is_read_as_the_page_says(header: str, subject: str, number: str) -> None:
    for spelling in (
        header,
        header.upper(),
        header.replace(" ", "_"),
        header.replace(" ", ""),
        header.replace(" ", "-"),
    ):
        found = protection_of(spelling)
        expected = None if subject == "none" else (subject, int(number or 0))
        assert (found and (found.subject, found.number)) == expected, spelling


def test_the_page_has_a_table() -> None:
    assert {subject for _, subject, _ in ROWS} >= {"row", "phones", "emails", "litigator", "unreadable", "none"}
