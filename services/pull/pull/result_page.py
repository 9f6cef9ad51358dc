"""Interpretation of one page of results: its records, its rejected entries, and whether the round continues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from common.ids import BrokerId
from pull.cursor import ResultCursor
from pull.lead_records import PulledRecord, RejectedEntry, convert_property, entry_key
from pull.outcomes import PullOutcome

EMPTY_PAGE_LIMIT = 3
"""Number of consecutive empty pages in the middle of the results that ends a round. Empty pages cost nothing."""


@dataclass(frozen=True, slots=True)
class PagePosition:
    """State of a round between two pages."""

    cursor: ResultCursor
    last_page: bytes | None
    """Digest of the last page that had entries."""
    empty_pages: int
    """Number of consecutive empty pages."""


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page whose entries are converted."""

    entries: int
    """Number of entries, all of which were charged."""
    records: Sequence[PulledRecord]
    rejects: Sequence[RejectedEntry]
    repeats: int
    """Number of entries that repeat another entry of this page."""
    position: PagePosition
    outcome: PullOutcome | None
    """Reason for which the pull ends after this page; None if it continues."""


def interpret_page(
    before: PagePosition,
    entries: Sequence[Any],
    results_found: int | None,
    observed_on: date,
    broker_id: BrokerId | None,
) -> ResultPage:
    """Return the page with *entries*, which came for `before.cursor.skip` of results of length *results_found*.

    The cursor advances by the number of different entries: a page that repeats one entry must not step over another.
    """
    # Reversed, so that the first of several equal entries is the one that stays.
    different = {entry_key(entry): entry for entry in reversed(entries)}
    digest = _digest_keys(different) if different else before.last_page
    cursor = before.cursor.after_page(len(different), results_found)
    moved_back = cursor.skip < before.cursor.skip
    empty_pages = 0 if entries or moved_back else before.empty_pages + 1
    outcome = _page_outcome(before.cursor, cursor, digest == before.last_page, empty_pages)
    if outcome is PullOutcome.PAGES_REPEAT:
        cursor = before.cursor
    converted = [convert_property(entry, observed_on, broker_id) for entry in reversed(different.values())]
    return ResultPage(
        entries=len(entries),
        records=[one for one in converted if isinstance(one, PulledRecord)],
        rejects=[one for one in converted if isinstance(one, RejectedEntry)],
        repeats=len(entries) - len(different),
        position=PagePosition(cursor, digest, empty_pages),
        outcome=outcome,
    )


def _digest_keys(entries: Mapping[str, Any]) -> bytes:
    """Return a digest of the entries' keys. `surrogatepass`: BatchData's ids may hold text that is no valid Unicode."""
    return sha256("\n".join(sorted(entries)).encode("utf-8", "surrogatepass")).digest()


def _page_outcome(
    before: ResultCursor, after: ResultCursor, is_same_page: bool, empty_pages: int
) -> PullOutcome | None:
    """Return the reason to end the pull after a page, or None to continue."""
    if after.skip > before.skip and is_same_page and after.results_found == before.results_found:
        return PullOutcome.PAGES_REPEAT
    if after.is_done or (empty_pages and after.results_found is None):
        return PullOutcome.FINISHED
    if not empty_pages:
        return None
    return PullOutcome.ENDED_EARLY if empty_pages >= EMPTY_PAGE_LIMIT else PullOutcome.EMPTY_PAGE
