"""Criteria of saved searches, and the messages for invalid ones."""

import json
from typing import Any

import pytest

from contracts import batchdata, conform
from pull.criteria import CriteriaError, flatten_criteria, read_criteria

VALID = {
    "query": "Pinellas County, FL",
    "quickLists": ["owner-occupied", "high-equity", "not-vacant"],
    "valuation": {"equityPercent": {"min": 50}, "estimatedValue": {"min": 200_000, "max": 1_500_000}},
    "demographics": {"age": {"min": 62}},
}


def test_valid_criteria_are_stored_unchanged() -> None:
    stored = read_criteria(json.dumps(VALID))
    assert stored == VALID
    assert read_criteria(json.dumps({"searchCriteria": VALID})) == VALID
    conform(batchdata.Search, {"searchCriteria": stored})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"query": None}, "query: "),
        ({"quicklists": ["vacant"]}, "quicklists: unknown here; known are query, quickLists"),
        ({"quickLists": ["Owner Occupied"]}, "a quick list is written such as owner-occupied"),
        ({"quickLists": ["vacant", "not-vacant"]}, "has both vacant and not-vacant"),
        ({"valuation": {"equityPercent": {"min": 70, "max": 50}}}, "valuation.equityPercent: min is above max"),
        ({"valuation": {"equityPercent": {"minimum": 70}}}, "minimum: unknown here; known are min, max"),
        ({"valuation": {"equityPercent": {}}}, "valuation.equityPercent: min, max or both"),
        ({"valuation": {"equityPercent": 50}}, "valuation.equityPercent: "),
        ({"sale": {"saleDate": {"min": "2020-01-01", "max": 5}}}, "both numbers or both days"),
    ],
)
def test_invalid_criteria_are_reported_with_their_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CriteriaError) as raised:
        read_criteria(json.dumps(VALID | change))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"), [("{", "not JSON"), ("[]", "valid dictionary"), ("{}", "query: is needed")]
)
def test_a_document_that_is_no_search_is_reported(text: str, message: str) -> None:
    with pytest.raises(CriteriaError) as raised:
        read_criteria(text)
    assert message in str(raised.value)


def test_criteria_without_a_flat_argument_are_rejected() -> None:
    assert flatten_criteria({"query": "Dunedin, FL", "valuation": {"equityPercent": {"min": 50}}}) == {
        "query": "Dunedin, FL",
        "minEquityPercent": 50,
    }
    with pytest.raises(CriteriaError) as raised:
        flatten_criteria(VALID)
    assert "quickLists: this MCP server's tool cannot" in str(raised.value)
    assert "demographics.age.min" in str(raised.value)
