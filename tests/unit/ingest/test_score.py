"""A score is explained by its parts, repeats, and moves the way a broker expects."""

from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ingest.score import score

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


def total(facts: dict[str, Any], flags: dict[str, bool] | None = None, phones: int = 0, emails: int = 0) -> int:
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
    assert total(fixed | {"est_equity": equity + more}) >= total(fixed | {"est_equity": equity})


@given(FACTS, FLAGS)
def test_ways_to_reach_the_owner_never_score_less(facts: dict[str, Any], flags: dict[str, bool]) -> None:
    assert total(facts, flags, phones=1, emails=1) >= total(facts, flags)


def test_a_litigator_or_a_dead_owner_scores_next_to_nothing() -> None:
    best = {
        "est_value": 1_000_000,
        "est_equity": 1_000_000,
        "open_loans": 0,
        "owner_occupied": True,
        "last_sale_date": date(1980, 1, 1),
    }
    assert total(best, phones=1, emails=1) == 100
    assert total(best, {"litigator": True}) <= 40
    assert total(best, {"deceased_owner": True}) <= 40


@given(FACTS, st.floats(0, 300), st.floats(0, 300))
def test_a_higher_loan_to_value_never_scores_more(facts: dict[str, Any], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert total(facts | {"est_ltv": low}) >= total(facts | {"est_ltv": high})


@given(FACTS, st.dates(date(1947, 1, 1), TODAY), st.dates(date(1947, 1, 1), TODAY))
def test_a_longer_ownership_never_scores_less(facts: dict[str, Any], one: date, other: date) -> None:
    earlier, later = sorted((one, other))
    assert total(facts | {"last_sale_date": earlier}) >= total(facts | {"last_sale_date": later})


@given(FACTS, FLAGS, st.sampled_from(["litigator", "deceased_owner", "do_not_mail"]))
def test_a_reason_for_caution_never_scores_more(facts: dict[str, Any], flags: dict[str, bool], flag: str) -> None:
    assert total(facts, flags | {flag: True}) <= total(facts, flags | {flag: False})
    assert total(facts | {"vacant": True}, flags) <= total(facts | {"vacant": False}, flags)
    assert total(facts | {"owner_occupied": True}, flags) >= total(facts | {"owner_occupied": False}, flags)


def test_what_is_not_known_counts_for_nothing() -> None:
    assert score({}, {}, phones=0, emails=0, today=TODAY).contributions == {"base": 10}
    assert total({"est_equity": 1, "est_value": 0}) == 10


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
def test_no_sentinel_and_no_contradiction_lifts_a_lead(wrong: dict[str, Any], right: dict[str, Any]) -> None:
    assert total(wrong) <= total(right)
