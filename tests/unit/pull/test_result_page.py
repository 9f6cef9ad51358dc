"""Interpretation of a page, and the end of a round."""

from datetime import date
from typing import Any

import pytest

from pull.cursor import ResultCursor
from pull.outcomes import PullOutcome
from pull.result_page import PagePosition, ResultPage, interpret_page

TODAY = date(2026, 11, 21)


def property_entry(number: int) -> dict[str, Any]:
    return {
        "_id": f"id{number}",
        "address": {"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"},
    }


def interpret(
    entries: list[Any],
    results_found: int | None,
    cursor: ResultCursor | None = None,
    last_page: bytes | None = None,
    empty_pages: int = 0,
) -> ResultPage:
    before = PagePosition(cursor or ResultCursor(), last_page, empty_pages)
    return interpret_page(before, entries, results_found, TODAY, None)


def test_a_page_that_repeats_a_property_is_paid_in_full_and_skips_no_other() -> None:
    page = interpret([property_entry(1), property_entry(2), property_entry(1)], 9)
    assert (page.entries, len(page.records), page.repeats, page.position.cursor.skip) == (3, 2, 1, 2)


def test_an_entry_that_is_no_property_is_rejected_alone() -> None:
    page = interpret([property_entry(1), {"_id": "x"}, None, property_entry(2)], 9)
    assert (len(page.records), [one.reason for one in page.rejects]) == (2, ["missing_address", "not_an_object"])
    assert page.position.cursor.skip == 4


@pytest.mark.parametrize(
    ("entries", "results_found", "before", "empty_pages", "outcome"),
    [
        ([1, 2], 2, ResultCursor(), 0, PullOutcome.FINISHED),
        ([1, 2], 3, ResultCursor(), 0, None),
        ([1, 2], None, ResultCursor(), 0, None),
        ([], None, ResultCursor(), 0, PullOutcome.FINISHED),
        ([], 0, ResultCursor(), 0, PullOutcome.FINISHED),
        ([], 2, ResultCursor(((2, None),), 2), 0, PullOutcome.FINISHED),
        ([], 2, ResultCursor(((2, None),), 3), 0, None),  # the third result may now be the second
        ([], 5, ResultCursor(((2, None),), 5), 0, PullOutcome.EMPTY_PAGE),
        ([], None, ResultCursor(((2, None),), 5), 1, PullOutcome.EMPTY_PAGE),
        ([], 5, ResultCursor(((2, None),), 5), 2, PullOutcome.ENDED_EARLY),
    ],
)
def test_each_page_says_whether_the_round_continues(
    entries: list[int], results_found: int | None, before: ResultCursor, empty_pages: int, outcome: PullOutcome | None
) -> None:
    page = interpret([property_entry(number) for number in entries], results_found, before, None, empty_pages)
    assert page.outcome is outcome


def test_the_same_page_twice_means_that_the_server_ignores_skip() -> None:
    first = interpret([property_entry(1), property_entry(2)], 9)
    again = interpret([property_entry(1), property_entry(2)], 9, first.position.cursor, first.position.last_page)
    assert (again.outcome, again.position.cursor) == (PullOutcome.PAGES_REPEAT, first.position.cursor)
    moved = interpret([property_entry(1), property_entry(2)], 11, first.position.cursor, first.position.last_page)
    assert moved.outcome is None
