"""Every record that fits the event model is prepared for the database or rejected with reasons."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.bus import Received
from common.events import LeadRecord
from common.ids import BrokerId, new_id
from common.lead_facts import LEAD_FACTS
from common.pii.keyring import Keyring
from common.records.rejection import RejectionReason
from ingest.leads.lead_row import observation_stamp
from ingest.prepare import PreparedRecord, RejectedRecord, prepare
from ingest.territories.broker_map import BrokerMap
from ingest.territories.queries import ActiveTerritory

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEYRING = Keyring({"k1": bytes(32)}, "k1", bytes(32))
MINE, OTHER = BrokerId(UUID(int=1)), BrokerId(UUID(int=2))
NO_BROKERS = BrokerMap((), ())
HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}
LARGEST: dict[str, int | Decimal] = {
    "smallint": 2**15 - 1,
    "integer": 2**31 - 1,
    "bigint": 2**63 - 1,
    "numeric(5,2)": Decimal("999.99"),
    "numeric(7,2)": Decimal("99999.99"),
}
WIDTHS = {fact.name: LARGEST[fact.sql_type] for fact in LEAD_FACTS if fact.sql_type in LARGEST}


def received(event: LeadRecord, time: datetime = NOW) -> Received[LeadRecord]:
    record = ConsumerRecord("ingest.leads", 0, 0, 0, 0, None, None, 0, 0, 0, ())
    return Received(event, record, new_id(), time, time.date())


def prepare_body(
    body: Mapping[str, Any], brokers: BrokerMap = NO_BROKERS, time: datetime = NOW
) -> PreparedRecord | RejectedRecord:
    return prepare(received(LeadRecord.model_validate_json(json.dumps(body)), time), brokers, KEYRING, today=NOW.date())


def prepare_home(body: dict[str, Any], brokers: BrokerMap = NO_BROKERS, time: datetime = NOW) -> PreparedRecord:
    found = prepare_body(HOME | body, brokers, time)
    assert isinstance(found, PreparedRecord), found
    return found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12) | st.sampled_from(["Yes", "$9,999,999,999,999", "99999", "1/1/1700", "-5", "\x00", "x" * 300]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["number", "type", "dnc"]), inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys(LeadRecord.model_fields, JSON))


@given(BODIES, st.booleans(), st.datetimes(timezones=st.just(UTC)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_is_refused_by_the_model_or_gets_a_result(body: dict[str, Any], whole: bool, time: datetime) -> None:
    body.pop("cells", None)
    try:
        event = LeadRecord.model_validate_json(json.dumps(body | HOME if whole else body))
    except ValidationError:
        return
    assert_fits_the_database(prepare(received(event, time), NO_BROKERS, KEYRING, today=NOW.date()))


CELLS = st.dictionaries(
    st.sampled_from(["Address", "Unit #", "City", "State", "Zip", "County", "APN", "Est. Value", "Phone 1", "Email 1", "LTV"])
    | st.text(max_size=8),
    st.text(max_size=20) | st.sampled_from(["418 Palmetto Ave", "FL", "34698", "$1,000", "(727) 555-0142", "Yes"]),
    max_size=14,
)  # fmt: skip


@given(CELLS)
@settings(max_examples=300, deadline=None)
def test_any_cells_get_a_result(cells: dict[str, str]) -> None:
    assert_fits_the_database(
        prepare_body({"cells": {name: cell.encode("utf-8", "replace").decode() for name, cell in cells.items()}})
    )


def assert_fits_the_database(found: PreparedRecord | RejectedRecord) -> None:
    """Check that PostgreSQL takes every value: one that it refuses would make the bus split the whole batch."""
    if isinstance(found, RejectedRecord):
        assert found.reasons
        assert all(isinstance(reason, RejectionReason) for reason in found.reasons)
        return
    facts = found.row.facts
    for name, value in facts.items():
        if isinstance(value, str):
            assert "\x00" not in value
            assert value.encode()
        if name in WIDTHS:
            assert value is None or abs(value) <= WIDTHS[name]
    assert len(facts["property_state"]) == 2
    assert len(facts["addr_hash"]) == 16
    assert 0 <= found.row.lead_score <= 100
    assert abs(found.row.stamp) <= LARGEST["integer"]


def test_a_row_that_the_gateway_could_not_read_is_rejected() -> None:
    found = prepare_body({"row_problem": "the row has 3 cells", "cells": {"Address": "1 Elm St"}})
    assert isinstance(found, RejectedRecord)
    assert found.reasons == ["unreadable_row"]


def test_an_observation_from_the_future_counts_as_today() -> None:
    """Check the limit: otherwise one sender's wrong clock would win over all later observations."""
    today = observation_stamp(NOW.date().toordinal(), "upstream")
    assert prepare_home({"observed_on": "2031-01-01"}).row.stamp == today
    assert prepare_home({}, time=NOW + timedelta(days=900)).row.stamp == today
    assert prepare_home({"observed_on": "2026-11-01"}).row.stamp == observation_stamp(
        date(2026, 11, 1).toordinal(), "upstream"
    )


