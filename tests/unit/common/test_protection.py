"""Headers of protective columns, in every spelling: docs/protective-columns.md matches the code."""

import re
import time
from pathlib import Path

import pytest

from common.compliance.protective_columns import protection_of, remarks_of

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


@pytest.mark.parametrize(
    "word",
    [
        "cellphone", "telephone", "phone number", "email address", "home owner", "alternate", "national", "internal", "person", "date on",
        "first name", "probate filing date", "opted out of email", "remove from list", "exclude from campaign", "text status",
    ],
)  # fmt: skip
def test_a_header_that_repeats_a_word_is_read_quickly(word: str) -> None:
    start = time.perf_counter()
    for header in (word * 60 + "dncx", "dnc" + word * 60 + "x", word * 60 + "notesx"):
        protection_of(header)
        remarks_of(header)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "header",
    [
        "Lists",
        "Marketing Lists",
        "Tag Names",
        "Property Tags",
        "Subscription Status",
        "Last Reply",
        "Call Dispo",
        "Lead Stage",
    ],
)
def test_lists_and_tags_are_columns_of_free_text_about_the_row(header: str) -> None:
    found = remarks_of(header)
    assert found
    assert found.subject == "row"
