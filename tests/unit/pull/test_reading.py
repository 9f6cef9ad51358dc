"""What a page means, and when the reading ends."""

from datetime import date
from typing import Any

import pytest

from pull.paging import Paging
from pull.reading import End, Page, read_page

TODAY = date(2026, 11, 21)


def house(number: int) -> dict[str, Any]:
    return {
        "_id": f"id{number}",
        "address": {"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"},
    }


def read(
    entries: list[Any],
    found: int | None,
    paging: Paging | None = None,
    last_page: bytes | None = None,
    empty_pages: int = 0,
) -> Page:
    return read_page(paging or Paging(), last_page, empty_pages, entries, found, TODAY, None)


def test_a_page_that_repeats_a_property_is_paid_in_full_and_steps_over_none() -> None:
    page = read([house(1), house(2), house(1)], 9)
    assert (page.entries, len(page.pulled), page.repeats, page.paging.skip) == (3, 2, 1, 2)


def test_what_is_no_property_costs_itself_and_not_its_page() -> None:
    page = read([house(1), {"_id": "x"}, None, house(2)], 9)
    assert (len(page.pulled), [one.reason for one in page.rejects]) == (2, ["missing_address", "not_an_object"])
    assert page.paging.skip == 4


@pytest.mark.parametrize(
    ("entries", "found", "before", "empty_pages", "end"),
    [
        ([1, 2], 2, Paging(), 0, End.FINISHED),
        ([1, 2], 3, Paging(), 0, None),
        ([1, 2], None, Paging(), 0, None),
        ([], None, Paging(), 0, End.FINISHED),
        ([], 0, Paging(), 0, End.FINISHED),
        ([], 2, Paging(((2, None),), 2), 0, End.FINISHED),
        ([], 2, Paging(((2, None),), 3), 0, None),  # the third may be the second now
        ([], 5, Paging(((2, None),), 5), 0, End.EMPTY_PAGE),
        ([], None, Paging(((2, None),), 5), 1, End.EMPTY_PAGE),
        ([], 5, Paging(((2, None),), 5), 2, End.ENDED_EARLY),
    ],
)
def test_each_page_says_whether_the_reading_goes_on(
    entries: list[int], found: int | None, before: Paging, empty_pages: int, end: End | None
) -> None:
    page = read([house(number) for number in entries], found, before, None, empty_pages)
    assert page.end is end


def test_the_same_page_twice_means_that_the_server_does_not_page() -> None:
    first = read([house(1), house(2)], 9)
    again = read([house(1), house(2)], 9, first.paging, first.digest)
    assert (again.end, again.paging) == (End.PAGES_REPEAT, first.paging)
    moved = read([house(1), house(2)], 11, first.paging, first.digest)
    assert moved.end is None
