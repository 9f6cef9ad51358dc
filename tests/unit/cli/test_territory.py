"""A territory is stored in the form of leads' places; otherwise no lead would ever be in it."""

from datetime import date

import pytest

from cli.shell.errors import UsageError
from cli.shell.inputs import Territory, parse_territory
from common.records.normalise import PropertyRecord, normalise

HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}


@pytest.mark.parametrize(
    ("state", "zip_code", "name"),
    [
        ("FL", "34698", "Pinellas"),
        ("FL", "34698", "pinellas county"),
        ("FL", "34698", " Miami-Dade  County "),
        ("LA", "70112", "Orleans Parish"),
        ("FL", "34698", "LAKE CO."),
        ("AK", "99801", "Juneau Borough"),
        ("FL", "34698", "St. Johns"),
        ("GA", "30030", "De Kalb"),
    ],
)
def test_counties_are_written_as_ingest_writes_them(state: str, zip_code: str, name: str) -> None:
    home = HOME | {"property_state": state, "property_zip": zip_code, "county": name}
    record = normalise(home, date(2026, 11, 21))
    assert isinstance(record, PropertyRecord)
    assert parse_territory(state.lower(), name, None) == Territory(state, record.facts["county"], None)


@pytest.mark.parametrize(("state", "county"), [("Floridia", None), ("FL", "County"), ("FL", ""), ("", "Pinellas")])
def test_text_that_is_no_place_is_refused(state: str, county: str | None) -> None:
    with pytest.raises(UsageError):
        parse_territory(state, county, None)
