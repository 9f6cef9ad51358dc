"""What a saved search may ask for, and how it is told what is wrong."""

import json
from typing import Any

import pytest

from contracts import batchdata, conform
from pull.criteria import CriteriaError, flat, read_criteria

GOOD = {
    "query": "Pinellas County, FL",
    "quickLists": ["owner-occupied", "high-equity", "not-vacant"],
    "valuation": {"equityPercent": {"min": 50}, "estimatedValue": {"min": 200_000, "max": 1_500_000}},
    "demographics": {"age": {"min": 62}},
}


def test_the_documents_example_is_kept_as_it_is() -> None:
    kept = read_criteria(json.dumps(GOOD))
    assert kept == GOOD
    assert read_criteria(json.dumps({"searchCriteria": GOOD})) == GOOD
    conform(batchdata.Search, {"searchCriteria": kept})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"query": None}, "query: "),
        ({"quicklists": ["vacant"]}, "quicklists: unknown here; known are query, quickLists"),
        ({"quickLists": ["Owner Occupied"]}, "a quick list is written such as owner-occupied"),
        ({"quickLists": ["vacant", "not-vacant"]}, "wants vacant and not-vacant"),
        ({"valuation": {"equityPercent": {"min": 70, "max": 50}}}, "valuation.equityPercent: min is above max"),
        ({"valuation": {"equityPercent": {"minimum": 70}}}, "minimum: unknown here; known are min, max"),
        ({"valuation": {"equityPercent": {}}}, "valuation.equityPercent: min, max or both"),
        ({"valuation": {"equityPercent": 50}}, "valuation.equityPercent: "),
        ({"sale": {"saleDate": {"min": "2020-01-01", "max": 5}}}, "both numbers or both days"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], told: str) -> None:
    with pytest.raises(CriteriaError) as raised:
        read_criteria(json.dumps(GOOD | change))
    assert told in str(raised.value)


@pytest.mark.parametrize(("text", "told"), [("{", "not JSON"), ("[]", "valid dictionary"), ("{}", "query: is needed")])
def test_what_is_no_search_at_all_is_told_too(text: str, told: str) -> None:
    with pytest.raises(CriteriaError) as raised:
        read_criteria(text)
    assert told in str(raised.value)


def test_the_community_server_gets_flat_arguments_and_what_it_cannot_say_is_refused() -> None:
    assert flat({"query": "Dunedin, FL", "valuation": {"equityPercent": {"min": 50}}}) == {
        "query": "Dunedin, FL",
        "minEquityPercent": 50,
    }
    with pytest.raises(CriteriaError) as raised:
        flat(GOOD)
    assert "quickLists: this MCP server's tool cannot" in str(raised.value)
    assert "demographics.age.min" in str(raised.value)
