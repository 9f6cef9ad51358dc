"""Any record becomes typed facts or reasons, and never an error."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.dedupe import FACTS, FLAGS
from ingest.normalise import PropertyRecord, normalise
from ingest.vendors.propstream import record_from_cells
from ingest.verdict import WHAT_TO_DO, Reason

TODAY = date(2026, 11, 21)
HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(
    ["", " ", "n/a", "Yes", "$1,200", "(300)", "12%", "1/2/2020", "2020-13-40", "\x00", "\ud800", "1e400", "NaN", "１２", "٣"]
)  # fmt: skip
NAMES = sorted({*FACTS, *FLAGS, "mak"} - {"addr_hash", "apn_key"})


def facts(**values: Any) -> PropertyRecord:
    found = normalise(HOME | values, TODAY)
    assert isinstance(found, PropertyRecord), found
    return found


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, SCALARS)),
    st.lists(st.tuples(SCALARS, SCALARS, SCALARS), max_size=3),
    st.lists(SCALARS, max_size=3),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_every_record_gets_facts_or_reasons(
    raw: dict[str, Any], phones: list[Any], emails: list[Any], whole: bool
) -> None:
    record = {**raw, "phones": phones, "emails": emails}
    found = normalise(record | HOME if whole else record, TODAY)
    if isinstance(found, PropertyRecord):
        assert set(found.facts) == set(FACTS)
        assert not any("\x00" in value for value in found.facts.values() if isinstance(value, str))
    else:
        assert found
        assert all(isinstance(reason, Reason) for reason in found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"property_address": None}, "missing_address"), ({"property_city": " "}, "missing_city"),
        ({"property_state": ""}, "missing_state"), ({"property_zip": None}, "missing_zip"),
        ({"property_state": "Floridia"}, "invalid_state"), ({"property_zip": "ABCDE"}, "invalid_zip"),
        ({"property_zip": "00000"}, "invalid_zip"), ({"property_address": "PO Box 9"}, "po_box"),
        ({"property_address": "unknown"}, "unreadable_address"), ({"owner_last_name": "Ho\x00lt"}, "invalid_characters"),
        ({"county": "Pin\ud800"}, "invalid_characters"), ({"property_type": "x" * 201}, "value_too_long"),
    ],
)  # fmt: skip
def test_a_record_without_a_readable_home_says_why(change: dict[str, Any], reason: str) -> None:
    assert normalise(HOME | change, TODAY) == [reason]


def test_several_things_wrong_are_all_told() -> None:
    assert normalise({"property_address": "1 Elm St"}, TODAY) == ["missing_city", "missing_state", "missing_zip"]


def test_every_reason_says_what_to_do() -> None:
    assert set(WHAT_TO_DO) == set(Reason)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("property_zip", "2108", "02108"), ("property_zip", 2108, "02108"), ("property_zip", 33755.0, "33755"),
        ("property_zip", "34698-4021", "34698"), ("property_state", "florida", "FL"), ("property_state", "New York", "NY"),
        ("county", "Pinellas County", "PINELLAS"), ("county", "St. Tammany Parish", "ST TAMMANY"),
        ("est_value", "$412,000", 412_000), ("est_value", "412000.00", 412_000), ("est_equity", "($1,200)", -1_200),
        ("est_ltv", "14.8%", Decimal("14.80")), ("bathrooms", 2.5, Decimal("2.50")), ("year_built", "1974", 1974),
        ("last_sale_date", "5/7/1998", date(1998, 5, 7)), ("last_sale_date", "1998-05-07T00:00:00Z", date(1998, 5, 7)),
        ("owner_occupied", "Yes", True), ("vacant", "N", False), ("mailing_zip", "1602", "01602"), ("fips", "4013", "04013"),
    ],
)  # fmt: skip
def test_values_are_read_as_exports_write_them(field: str, text: Any, value: Any) -> None:
    assert facts(**{field: text}).facts[field] == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("year_built", 1066), ("est_ltv", "9000"), ("last_sale_date", "2031-01-01"), ("last_sale_date", "31/31/2020"),
        ("est_value", "lots"), ("bedrooms", -2), ("open_loans", "many"), ("est_value", float("nan")), ("building_sqft", "1e9"),
    ],
)  # fmt: skip
def test_impossible_values_are_left_out_and_named(field: str, text: Any) -> None:
    record = facts(**{field: text})
    assert record.facts[field] is None
    assert record.dropped == [field]


def test_a_parcel_number_counts_within_its_county_only() -> None:
    assert facts(county="Orange", apn="12-34 5").facts["apn_key"] == "FL|ORANGE|12345"
    assert facts(apn="12-34 5").facts["apn_key"] is None
    assert facts(county="Orange", apn="000-00").facts["apn_key"] is None


def test_propstream_cells_are_read_by_their_headers() -> None:
    raw = record_from_cells(
        {
            "\ufeffAddress": "418 Palmetto Ave", "CITY": "Dunedin", "State": "FL", "Zip": "34698", "Unit #": "4",
            "Last Sale Recording Date": "2001-01-02", "Last Sale Date": "2001-01-01", "Phone 2": "7275550177",
            "Phone 1": "7275550142", "Phone 1 DNC": "Yes", "Phone 2 Type": "Mobile", "Email 2": "b@example.com",
            "Email 1": "a@example.com", "MLS Agent Phone": "8135550100", "Notes": "=1+1",
        }
    )  # fmt: skip
    found = normalise(raw, TODAY)
    assert isinstance(found, PropertyRecord)
    assert found.facts["last_sale_date"] == date(2001, 1, 1)
    assert [(p.value, p.line_type, p.dnc) for p in found.phones] == [
        ("+17275550142", None, True), ("+17275550177", "mobile", None),
    ]  # fmt: skip
    assert found.emails == ["a@example.com", "b@example.com"]


def test_a_number_that_is_forbidden_once_is_forbidden() -> None:
    found = facts(
        phones=[("7275550142", None, "No"), ("(727) 555-0142", "Mobile", "Yes"), ("727 555 0142", None, "No")]
    )
    assert [(p.value, p.line_type, p.dnc) for p in found.phones] == [("+17275550142", "mobile", True)]
