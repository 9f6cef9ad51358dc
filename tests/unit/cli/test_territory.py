"""A territory is stored as leads carry their place, else no lead would ever fall into it."""

from datetime import date

import pytest

from cli.errors import UsageError
from cli.inputs import territory as _area
from ingest.normalise import PropertyRecord, normalise

HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}


@pytest.mark.parametrize(
    "name",
    [
        "Pinellas",
        "pinellas county",
        " Miami-Dade  County ",
        "Orleans Parish",
        "LAKE CO.",
        "Juneau Borough",
        "St. Johns",
    ],
)
def test_counties_are_written_as_ingest_writes_them(name: str) -> None:
    record = normalise(HOME | {"county": name}, date(2026, 11, 21))
    assert isinstance(record, PropertyRecord)
    assert _area("fl", name, None) == {"state": "FL", "county": record.facts["county"], "zip": None}


@pytest.mark.parametrize(("state", "county"), [("Floridia", None), ("FL", "County"), ("FL", ""), ("", "Pinellas")])
def test_what_is_no_place_is_refused(state: str, county: str | None) -> None:
    with pytest.raises(UsageError):
        _area(state, county, None)
