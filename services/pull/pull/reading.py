"""What one page means: its records, what of it is no property, and whether the reading goes on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

from pull.paging import Paging
from pull.records import Pulled, Unreadable, key_of, read_property

EMPTY_PAGES = 3
"""Empty pages in a row, in the middle of the results, after which a round ends; they cost nothing."""


class End(StrEnum):
    """Why a page is the last one, for now or of its round."""

    FINISHED = "finished"
    """All results were read."""
    EMPTY_PAGE = "empty_page"
    """An empty page in the middle of the results: asked for again by the next run."""
    ENDED_EARLY = "ended_early"
    """Empty pages only: what is left is taken up by the next round."""
    PAGES_REPEAT = "pages_repeat"
    """The same page twice: this server does not heed `skip`, and would be paid for the first page for ever."""

    @property
    def ends_round(self) -> bool:
        """Whether the round is over; the others go on where they were."""
        return self is not End.EMPTY_PAGE


@dataclass(frozen=True, slots=True)
class Page:
    """A page, read."""

    entries: int
    """Entries that came, and were paid for."""
    pulled: Sequence[Pulled]
    rejects: Sequence[Unreadable]
    repeats: int
    """Entries that stood on the page before."""
    paging: Paging
    digest: bytes | None
    empty_pages: int
    end: End | None


def read_page(
    paging: Paging,
    last_page: bytes | None,
    empty_pages: int,
    entries: Sequence[Any],
    found: int | None,
    seen_on: date,
    broker_id: UUID | None,
) -> Page:
    """The page with *entries* that came for `paging.skip`, of results that are *found* long.

    It is the different entries that the reading moves on by: a page that repeats one must not step over another.
    """
    different = {key_of(entry): entry for entry in reversed(entries)}  # the first of those that repeat stays
    digest = sha256("\n".join(sorted(different)).encode("utf-8", "surrogatepass")).digest() if different else last_page
    after = paging.after(len(different), found)
    moved_back = after.skip < paging.skip
    empty_pages = 0 if entries or moved_back else empty_pages + 1
    end = _end(paging, after, digest == last_page, empty_pages)
    if end is End.PAGES_REPEAT:
        after = paging
    read = [read_property(entry, seen_on, broker_id) for entry in reversed(different.values())]
    return Page(
        entries=len(entries),
        pulled=[one for one in read if isinstance(one, Pulled)],
        rejects=[one for one in read if isinstance(one, Unreadable)],
        repeats=len(entries) - len(different),
        paging=after,
        digest=digest,
        empty_pages=empty_pages,
        end=end,
    )


def _end(before: Paging, after: Paging, is_the_last_page_again: bool, empty_pages: int) -> End | None:
    if after.skip > before.skip and is_the_last_page_again and after.found == before.found:
        return End.PAGES_REPEAT
    if after.is_done or (empty_pages and after.found is None):
        return End.FINISHED
    if not empty_pages:
        return None
    return End.ENDED_EARLY if empty_pages >= EMPTY_PAGES else End.EMPTY_PAGE
