"""BatchData's property as a record of ingest, and what is none."""

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import batchdata, conform
from ingest.leads.lead_row import SOURCE_RANKS
from ingest.normalise import PropertyRecord, normalise
from pull.records import Pulled, Unreadable, read_property
from sandbox.app import build
from sandbox.vendors.batchdata.searching import Criteria
from support.vendors import SETTINGS

TODAY = date(2026, 11, 21)
HOUSE: dict[str, Any] = {
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


def record_of(house: Any, **more: Any) -> Pulled:
    found = read_property(house, TODAY, more.get("broker_id"))
    assert isinstance(found, Pulled), found
    return found


def test_every_field_that_ours_can_hold_is_taken() -> None:
    conform(batchdata.Property, HOUSE)
    broker = uuid4()
    kept = record_of(HOUSE, broker_id=broker).record.model_dump(exclude_defaults=True)
    assert kept == {
        "source": "batchdata", "observed_on": TODAY, "broker_id": broker, "apn": "12-3456789",
        "property_address": "418 Palmetto Ave", "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
        "county": "Pinellas", "owner_first_name": "Marjorie", "owner_last_name": "Holt", "owner2_first_name": "Ed",
        "owner2_last_name": "Holt", "mailing_address": "1 Elm St", "mailing_city": "Tampa", "mailing_state": "FL",
        "mailing_zip": "33602", "bedrooms": 3, "bathrooms": 2.5, "building_sqft": 1540, "year_built": 1961,
        "owner_occupied": True, "vacant": False, "est_value": 412000, "est_equity": 351000, "est_ltv": 14.8, "open_loans": 1,
        "open_loan_balance": 61000, "last_sale_date": "2004-05-17", "last_sale_amount": 180000,
    }  # fmt: skip


def test_ingest_understands_every_value_of_every_property_and_knows_the_source() -> None:
    properties = build(SETTINGS).world.batchdata._properties.found(Criteria(query="Pinellas County, FL"))
    for house in [HOUSE, *properties]:
        conform(batchdata.Property, house)
        raw = record_of(house).record.model_dump() | {"phones": []}
        found = normalise(raw, TODAY)
        assert isinstance(found, PropertyRecord)
        assert found.dropped == []
    assert SOURCE_RANKS[record_of(HOUSE).record.source] == 6


def test_an_owner_that_is_no_person_is_a_company_and_equity_tells_a_missing_loan_to_value() -> None:
    trust = HOUSE | {
        "owner": {"fullName": "Holt Family Trust", "ownerStatusType": "Trust"},
        "valuation": {"equityPercent": 85.5},
    }
    record = record_of(trust).record
    assert (record.company_name, record.owner_last_name, record.est_ltv) == ("Holt Family Trust", None, "14.5%")


def test_the_id_is_that_of_the_property_its_facts_and_the_day() -> None:
    first = record_of(HOUSE)
    assert record_of(json.loads(json.dumps(HOUSE))).id == first.id
    other_value = HOUSE | {"valuation": HOUSE["valuation"] | {"estimatedValue": 500_000}}
    tomorrow = read_property(HOUSE, date(2026, 11, 22), None)
    assert isinstance(tomorrow, Pulled)
    ids = {first.id, record_of(other_value).id, tomorrow.id, record_of(HOUSE | {"_id": "other"}).id}
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "not_an_object"),
        ([HOUSE], "not_an_object"),
        ({}, "missing_address"),
        (HOUSE | {"address": [HOUSE["address"]]}, "missing_address"),
        (HOUSE | {"address": HOUSE["address"] | {"zip": {"code": "34698"}}}, "missing_zip"),
        (HOUSE | {"address": HOUSE["address"] | {"city": " "}}, "missing_city"),
        (HOUSE | {"address": HOUSE["address"] | {"street": "418 \ud800"}}, "broken_text"),
    ],
)
def test_what_is_no_property_is_told_apart(entry: Any, reason: str) -> None:
    assert read_property(entry, TODAY, None) == Unreadable(reason, entry)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(place=st.sampled_from([(one,) for one in HOUSE] + [("address", "zip"), ("owner", "names")]), value=JSON)
def test_nothing_that_json_can_hold_raises(place: tuple[str, ...], value: Any) -> None:
    house = json.loads(json.dumps(HOUSE))
    inner = house
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert isinstance(read_property(house, TODAY, None), Pulled | Unreadable)
    assert isinstance(read_property(value, TODAY, None), Pulled | Unreadable)
