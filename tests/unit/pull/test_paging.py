"""How far a search has been read, while its results shift between pages."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from pull.paging import Paging, as_json, from_json


def test_a_page_moves_on_by_what_came_and_not_by_what_was_asked_for() -> None:
    paging = Paging().after(25, 60)
    assert (paging.skip, paging.take(100), paging.is_done) == (25, 100, False)
    assert paging.after(25, 60).after(10, 60).is_done


def test_results_that_got_shorter_are_read_again_where_something_may_have_slipped_past() -> None:
    paging = Paging().after(25, 60).after(25, 58)
    assert paging.unread == ((23, 25), (50, None))
    assert (paging.skip, paging.take(100)) == (23, 2)
    assert paging.after(2, 58).unread == ((50, None),)


def test_results_that_got_longer_repeat_and_lose_nothing() -> None:
    assert Paging().after(25, 60).after(25, 63).unread == ((50, None),)


def test_what_is_left_of_a_gap_moves_too() -> None:
    paging = Paging(((10, 20), (50, None)), 100)
    assert paging.after(4, 103).unread == ((14, 23), (50, None))
    assert paging.after(4, 97).unread == ((7, 10), (14, 20), (47, None))


def test_ranges_are_kept_as_json() -> None:
    ranges = ((10, 20), (50, None))
    assert from_json(as_json(ranges)) == ranges


@dataclass
class Server:
    """Results that shift between pages, and a page limit that nobody knows."""

    results: list[int]
    most: int
    stayed: set[int] = field(default_factory=set)
    next_new: int = 10_000

    def shift(self, places: list[int], *, removes: bool) -> None:
        for place in places:
            if removes and self.results:
                self.stayed.discard(self.results.pop(place % len(self.results)))
            elif not removes:
                self.results.insert(place % (len(self.results) + 1), self.next_new)
                self.next_new += 1

    def page(self, skip: int, take: int) -> list[int]:
        return self.results[skip : skip + min(take, self.most)]


SHIFTS = st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 500), max_size=7)), max_size=40)


@given(
    size=st.integers(0, 120),
    most=st.integers(1, 40),
    takes=st.lists(st.integers(1, 50), min_size=1, max_size=20),
    shifts=SHIFTS,
    crashes=st.sets(st.integers(0, 60), max_size=10),
)
def test_what_stays_in_the_results_is_read_whatever_enters_or_leaves_between_two_pages(
    size: int, most: int, takes: list[int], shifts: list[tuple[bool, list[int]]], crashes: set[int]
) -> None:
    server = Server(list(range(size)), most, set(range(size)))
    paging, seen, pages = Paging(), set[int](), 0
    while True:
        if pages and shifts:  # between two pages that are kept properties either enter or leave
            removes, places = shifts.pop()
            server.shift(places, removes=removes)
        asked = paging.take(takes[pages % len(takes)])
        assert asked >= 1
        page = server.page(paging.skip, asked)
        pages += 1
        assert pages < 2_000, "the reading does not end"
        if pages in crashes:  # killed before the commit: the page is asked for again
            page = server.page(paging.skip, paging.take(takes[0]))
        paging = paging.after(len(page), len(server.results))
        seen |= set(page)
        if paging.is_done:
            break
    assert server.stayed <= seen


@given(size=st.integers(1, 200), most=st.integers(1, 30), take=st.integers(1, 60))
def test_results_that_stand_still_are_read_once_each(size: int, most: int, take: int) -> None:
    server, paging, read = Server(list(range(size)), most), Paging(), list[int]()
    while not paging.is_done:
        page = server.page(paging.skip, paging.take(take))
        read += page
        paging = paging.after(len(page), size)
    assert read == list(range(size))
