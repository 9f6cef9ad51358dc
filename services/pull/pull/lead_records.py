"""Conversion of BatchData's properties to records of `ingest.leads` (docs/vendors/batchdata.md, Property search over MCP).

The values stay as BatchData sent them: ingest parses them and reports the unreadable ones. This module decides only whether an
entry is a property. An entry that is no property is rejected alone, and the other entries of its page are kept.
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
from common.ids import BrokerId
from common.lead_facts import REQUIRED_FIELDS
from common.topics import MAX_INPUT_BYTES

SOURCE_NAME = "batchdata"

_FIELD_PATHS: Mapping[str, tuple[str, ...]] = {
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
"""BatchData's paths for each field of a record. The first path with a value is used."""


@dataclass(frozen=True, slots=True)
class PulledRecord:
    """A record and its message id. The same property with the same facts has the same id all day, so ingest drops repeats."""

    id: UUID
    record: LeadRecord


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry of a page that is no property, with the reason. It holds personal data and is never logged."""

    reason: str
    entry: Any


def entry_key(entry: Any) -> str:
    """Return a key that identifies the entry: BatchData's id of the property, or else a digest of the whole entry."""
    property_id = _scalar_at(entry, "_id")
    return f"id:{property_id}" if property_id not in (None, "") else f"all:{_digest_entry(entry)}"


def convert_property(entry: Any, observed_on: date, broker_id: BrokerId | None) -> PulledRecord | RejectedEntry:
    """Return the record of one entry that was observed on that day, or the rejected entry. Never raises."""
    if not isinstance(entry, dict):
        return RejectedEntry("not_an_object", entry)
    fields = {name: _first_value(entry, paths) for name, paths in _FIELD_PATHS.items()}
    missing = next((name for name in REQUIRED_FIELDS if _is_blank(fields[name])), None)
    if missing:
        return RejectedEntry(f"missing_{missing.removeprefix('property_')}", entry)
    if fields["est_ltv"] is None:
        fields["est_ltv"] = _loan_to_value(_scalar_at(entry, "valuation.equityPercent"))
    try:
        record = LeadRecord(
            source=SOURCE_NAME,
            observed_on=observed_on,
            broker_id=broker_id,
            company_name=_company_name(entry),
            **fields,
        )
        body = record.model_dump_json(exclude_none=True)
    except (ValidationError, ValueError):  # a lone surrogate, or a number that JSON cannot hold
        return RejectedEntry("broken_text", entry)
    if len(body.encode()) > MAX_INPUT_BYTES:
        return RejectedEntry("too_large", entry)
    return PulledRecord(ids.named_id(SOURCE_NAME, entry_key(entry), body), record)


def _is_blank(value: Any) -> bool:
    return value is None or not str(value).strip()


def _company_name(entry: Mapping[str, Any]) -> str | None:
    """Return the owner's full name if the owner is an organisation, such as a trust or a company."""
    name, status = _scalar_at(entry, "owner.fullName"), _scalar_at(entry, "owner.ownerStatusType")
    if not isinstance(name, str) or not isinstance(status, str) or status.lower() == "individual":
        return None
    return name


def _loan_to_value(equity_percent: Any) -> str | None:
    """Return the loan-to-value for an equity in percent. The percent sign keeps ingest from reading it as a fraction.

    Return None between -1 and 1: there the equity may be a fraction, and ingest computes the loan-to-value from the amounts.
    """
    try:
        equity = float(str(equity_percent).strip().removesuffix("%"))
    except ValueError:
        return None
    is_percent = 1 < abs(equity) <= 100 and not isinstance(equity_percent, bool)  # noqa: PLR2004 - percent
    return f"{round(100 - equity, 4):g}%" if is_percent else None


def _first_value(entry: Mapping[str, Any], paths: tuple[str, ...]) -> Any:
    return next((value for path in paths if (value := _scalar_at(entry, path)) is not None), None)


def _scalar_at(entry: Any, path: str) -> Any:
    """Return the scalar at *path*, or None if there is no scalar."""
    for step in path.split("."):
        if isinstance(entry, dict):
            entry = entry.get(step)
        elif isinstance(entry, list) and step.isdigit() and int(step) < len(entry):
            entry = entry[int(step)]
        else:
            return None
    return entry if isinstance(entry, str | int | float | bool) else None


def _digest_entry(entry: Any) -> str:
    return sha256(json.dumps(entry, sort_keys=True, default=str).encode()).hexdigest()
