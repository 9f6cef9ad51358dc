"""Features of a lead are the facts that its score reads, in ranges, and none of the facts that must not be learned from."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.scoring.queries import FactsToScore
from common.scoring.score import read_features, score, score_features
from feeder.daily_feed.queries import CandidateFacts

TODAY = date(2026, 11, 21)
FORBIDDEN_WORDS = {
    "name", "first", "last", "owner2", "company",  # names
    "age", "birth", "born", "senior", "elderly",  # age
    "demographics", "gender", "race", "ethnicity", "religion", "marital", "children", "income", "education",
    "domain", "type", "line", "carrier",  # email domain, phone line type
    "zip", "county", "fips", "city", "street", "address", "latitude", "longitude", "coordinates", "tract", "mailing",
    "language", "persona", "notes", "note", "transcript", "emotion", "sentiment",
}  # fmt: skip
"""Words of names, age, birth date, demographics, contact kinds, places, language, personas, notes, transcripts, emotions."""
KNOWN = {
    "est_value": 400_000, "est_equity": 320_000, "est_ltv": 20, "open_loans": 0, "last_sale_date": date(2004, 5, 1),
    "owner_occupied": True, "vacant": False,
}  # fmt: skip


def features_of(**facts: Any) -> dict[str, Any]:
    return read_features(facts, {}, phones=0, emails=0, today=TODAY)


def test_no_feature_names_a_fact_that_must_not_be_learned_from() -> None:
    assert [name for name in features_of() if FORBIDDEN_WORDS & set(name.split("_"))] == []


def test_the_score_reads_no_fact_that_must_not_be_learned_from() -> None:
    """`last_sale_date` is the home's date of sale."""
    columns = set(FactsToScore.__annotations__) - {"last_sale_date"}
    assert [name for name in columns if FORBIDDEN_WORDS & set(name.split("_"))] == []


def test_a_feature_is_a_number_of_a_step_a_boolean_or_unknown() -> None:
    assert {type(value) for value in features_of(**KNOWN).values()} <= {int, bool, type(None)}


@pytest.mark.parametrize(
    ("equity", "step"),
    [(None, None), (-5, 0), (0, 0), (49_999, 0), (50_000, 50_000), (99_999.99, 50_000), (1_000_000, 1_000_000)],
)
def test_an_amount_becomes_the_lower_end_of_its_step(equity: float | None, step: int | None) -> None:
    assert features_of(est_equity=equity)["equity"] == step


@given(st.integers(300_000, 319_999), st.dates(date(2001, 12, 1), date(2006, 11, 1)))
def test_facts_within_one_step_cannot_be_told_apart(equity: int, sold: date) -> None:
    common = {"est_value": 400_000, "open_loans": 1}
    first = features_of(**common, est_equity=equity, last_sale_date=sold)
    assert first == features_of(**common, est_equity=300_000, last_sale_date=date(2004, 5, 1))


@given(st.booleans(), st.booleans(), st.integers(0, 3), st.integers(0, 3))
def test_the_score_is_a_function_of_the_features(occupied: bool, litigator: bool, phones: int, emails: int) -> None:
    arguments: dict[str, Any] = {"phones": phones, "emails": emails, "today": TODAY, "verified": ("email",)}
    facts, flags = KNOWN | {"owner_occupied": occupied}, {"litigator": litigator}
    assert score(facts, flags, **arguments) == score_features(read_features(facts, flags, **arguments))


def test_the_feed_reads_all_facts_that_the_score_reads() -> None:
    assert CandidateFacts.__annotations__.items() >= FactsToScore.__annotations__.items()
