"""A territory is stored as leads carry their place, else no lead would ever fall into it."""

import pytest

from cli.commands.brokers import _county
from ingest import normalise


@pytest.mark.parametrize(
    "name",
    ["Pinellas", "pinellas county", " Miami-Dade  County ", "Orleans Parish", "LAKE CO.", "Juneau Borough", "County"],
)
def test_counties_are_written_as_ingest_writes_them(name: str) -> None:
    assert _county(name) == normalise._county(name.strip())
