"""Rows of TLO's output: their references, and the outcome of each row. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from common.csv.reader import CsvRow
from common.ids import RequestId
from skiptrace.file_batches.queries import BatchRequest
from skiptrace.rules.lead import LeadPerson, LookupRequest
from skiptrace.trace.lead_rows import person_from_row
from skiptrace.trace.queries import LeadToTrace
from skiptrace.vendors.tlo_mapping import ColumnPositions

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_COMPARED_FIELDS = ("last_name", "company", "street", "zip")


class RowOutcome(StrEnum):
    """The outcome of a row."""

    STORED = "stored"
    ALREADY = "already"
    """Its request was answered before; the first response counts."""
    UNKNOWN = "unknown"
    """Its reference is none of ours."""
    MALFORMED = "malformed"
    """It has no reference, or is broken as CSV."""
    DUPLICATE = "duplicate"
    """An earlier row of the file has the same reference; the first counts."""
    ERASED = "erased"
    """The person was erased after the export."""
    CHANGED = "changed"
    """The lead has another owner or address since the export, so the row is about another person."""
    TOO_LATE = "too_late"
    """The request is no longer kept, so the row cannot be compared with the lead."""


FINAL_OUTCOMES = {RowOutcome.STORED, RowOutcome.ERASED, RowOutcome.CHANGED}
"""Outcomes that end a request. The last two are stored in its `detail`."""


@dataclass(frozen=True, slots=True)
class ImportLine:
    """A row as far as the file alone decides: its reference and entry, or its outcome."""

    reference: RequestId | None = None
    entry: Mapping[str, Any] = field(default_factory=dict)
    outcome: RowOutcome | None = None


def classify_rows(rows: Iterator[CsvRow], positions: ColumnPositions) -> Iterator[ImportLine]:
    """Yield a line for each row, with its outcome if the file alone decides it."""
    seen: set[RequestId] = set()
    for row in rows:
        reference = "" if row.problem else row.cells[positions.reference].strip()
        if not reference:
            yield ImportLine(outcome=RowOutcome.MALFORMED)
        elif not _UUID.fullmatch(reference):
            yield ImportLine(outcome=RowOutcome.UNKNOWN)
        elif (request_id := RequestId(UUID(reference))) in seen:
            yield ImportLine(outcome=RowOutcome.DUPLICATE)
        else:
            seen.add(request_id)
            yield ImportLine(request_id, positions.read_entry(row.cells))


def decide_outcome(request: BatchRequest, lead: LeadToTrace, lookup: LookupRequest | None) -> RowOutcome:
    """Return the outcome of a row; a repeated import gets the same one.

    *lead* is the request's lead of this moment, *lookup* the request's decrypted content if that is still kept.
    """
    if request.outcome == "answered":
        return RowOutcome.ALREADY
    if request.detail in FINAL_OUTCOMES:
        return RowOutcome(request.detail)
    if lead.data_key is None:
        return RowOutcome.ERASED
    if lookup is None:
        return RowOutcome.TOO_LATE
    return RowOutcome.STORED if is_same_owner(lookup.person, person_from_row(lead)) else RowOutcome.CHANGED


def is_same_owner(exported: LeadPerson, current: LeadPerson | None) -> bool:
    """Return whether owner and address are still the exported ones. A value that was empty then is no change."""
    if current is None:
        return False
    compared = ((getattr(exported, name), getattr(current, name) or "") for name in _COMPARED_FIELDS)
    return all(then is None or not then or then.casefold() == now.casefold() for then, now in compared)
