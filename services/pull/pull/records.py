"""A property as BatchData writes it becomes a record of `ingest.leads` (vendor contracts §5.5).

Values go on as they came: ingest makes them typed, and says what made no sense. What is decided here is only whether something
is a property at all, so that one that is not costs a reject and never its page.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from common import ids
from common.events import LeadRecord
from common.topics import MAX_INPUT_BYTES

SOURCE = "batchdata"

_FIELDS: Mapping[str, tuple[str, ...]] = {
    "apn": ("ids.apn",),
    "property_address": ("address.street",),
    "property_unit": ("address.unit",),
    "property_city": ("address.city",),
    "property_state": ("address.state",),
    "property_zip": ("address.zip",),
    "county": ("address.county",),
    "owner_first_name": ("owner.names.0.first",),
    "owner_last_name": ("owner.names.0.last",),
    "owner2_first_name": ("owner.names.1.first",),
    "owner2_last_name": ("owner.names.1.last",),
    "mailing_address": ("owner.mailingAddress.street",),
    "mailing_unit": ("owner.mailingAddress.unit",),
    "mailing_city": ("owner.mailingAddress.city",),
    "mailing_state": ("owner.mailingAddress.state",),
    "mailing_zip": ("owner.mailingAddress.zip",),
    "bedrooms": ("building.bedroomCount",),
    "bathrooms": ("building.bathroomCount",),
    "building_sqft": ("building.livingAreaSquareFeet",),
    "year_built": ("building.yearBuilt",),
    "owner_occupied": ("owner.ownerOccupied", "quickLists.ownerOccupied"),
    "vacant": ("quickLists.vacant",),
    "est_value": ("valuation.estimatedValue",),
    "est_equity": ("valuation.equityCurrentEstimatedBalance",),
    "est_ltv": ("valuation.ltv",),
    "open_loans": ("openLien.totalOpenLienCount",),
    "open_loan_balance": ("openLien.totalOpenLienBalance",),
    "last_sale_date": ("sale.lastSale.saleDate",),
    "last_sale_amount": ("sale.lastSale.price",),
}
"""For each field of a record where BatchData has it: the first place with a value counts."""
_NEEDED = ("property_address", "property_city", "property_state", "property_zip")


@dataclass(frozen=True, slots=True)
class Pulled:
    """A record, and the id under which it goes out: the same for the same property with the same facts on one day."""

    id: UUID
    record: LeadRecord


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An entry of a page that is no property, and why. Holds personal data: never logged."""

    reason: str
    entry: Any


def key_of(entry: Any) -> str:
    """What tells this entry of a page from the others: BatchData's id of the property, else all it says."""
    found = _at(entry, "_id")
    return f"id:{found}" if found not in (None, "") else f"all:{_digest(entry)}"


def read_property(entry: Any, observed_on: date, broker_id: UUID | None) -> Pulled | Unreadable:
    """The record of one entry of a page, seen on that day. Never raises, whatever the entry holds."""
    if not isinstance(entry, dict):
        return Unreadable("not_an_object", entry)
    fields = {name: _first(entry, paths) for name, paths in _FIELDS.items()}
    missing = [name for name in _NEEDED if not str(fields[name] if fields[name] is not None else "").strip()]
    if missing:
        return Unreadable(f"missing_{missing[0].removeprefix('property_')}", entry)
    if fields["est_ltv"] is None:
        fields["est_ltv"] = _ltv(_at(entry, "valuation.equityPercent"))
    try:
        record = LeadRecord(
            source=SOURCE, observed_on=observed_on, broker_id=broker_id, company_name=_company(entry), **fields
        )
        body = record.model_dump_json(exclude_none=True)
    except (ValidationError, ValueError):  # a lone surrogate, or a number no JSON takes
        return Unreadable("broken_text", entry)
    if len(body.encode()) > MAX_INPUT_BYTES:
        return Unreadable("too_large", entry)
    return Pulled(ids.named_id(SOURCE, key_of(entry), body), record)


def _company(entry: Mapping[str, Any]) -> str | None:
    """The owner's full name where the owner is no person: a trust, a company."""
    name, status = _at(entry, "owner.fullName"), _at(entry, "owner.ownerStatusType")
    if not isinstance(name, str) or not isinstance(status, str) or status.lower() == "individual":
        return None
    return name


def _ltv(equity_percent: Any) -> str | None:
    """The loan-to-value that belongs to an equity in percent, with its sign, so that ingest takes it for no fraction.

    Between -1 and 1 the equity may be a fraction: nothing is made of it, and ingest goes by the amounts.
    """
    try:
        equity = float(str(equity_percent).strip().removesuffix("%"))
    except ValueError:
        return None
    is_percent = 1 < abs(equity) <= 100 and not isinstance(equity_percent, bool)  # noqa: PLR2004 - percent
    return f"{round(100 - equity, 4):g}%" if is_percent else None


def _first(entry: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    return next((value for path in paths if (value := _at(entry, path)) is not None), None)


def _at(entry: Any, path: str) -> Any:
    """The scalar at *path*; None where there is none, or something else."""
    for step in path.split("."):
        if isinstance(entry, dict):
            entry = entry.get(step)
        elif isinstance(entry, list) and step.isdigit() and int(step) < len(entry):
            entry = entry[int(step)]
        else:
            return None
    return entry if isinstance(entry, str | int | float | bool) else None


def _digest(entry: Any) -> str:
    return sha256(json.dumps(entry, sort_keys=True, default=str).encode()).hexdigest()
