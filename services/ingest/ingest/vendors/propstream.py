"""PropStream's CSV rows: cells under PropStream's headers become the fields of a property record.

Full export, classic 41 columns and the columns of its skip trace; which header means what stands in `common.columns`.
"""

from collections.abc import Mapping
from typing import Any

from common.columns import place_of


def record_from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """The raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order."""
    fields: dict[str, Any] = {}
    ranks: dict[str, int] = {}
    phones: dict[int, list[str | None]] = {}
    emails: dict[int, str] = {}
    for header, value in cells.items():
        place = place_of(header)
        if place is None or not value:
            continue
        field, rank = place
        if field == "emails":
            emails[rank] = value
        elif field.startswith("phones"):
            phone = phones.setdefault(rank, [None, None, None])
            phone[("phones", "phones.type", "phones.dnc").index(field)] = value
        elif rank < ranks.get(field, 1_000):
            fields[field] = value
            ranks[field] = rank
    fields["phones"] = [tuple(phones[rank]) for rank in sorted(phones)]
    fields["emails"] = [emails[rank] for rank in sorted(emails)]
    return fields
