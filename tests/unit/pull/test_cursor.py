"""Unread places of a search whose results shift between pages."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pull.cursor import ResultCursor, ranges_from_json, ranges_to_json


def test_the_cursor_advances_by_the_records_that_came() -> None:
    cursor = ResultCursor().after_page(25, 60)
    assert (cursor.skip, cursor.page_size(100), cursor.is_done) == (25, 100, False)
    assert cursor.after_page(25, 60).after_page(10, 60).is_done


def test_shorter_results_mark_places_that_may_hide_a_property_as_unread() -> None:
    cursor = ResultCursor().after_page(25, 60).after_page(25, 58)
    assert cursor.unread == ((23, 25), (50, None))
    assert (cursor.skip, cursor.page_size(100)) == (23, 2)
    assert cursor.after_page(2, 58).unread == ((50, None),)


def test_longer_results_repeat_records_and_lose_none() -> None:
    assert ResultCursor().after_page(25, 60).after_page(25, 63).unread == ((50, None),)


def test_the_rest_of_a_gap_shifts_too() -> None:
    cursor = ResultCursor(((10, 20), (50, None)), 100)
    assert cursor.after_page(4, 103).unread == ((14, 23), (50, None))
    assert cursor.after_page(4, 97).unread == ((7, 10), (14, 20), (47, None))


def test_ranges_survive_json() -> None:
    ranges = ((10, 20), (50, None))
    assert ranges_from_json(ranges_to_json(ranges)) == ranges


@dataclass
class ShiftingServer:
    """Server whose results shift between pages and whose page limit the client does not know."""

    results: list[int]
    page_limit: int
    stayed: set[int] = field(default_factory=set)
    next_new: int = 10_000

    def shift_results(self, places: list[int], *, removes: bool) -> None:
        for place in places:
            if removes and self.results:
                self.stayed.discard(self.results.pop(place % len(self.results)))
            elif not removes:
                self.results.insert(place % (len(self.results) + 1), self.next_new)
                self.next_new += 1

    def fetch_page(self, skip: int, take: int) -> list[int]:
        return self.results[skip : skip + min(take, self.page_limit)]


SHIFTS = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 500), max_size=7)), max_size=40)


@given(
    size=st.integers(0, 120),
    page_limit=st.integers(1, 40),
    takes=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    shifts=SHIFTS,
    crashes=st.sets(st.integers(0, 60), max_size=10),
)
def test_every_property_that_stays_in_the_results_is_read(
    size: int, page_limit: int, takes: list[int], shifts: list[tuple[bool, list[int]]], crashes: set[int]
) -> None:
    server = ShiftingServer(list(range(size)), page_limit, set(range(size)))
    cursor, seen, pages = ResultCursor(), set[int](), 0
    while True:
        if pages and shifts:  # between two committed pages, properties either enter or leave
            removes, places = shifts.pop()
            server.shift_results(places, removes=removes)
        requested = cursor.page_size(takes[pages % len(takes)])
        assert requested >= 1
        page = server.fetch_page(cursor.skip, requested)
        pages += 1
        assert pages < 2_000, "the reading does not end"
        if pages in crashes:  # killed before the commit: the page is requested again
            page = server.fetch_page(cursor.skip, cursor.page_size(takes[0]))
        cursor = cursor.after_page(len(page), len(server.results))
        seen |= set(page)
        if cursor.is_done:
            break
    assert server.stayed <= seen


@given(size=st.integers(1, 200), page_limit=st.integers(1, 30), take=st.integers(1, 60))
def test_unchanged_results_are_read_once_each(size: int, page_limit: int, take: int) -> None:
    server, cursor, read = ShiftingServer(list(range(size)), page_limit), ResultCursor(), list[int]()
    while not cursor.is_done:
        page = server.fetch_page(cursor.skip, cursor.page_size(take))
        read += page
        cursor = cursor.after_page(len(page), size)
    assert read == list(range(size))
