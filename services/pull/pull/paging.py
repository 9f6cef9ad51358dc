"""What of a search's results is still to be read, while the results may shift under the reader.

BatchData pages by `skip` and `take` over results that it computes anew for each page: a property that enters or leaves the
results moves all that stand behind it. So what is unread is kept as ranges of places, and `resultsFound` tells how far they may
have moved since the last page. Places that may hold something unread are read again: that can cost a few records, and the
inbox of ingest drops what comes twice. What this cannot see is a property that leaves and one that enters between the same two
pages, and results that are sorted anew: docs/batchdata-pull.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Range = tuple[int, int | None]
"""Places from the first, included, to the second, not included; None: to the end of the results."""

EVERYTHING: tuple[Range, ...] = ((0, None),)


@dataclass(frozen=True, slots=True)
class Paging:
    """How far the reading of one search has come."""

    unread: tuple[Range, ...] = EVERYTHING
    found: int | None = None
    """`resultsFound` of the last page that told it."""

    @property
    def skip(self) -> int:
        """Where the next page begins."""
        return self.unread[0][0]

    def take(self, most: int) -> int:
        """How many records the next page may have, *most* at the most."""
        start, end = self.unread[0]
        return most if end is None else min(most, end - start)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left that the results are known to have."""
        return self.found is not None and self.skip >= self.found

    def after(self, count: int, found: int | None) -> "Paging":
        """The reading after a page at `skip` with *count* different properties, of results that are *found* long now."""
        unread = self.unread
        if found is not None and self.found is not None:
            unread = _moved(unread, found - self.found)
        read = _without(unread, self.skip, self.skip + count)
        return Paging(read, self.found if found is None else found)


def _moved(unread: Iterable[Range], by: int) -> tuple[Range, ...]:
    """Where what was in *unread* may be now that the results are longer, or shorter, by so many."""
    if by < 0:
        return _joined((max(0, start + by), end) for start, end in unread)
    return _joined((start, None if end is None else end + by) for start, end in unread)


def _without(unread: Iterable[Range], start: int, end: int) -> tuple[Range, ...]:
    """*unread* but for the places from *start* to *end*; the last range, which is open, stays at least as what is to come."""
    left: list[Range] = []
    for first, last in unread:
        if first < start:
            left.append((first, start if last is None else min(last, start)))
        if last is None or last > end:
            left.append((max(first, end), last))
    return _joined(left)


def _joined(ranges: Iterable[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for start, end in sorted(ranges, key=lambda one: one[0]):
        if joined and _reaches(joined[-1], start):
            first, last = joined[-1]
            joined[-1] = (first, None if last is None or end is None else max(last, end))
        else:
            joined.append((start, end))
    return tuple(joined)


def _reaches(before: Range, start: int) -> bool:
    return before[1] is None or start <= before[1]


def as_json(unread: Sequence[Range]) -> list[list[int | None]]:
    """Ranges as the database keeps them."""
    return [list(one) for one in unread]


def from_json(kept: Iterable[Sequence[int | None]]) -> tuple[Range, ...]:
    """What `as_json` was given."""
    return tuple((int(start or 0), end) for start, end in kept)
