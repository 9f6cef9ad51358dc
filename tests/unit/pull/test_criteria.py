"""Criteria of saved searches, and the messages for invalid ones."""

import json
from typing import Any

import pytest

from contracts import batchdata, conform
from pull.age_products import AGE_PRODUCTS, find_age_fault
from pull.criteria import CriteriaError, flatten_criteria, read_criteria

VALID = {
    "query": "Pinellas County, FL",
    "quickLists": ["owner-occupied", "high-equity", "not-vacant"],
    "valuation": {"equityPercent": {"min": 50}, "estimatedValue": {"min": 200_000, "max": 1_500_000}},
    "demographics": {"age": {"min": 62}},
}
REASON = "Campaign for HECM only"


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
        ({"demographics": {"income": {"min": 5}}}, "demographics.income: unknown here; known are age"),
        ({"demographics": {"age": {"from": 62}}}, "demographics.age.from: unknown here; known are min, max"),
        ({"demographics": {"age": {"range": {"min": 62}}}}, "demographics.age.range: unknown here"),
        ({"demographics": {"owner": {"age": {"min": 62}}}}, "demographics.owner: unknown here"),
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


def test_a_search_by_the_age_that_a_law_sets_for_its_product_is_allowed() -> None:
    assert find_age_fault(VALID, "hecm", REASON) is None


def test_a_search_without_age_needs_no_product() -> None:
    criteria = {key: value for key, value in VALID.items() if key != "demographics"}
    assert find_age_fault(criteria, None, None) is None
    assert find_age_fault(criteria, "hecm", REASON) == "a product is named only for demographics.age"


@pytest.mark.parametrize(
    ("product", "reason", "message"),
    [
        (None, None, "age needs a product with a minimum age by law (hecm) and a reason"),
        ("hecm", None, "and a reason"),
        ("hecm", "  ", "and a reason"),
        (None, REASON, "age needs a product"),
        ("heloc", REASON, "no law sets a minimum age for heloc; products with one are hecm"),
    ],
)
def test_a_search_by_age_needs_a_product_with_an_age_by_law_and_a_reason(
    product: str | None, reason: str | None, message: str
) -> None:
    assert message in str(find_age_fault(VALID, product, reason))


@pytest.mark.parametrize("age", [{"min": 55}, {"min": 70}, {"max": 62}, {"min": 62, "max": 75}])
def test_any_age_but_the_minimum_of_the_product_is_refused(age: dict[str, int]) -> None:
    criteria = read_criteria(json.dumps(VALID | {"demographics": {"age": age}}))
    fault = str(find_age_fault(criteria, "hecm", REASON))
    assert 'hecm allows {"min": 62} only' in fault and AGE_PRODUCTS["hecm"].source in fault


@pytest.mark.parametrize("part", ["quickLists", "orQuickLists"])
@pytest.mark.parametrize("name", ["senior-owner", "not-senior-owner", "elderly", "over-age"])
def test_a_quick_list_by_age_is_refused_for_every_product(part: str, name: str) -> None:
    criteria = read_criteria(json.dumps(VALID | {part: [name]}))
    assert f"{part}: {name} selects owners by an age" in str(find_age_fault(criteria, "hecm", REASON))
