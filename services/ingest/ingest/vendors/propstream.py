"""PropStream's CSV rows: cells under PropStream's headers become the fields of a property record.

Full export, classic 41 columns and the columns of its skip trace; which header means what stands in `common.columns`.
"""

from collections.abc import Mapping
from typing import Any

from common.columns import place_of

_PHONE_PARTS = {"phones": 0, "phones.type": 1, "phones.dnc": 2}
_REMEMBERED = 10_000


class _Places(dict[str, tuple[str, int] | None]):
    """The places of the headers seen so far: the rows of a file all have the same."""

    def __missing__(self, header: str) -> tuple[str, int] | None:
        place = place_of(header)
        if len(self) < _REMEMBERED:
            self[header] = place
        return place


_places = _Places()


def record_from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """The raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order.

    Where several headers of a row stand for one field, the first non-empty one in the order of `HEADERS` counts.
    """
    fields: dict[str, Any] = {}
    behind: dict[str, int] = {}
    phones: dict[int, list[str | None]] = {}
    emails: dict[int, str] = {}
    for header, value in cells.items():
        place = _places[header]
        if place is None or not value:
            continue
        field, rank = place
        if rank == 0:
            fields[field] = value
            if behind:
                behind.pop(field, None)
        elif field == "emails":
            emails.setdefault(rank, value)
        elif field in _PHONE_PARTS:
            phones.setdefault(rank, [None, None, None])[_PHONE_PARTS[field]] = value
        elif field not in fields or rank < behind.get(field, 0):
            fields[field] = value
            behind[field] = rank
    fields["phones"] = [tuple(phones[rank]) for rank in sorted(phones)]
    fields["emails"] = [emails[rank] for rank in sorted(emails)]
    return fields
