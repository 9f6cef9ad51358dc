"""A score equals the sum of its parts, is repeatable, and changes in the direction that a broker expects."""

from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.scoring.score import score

TODAY = date(2026, 11, 21)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        "est_value": st.integers(0, 3_000_000), "est_equity": st.integers(-500_000, 3_000_000), "est_ltv": st.floats(0, 300),
        "open_loans": st.integers(0, 4), "owner_occupied": st.booleans(), "vacant": st.booleans(),
        "last_sale_date": st.dates(date(1900, 1, 1), TODAY),
    },
)  # fmt: skip
FLAGS = st.fixed_dictionaries(
    {"litigator": st.booleans(), "deceased_owner": st.booleans(), "do_not_mail": st.booleans()}
)


def total_score(facts: dict[str, Any], flags: dict[str, bool] | None = None, phones: int = 0, emails: int = 0) -> int:
    return score(facts, flags or {}, phones=phones, emails=emails, today=TODAY).total


@given(FACTS, FLAGS, st.integers(0, 5), st.integers(0, 4))
def test_contributions_add_up_to_a_total_between_0_and_100(facts: Any, flags: Any, phones: int, emails: int) -> None:
    found = score(facts, flags, phones=phones, emails=emails, today=TODAY)
    assert 0 <= found.total <= 100
    assert sum(found.contributions.values()) == found.total
    assert score(facts, flags, phones=phones, emails=emails, today=TODAY) == found


@given(FACTS, st.integers(0, 2_000_000), st.integers(0, 1_000_000))
def test_more_equity_never_scores_less(facts: dict[str, Any], equity: int, more: int) -> None:
    fixed = {key: value for key, value in facts.items() if key != "est_ltv"}
    assume(equity + more <= fixed.get("est_value", equity + more))
    assert total_score(fixed | {"est_equity": equity + more}) >= total_score(fixed | {"est_equity": equity})


@given(FACTS, FLAGS)
def test_more_contacts_never_score_less(facts: dict[str, Any], flags: dict[str, bool]) -> None:
    assert total_score(facts, flags, phones=1, emails=1) >= total_score(facts, flags)


def test_a_litigator_or_a_deceased_owner_scores_low() -> None:
    best = {
        "est_value": 1_000_000,
        "est_equity": 1_000_000,
        "open_loans": 0,
        "owner_occupied": True,
        "last_sale_date": date(1980, 1, 1),
    }
    assert total_score(best, phones=1, emails=1) == 100
    assert total_score(best, {"litigator": True}) <= 40
    assert total_score(best, {"deceased_owner": True}) <= 40


@given(FACTS, st.floats(0, 300), st.floats(0, 300))
def test_a_higher_loan_to_value_never_scores_more(facts: dict[str, Any], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert total_score(facts | {"est_ltv": low}) >= total_score(facts | {"est_ltv": high})


@given(FACTS, st.dates(date(1947, 1, 1), TODAY), st.dates(date(1947, 1, 1), TODAY))
def test_a_longer_ownership_never_scores_less(facts: dict[str, Any], one: date, other: date) -> None:
    earlier, later = sorted((one, other))
    assert total_score(facts | {"last_sale_date": earlier}) >= total_score(facts | {"last_sale_date": later})


@given(FACTS, FLAGS, st.sampled_from(["litigator", "deceased_owner", "do_not_mail"]))
def test_a_reason_for_caution_never_scores_more(facts: dict[str, Any], flags: dict[str, bool], flag: str) -> None:
    assert total_score(facts, flags | {flag: True}) <= total_score(facts, flags | {flag: False})
    assert total_score(facts | {"vacant": True}, flags) <= total_score(facts | {"vacant": False}, flags)
    assert total_score(facts | {"owner_occupied": True}, flags) >= total_score(facts | {"owner_occupied": False}, flags)


def test_an_unknown_fact_adds_nothing() -> None:
    assert score({}, {}, phones=0, emails=0, today=TODAY).contributions == {"base": 10}
    assert total_score({"est_equity": 1, "est_value": 0}) == 10


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"last_sale_date": date(1900, 1, 1)}, {}),
        ({"est_value": 400_000, "est_equity": 99_999_999}, {"est_value": 400_000}),
        ({"est_value": 400_000, "est_equity": 20_000, "est_ltv": 0}, {"est_value": 400_000, "est_equity": 20_000}),
        ({"est_value": 400_000, "open_loan_balance": 380_000, "est_ltv": 0.95}, {"est_value": 400_000, "est_ltv": 95}),
        ({"open_loans": 2, "open_loan_balance": 0}, {}),
        ({"open_loans": 0, "open_loan_balance": 250_000}, {}),
        ({"open_loans": 0, "est_ltv": 80}, {"est_ltv": 80}),
        ({"est_ltv": -1}, {}),
        ({"est_ltv": 9_999}, {}),
    ],
)
def test_no_placeholder_and_no_contradiction_raises_a_score(wrong: dict[str, Any], right: dict[str, Any]) -> None:
    assert total_score(wrong) <= total_score(right)