def test_each_contact_is_hashed_in_its_normal_form() -> None:
    found = prepare_home(
        {"phones": [{"number": "(727) 555-0142", "type": "Cell", "dnc": "Yes"}], "emails": ["A@Example.com"]}
    )
    phone, email = found.contacts
    assert (phone.value_hash, phone.line_type, phone.dnc) == (KEYRING.hash_contact("+17275550142"), "mobile", True)
    assert email.value_hash == KEYRING.hash_contact("a@example.com")


TERRITORIES = BrokerMap(
    [MINE, OTHER],
    [
        ActiveTerritory(MINE, "FL", "PINELLAS", None),
        ActiveTerritory(OTHER, "FL", None, None),
        ActiveTerritory(OTHER, "FL", None, "34677"),
    ],
)


@pytest.mark.parametrize(
    ("body", "broker"),
    [
        ({"county": "Pinellas County"}, MINE), ({"county": "Pinellas", "property_zip": "34677"}, OTHER), ({}, OTHER),
        ({"property_state": "GA", "property_zip": "30030"}, None), ({"broker_id": str(MINE)}, MINE),
        ({"county": "Pinellas", "allowed_broker_ids": [str(OTHER)]}, None),
    ],
)  # fmt: skip
def test_the_broker_is_the_one_named_or_the_one_of_the_territory(body: dict[str, Any], broker: UUID | None) -> None:
    assert prepare_home(body, TERRITORIES).row.broker_id == broker


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"broker_id": str(MINE), "allowed_broker_ids": [str(OTHER)]}, "broker_not_allowed"),
        ({"broker_id": str(UUID(int=3))}, "unknown_broker"),
    ],
)
def test_a_record_that_names_a_forbidden_broker_is_rejected(body: dict[str, Any], reason: str) -> None:
    found = prepare_body(HOME | body, TERRITORIES)
    assert isinstance(found, RejectedRecord)
    assert found.reasons == [reason]


@pytest.mark.parametrize(("status", "dnc"), [("Disconnected", True), ("wrong", True), ("STOP", True), ("active", None)])
def test_the_status_beside_a_number_is_about_that_number(status: str, dnc: bool | None) -> None:
    found = prepare_home({"phones": [{"number": "727-555-0142", "status": status}, "727-555-0177"]})
    assert [contact.dnc for contact in found.contacts] == [dnc, None]
    assert not found.row.flags["deceased_owner"]


@pytest.mark.parametrize("beside", [{"do_not_contact": "Yes"}, {"opted_out": True}, {"notes": "do not contact"}])
def test_a_prohibition_in_a_field_beside_the_cells_holds_for_the_row(beside: dict[str, Any]) -> None:
    cells = {"Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698", "Phone 1": "727-555-0142"}
    found = prepare_body({"cells": cells} | beside)
    assert isinstance(found, PreparedRecord)
    assert found.do_not_contact
    assert [contact.dnc for contact in found.contacts] == [True]
