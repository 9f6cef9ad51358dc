"""PropStream's CSV rows: cells under PropStream's headers become the fields of a property record.

Full export, classic 41 columns and the columns of its skip trace; which header means what stands in `common.columns`.
"""

from collections.abc import Mapping
from typing import Any

from common.columns import REMARKS, address_sets, place_of
from common.protection import UNREADABLE, protection_of
from common.remarks import read_note, read_status
from ingest.values import forbids

_PHONE_PARTS = {"phones": 0, "phones.type": 1}
_REMEMBERED = 10_000
_FORBIDS_ALL = 0
"""The number of a protection that names no single phone or email: it forbids all of the row."""
_PROTECTIONS = frozenset({"phones.dnc", "phones.forbidden", "emails.forbidden", "emails.dnc"})
_ROW_FLAGS = frozenset({"litigator", "deceased_owner", "do_not_mail", "do_not_contact"})
_REMARKS = frozenset({f"{REMARKS}{subject}" for subject in ("row", "phones", "emails")})
_SAYS_MORE = _PROTECTIONS | _ROW_FLAGS | _REMARKS
_UNREAD = ("unread_protection", 0)


class _Places(dict[str, tuple[str, int] | None]):
    """The places of the headers seen so far: the rows of a file all have the same."""

    def __missing__(self, header: str) -> tuple[str, int] | None:
        place = _UNREAD if protection_of(header) == UNREADABLE else place_of(header)
        if len(self) < _REMEMBERED:
            self[header] = place
        return place


_places = _Places()


def _left_out(cells: Mapping[str, str]) -> frozenset[str]:
    """The headers of *cells* that belong to the owner's address and not to the property's."""
    return frozenset(header for header, counts in address_sets(cells).items() if not counts)


def record_from_cells(cells: Mapping[str, str]) -> dict[str, Any]:  # noqa: C901, PLR0912 - the hottest loop of ingest
    """The raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order.

    Where several headers of a row stand for one field, the first non-empty one in the order of `HEADERS` counts; of flags
    that protect, each counts. Two columns of one number (`Phone`, `Phone 1`) are read as
    one cell. An empty street of the property is never replaced by the owner's.
    """
    fields: dict[str, Any] = {}
    behind: dict[str, int] = {}
    phones: dict[int, list[str | None]] = {}
    emails: dict[int, str] = {}
    said: dict[tuple[str, int], bool] = {}
    left_out: frozenset[str] | None = None
    for header, value in cells.items():
        place = _places[header]
        if place is None:
            continue
        field, rank = place
        if not value:
            if field == "property_address":
                left_out = _left_out(cells)
            continue
        if field in _SAYS_MORE:
            _hear(said, field, rank, value)
            continue
        if field == "property_address" and field in fields:
            left_out = _left_out(cells)
        if rank == 0:
            fields[field] = value
            if behind:
                behind.pop(field, None)
        elif field == "emails":
            emails[rank] = f"{emails[rank]}; {value}" if rank in emails else value
        elif field in _PHONE_PARTS:
            parts, part = phones.setdefault(rank, [None, None]), _PHONE_PARTS[field]
            parts[part] = f"{parts[part]}; {value}" if parts[part] else value
        elif field not in fields or rank < behind.get(field, 0):
            fields[field] = value
            behind[field] = rank
    if left_out:
        kept = {header: value for header, value in cells.items() if header not in left_out}
        return record_from_cells(kept)
    fields["phones"] = [(*phones[rank], _phone_flag(said, rank)) for rank in sorted(phones)]
    fields["emails"] = [emails[rank] for rank in sorted(emails)]
    if said:
        fields.update({name: flag for (name, _), flag in said.items() if name in _ROW_FLAGS})
        fields["forbidden_emails"] = [emails[rank] for rank in sorted(emails) if _is_forbidden(said, "emails", rank)]
    return fields


def _hear(said: dict[tuple[str, int], bool], field: str, rank: int, value: str) -> None:
    """Keep what a flag or a remark says; what one forbids no other allows."""
    if field in _REMARKS:
        _hear_remark(said, field.removeprefix(REMARKS), rank, value)
        return
    key = (field, 0 if field in _ROW_FLAGS else rank)
    flag = forbids(value)
    if flag is not None:
        said[key] = said.get(key, False) or flag


def _hear_remark(said: dict[tuple[str, int], bool], subject: str, rank: int, value: str) -> None:
    """Keep what free text forbids; in a column of the row, a remark about a number is about all phones."""
    remark = read_note(value) if subject == "row" else read_status(value)
    if not remark.forbids:
        return
    if remark.deceased:
        said["deceased_owner", 0] = True
    if remark.litigator:
        said["litigator", 0] = True
    if subject != "row":
        said[f"{subject}.forbidden", rank] = True
    elif remark.refuses:
        said["do_not_contact", 0] = True
    else:
        said["phones.forbidden", _FORBIDS_ALL] = True


def _is_forbidden(said: Mapping[tuple[str, int], bool], family: str, rank: int) -> bool:
    return any(said.get((f"{family}.{kind}", n)) for kind in ("dnc", "forbidden") for n in (rank, _FORBIDS_ALL))


def _phone_flag(said: Mapping[tuple[str, int], bool], rank: int) -> bool | None:
    """True where any flag forbids the phone; False where a registry flag allows it, and none forbids."""
    if not said:
        return None
    if _is_forbidden(said, "phones", rank):
        return True
    return said.get(("phones.dnc", rank), said.get(("phones.dnc", _FORBIDS_ALL)))
