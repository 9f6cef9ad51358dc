"""Conversion of BatchData's properties to records of `ingest.leads`, and rejected entries."""

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.records.normalise import PropertyRecord, normalise
from contracts import batchdata, conform
from ingest.leads.lead_row import SOURCE_RANKS
from pull.lead_records import PulledRecord, RejectedEntry, convert_property
from sandbox.app import build
from sandbox.vendors.batchdata.property_requests import PropertyCriteria
from support.vendors import SETTINGS

TODAY = date(2026, 11, 21)
PROPERTY: dict[str, Any] = {
    "_id": "a1b2c3",
    "address": {"street": "418 Palmetto Ave", "city": "Dunedin", "county": "Pinellas", "state": "FL", "zip": "34698"},
    "owner": {
        "fullName": "Marjorie Holt",
        "names": [
            {"first": "Marjorie", "last": "Holt", "full": "Marjorie Holt"},
            {"first": "Ed", "last": "Holt", "full": "Ed Holt"},
        ],
        "ownerOccupied": True,
        "ownerStatusType": "Individual",
        "mailingAddress": {"street": "1 Elm St", "city": "Tampa", "state": "FL", "zip": "33602"},
    },
    "building": {"yearBuilt": 1961, "bedroomCount": 3, "bathroomCount": 2.5, "livingAreaSquareFeet": 1540},
    "valuation": {
        "estimatedValue": 412000,
        "equityCurrentEstimatedBalance": 351000,
        "ltv": 14.8,
        "equityPercent": 85.2,
    },
    "openLien": {"totalOpenLienCount": 1, "totalOpenLienBalance": 61000},
    "sale": {"lastSale": {"price": 180000, "saleDate": "2004-05-17"}},
    "ids": {"apn": "12-3456789"},
    "quickLists": {"ownerOccupied": True, "vacant": False},
}


def converted(entry: Any, **more: Any) -> PulledRecord:
    record = convert_property(entry, TODAY, more.get("broker_id"))
    assert isinstance(record, PulledRecord), record
    return record


def test_every_field_of_a_lead_record_is_filled() -> None:
    conform(batchdata.Property, PROPERTY)
    broker = uuid4()
    fields = converted(PROPERTY, broker_id=broker).record.model_dump(exclude_defaults=True)
    assert fields == {
        "source": "batchdata", "observed_on": TODAY, "broker_id": broker, "apn": "12-3456789",
        "property_address": "418 Palmetto Ave", "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
        "county": "Pinellas", "owner_first_name": "Marjorie", "owner_last_name": "Holt", "owner2_first_name": "Ed",
        "owner2_last_name": "Holt", "mailing_address": "1 Elm St", "mailing_city": "Tampa", "mailing_state": "FL",
        "mailing_zip": "33602", "bedrooms": 3, "bathrooms": 2.5, "building_sqft": 1540, "year_built": 1961,
        "owner_occupied": True, "vacant": False, "est_value": 412000, "est_equity": 351000, "est_ltv": 14.8, "open_loans": 1,
        "open_loan_balance": 61000, "last_sale_date": "2004-05-17", "last_sale_amount": 180000,
    }  # fmt: skip


def test_ingest_reads_every_value_of_every_property_and_ranks_the_source() -> None:
    properties = build(SETTINGS).state.batchdata._catalog.find_properties(PropertyCriteria(query="Pinellas County, FL"))
    for entry in [PROPERTY, *properties]:
        conform(batchdata.Property, entry)
        raw = converted(entry).record.model_dump() | {"phones": []}
        found = normalise(raw, TODAY)
        assert isinstance(found, PropertyRecord)
        assert found.dropped == []
    assert SOURCE_RANKS[converted(PROPERTY).record.source] == 6


def test_an_organisation_is_a_company_and_equity_gives_a_missing_loan_to_value() -> None:
    trust = PROPERTY | {
        "owner": {"fullName": "Holt Family Trust", "ownerStatusType": "Trust"},
        "valuation": {"equityPercent": 85.5},
    }
    fields = converted(trust).record.model_dump()
    names = ("company_name", "owner_last_name", "est_ltv")
    assert [fields[name] for name in names] == ["Holt Family Trust", None, "14.5%"]


def test_the_message_id_depends_on_the_property_its_facts_and_the_day() -> None:
    first = converted(PROPERTY)
    assert converted(json.loads(json.dumps(PROPERTY))).id == first.id
    other_value = PROPERTY | {"valuation": PROPERTY["valuation"] | {"estimatedValue": 500_000}}
    tomorrow = convert_property(PROPERTY, date(2026, 11, 22), None)
    assert isinstance(tomorrow, PulledRecord)
    ids = {first.id, converted(other_value).id, tomorrow.id, converted(PROPERTY | {"_id": "other"}).id}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "not_an_object"),
        ([PROPERTY], "not_an_object"),
        ({}, "missing_address"),
        (PROPERTY | {"address": [PROPERTY["address"]]}, "missing_address"),
        (PROPERTY | {"address": PROPERTY["address"] | {"zip": {"code": "34698"}}}, "missing_zip"),
        (PROPERTY | {"address": PROPERTY["address"] | {"city": " "}}, "missing_city"),
        (PROPERTY | {"address": PROPERTY["address"] | {"street": "418 \ud800"}}, "broken_text"),
    ],
)
def test_an_entry_that_is_no_property_is_rejected_with_a_reason(entry: Any, reason: str) -> None:
    assert convert_property(entry, TODAY, None) == RejectedEntry(reason, entry)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(place=st.sampled_from([(one,) for one in PROPERTY] + [("address", "zip"), ("owner", "names")]), value=JSON)
def test_no_json_value_raises(place: tuple[str, ...], value: Any) -> None:
    entry = json.loads(json.dumps(PROPERTY))
    inner = entry
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert isinstance(convert_property(entry, TODAY, None), PulledRecord | RejectedEntry)
    assert isinstance(convert_property(value, TODAY, None), PulledRecord | RejectedEntry)
