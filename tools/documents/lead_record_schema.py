"""JSON schema of a record that an upstream system produces to `ingest.leads`."""

import json
from typing import Any

from common.events import LeadRecord
from common.lead_facts import LEAD_FACTS, REQUIRED_FIELDS, LeadFact, ValueKind
from common.records.property_facts import MAX_TEXT_LENGTH

GATEWAY_FIELDS = ("upload_id", "row", "row_problem", "cells")
"""Fields of rows of an upload. Only the gateway sets them."""

_VALUE = {"$ref": "#/$defs/value"}
_DESCRIPTION = (
    "One property and its owner, as a source reports them. Values are text, numbers or booleans. A record without a "
    "readable address is rejected; any other value that cannot be read is left out. Other fields are allowed, and those "
    "that forbid contact take effect (docs/protective-columns.md)."
)
_BY_KIND = {
    ValueKind.ZIP_CODE: "ZIP code: five digits or ZIP+4, as text.",
    ValueKind.COUNT: "Whole number from {minimum:,} to {maximum:,}.",
    ValueKind.DECIMAL: "Number from {minimum:,} to {maximum:,}.",
    ValueKind.AREA: "Area in square feet, from {minimum:,} to {maximum:,}.",
    ValueKind.MONEY: "Amount in US dollars, from {minimum:,} to {maximum:,}.",
    ValueKind.YEAR_BUILT: "Year, such as 1974.",
    ValueKind.YES_OR_NO: "Boolean; words such as `yes` and `no` are read, too.",
    ValueKind.PAST_DATE: "Day in the past, best as `YYYY-MM-DD`.",
    ValueKind.PROHIBITION: "Flag that forbids. Any value that is not a clear no counts as true.",
}
_BY_NAME = {
    "mak": "Melissa address key: ten digits.",
    "property_state": "State: two letters, or the name in full.",
    "property_zip": "ZIP code: five digits or ZIP+4, as text.",
    "fips": "FIPS code of the county: five digits, as text.",
    "county": "Name of the county. With the parcel number it identifies the parcel.",
    "apn": "Parcel number of the assessor. With the county it identifies the parcel.",
    "est_ltv": "Loans as a percentage of the value.",
}


def build_lead_record_schema() -> str:
    """Return the schema as JSON."""
    generated = LeadRecord.model_json_schema()
    properties = generated["properties"]
    properties |= {fact.name: _describe_fact(fact) for fact in LEAD_FACTS if fact.is_record_field}
    properties |= dict.fromkeys(GATEWAY_FIELDS, False)
    properties["phones"] = _list_of(properties["phones"], {"anyOf": [_phone(), _VALUE]})
    properties["emails"] = _list_of(properties["emails"], _VALUE)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Property record on ingest.leads",
        "description": _DESCRIPTION,
        "type": "object",
        "required": list(REQUIRED_FIELDS),
        "properties": {name: _without_title(described) for name, described in properties.items()},
        "$defs": {"value": {"type": ["string", "number", "boolean", "null"]}},
    }
    return json.dumps(schema, indent=2) + "\n"


def _describe_fact(fact: LeadFact) -> dict[str, Any]:
    """Return the schema of a fact's field. Required fields are text that is not empty."""
    pattern = (
        _BY_NAME.get(fact.name) or _BY_KIND.get(fact.value.kind) or f"Text of at most {MAX_TEXT_LENGTH} characters."
    )
    is_required = fact.name in REQUIRED_FIELDS
    described: dict[str, Any] = {"type": ["string", "number"], "minLength": 1} if is_required else dict(_VALUE)
    described["description"] = pattern.format(minimum=fact.value.minimum, maximum=fact.value.maximum)
    if fact.value.kind in (ValueKind.TEXT, ValueKind.TEXT_AS_WRITTEN):
        described["maxLength"] = MAX_TEXT_LENGTH
    return described


def _phone() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "number": {**_VALUE, "description": "North American number, best with +1."},
            "type": {**_VALUE, "description": "Line type: mobile, landline or voip."},
            "dnc": {**_VALUE, "description": "Whether this number must not be called."},
        },
    }


def _list_of(generated: dict[str, Any], items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "maxItems": generated["maxItems"], "items": items}


def _without_title(described: Any) -> Any:
    return (
        described if isinstance(described, bool) else {key: value for key, value in described.items() if key != "title"}
    )
