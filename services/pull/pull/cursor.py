"""Cursor over the results of a search that may shift between two pages.

BatchData pages by `skip` and `take` and computes the results again for each page. A property that enters or leaves the results
moves all properties behind it. So the cursor keeps the unread places as ranges. The change of `resultsFound` since the last page
bounds how far the results may have moved. The cursor marks places that may hold an unread property as unread again. That can
cost a few records, and ingest's inbox drops the repeats.

The cursor cannot notice one property that leaves and another that enters between the same two pages, nor a new sort order of the
results. docs/batchdata-pull.md says so to the operator; ADR 17 gives the reasons.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PlaceRange = tuple[int, int | None]
"""Places in the results: from the first, included, to the second, excluded. None means the end of the results."""

ALL_PLACES: tuple[PlaceRange, ...] = ((0, None),)


@dataclass(frozen=True, slots=True)
class ResultCursor:
    """Unread places in the results of one search."""

    unread: tuple[PlaceRange, ...] = ALL_PLACES
    results_found: int | None = None
    """`resultsFound` of the last page that had it."""

    @property
    def skip(self) -> int:
        """Return the first place of the next page."""
        return self.unread[0][0]

    @property
    def is_done(self) -> bool:
        """Return whether all results that are known to exist were read."""
        return self.results_found is not None and self.skip >= self.results_found

    def page_size(self, limit: int) -> int:
        """Return the number of records to request next, at most *limit*."""
        start, end = self.unread[0]
        return limit if end is None else min(limit, end - start)

    def after_page(self, count: int, results_found: int | None) -> "ResultCursor":
        """Return the cursor after a page at `skip` with *count* different properties.

        *results_found* is the length of the results at the time of that page.
        """
        unread = self.unread
        if results_found is not None and self.results_found is not None:
            unread = _shift_ranges(unread, results_found - self.results_found)
        unread = _remove_places(unread, self.skip, self.skip + count)
        return ResultCursor(unread, self.results_found if results_found is None else results_found)


def _shift_ranges(unread: Iterable[PlaceRange], change: int) -> tuple[PlaceRange, ...]:
    """Return all places that the unread results may have now that their number changed by *change*."""
    if change < 0:
        return _join_ranges((max(0, start + change), end) for start, end in unread)
    return _join_ranges((start, None if end is None else end + change) for start, end in unread)


def _remove_places(unread: Iterable[PlaceRange], start: int, end: int) -> tuple[PlaceRange, ...]:
    """Return *unread* without the places from *start* to *end*. The last range is open, so it always remains."""
    left: list[PlaceRange] = []
    for first, last in unread:
        if first < start:
            left.append((first, start if last is None else min(last, start)))
        if last is None or last > end:
            left.append((max(first, end), last))
    return _join_ranges(left)


def _join_ranges(ranges: Iterable[PlaceRange]) -> tuple[PlaceRange, ...]:
    """Return the ranges in order, with those that touch or overlap joined."""
    joined: list[PlaceRange] = []
    for start, end in sorted(ranges, key=lambda place_range: place_range[0]):
        if joined and _reaches(joined[-1], start):
            first, last = joined[-1]
            joined[-1] = (first, None if last is None or end is None else max(last, end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _reaches(before: PlaceRange, start: int) -> bool:
    return before[1] is None or start <= before[1]


def ranges_to_json(unread: Sequence[PlaceRange]) -> list[list[int | None]]:
    """Return the ranges as lists, as `pipeline.pull_rounds.unread` stores them."""
    return [list(place_range) for place_range in unread]


def ranges_from_json(stored: Iterable[Sequence[int | None]]) -> tuple[PlaceRange, ...]:
    """Return the ranges that `ranges_to_json` received."""
    return tuple((int(start or 0), end) for start, end in stored)
