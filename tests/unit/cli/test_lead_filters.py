"""Filters of leads as texts, and names as a person types them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands.leads.filters import FILTER_NAMES, LeadFilter, LeadStatus, parse_where
from cli.commands.leads.searches import name_prefixes
from cli.shell.errors import UsageError

VALUES = {
    "status": "queued",
    "broker": "Ruiz",
    "state": "FL",
    "county": "Pinellas",
    "min-score": "10",
    "max-score": "90",
    "created-since": "2026-03-01",
    "updated-since": "24h",
    "source": "propstream",
    "upload": "01a1fc73-2c4b-7487-8c65-ff5ed8d7211b",
}


@given(
    st.text(max_size=30)
    | st.sampled_from(FILTER_NAMES).flatmap(lambda name: st.text(max_size=9).map(f"{name}={{}}".format))
)
def test_any_text_is_a_condition_or_a_usage_error(text: str) -> None:
    try:
        wanted = parse_where([text])
    except UsageError:
        return
    assert len(wanted.conditions) == 1


@given(st.sets(st.sampled_from(FILTER_NAMES)), st.randoms())
def test_the_order_of_conditions_does_not_matter(names: set[str], random: object) -> None:
    texts = [f"{name}={VALUES[name]}" for name in sorted(names) if name != "updated-since"]
    shuffled = sorted(texts, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert parse_where(texts) == parse_where(shuffled)


def test_every_condition_can_be_written() -> None:
    assert set(VALUES) == set(FILTER_NAMES)
    wanted = parse_where([f"{name}={value}" for name, value in VALUES.items()])
    assert wanted.to_json().keys() == {name.replace("-", "_") for name in FILTER_NAMES}


def test_a_status_may_be_repeated() -> None:
    assert parse_where(["status=new", "status=Queued"]) == LeadFilter(status=(LeadStatus.NEW, LeadStatus.QUEUED))


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        ("Holt", ["Holt"]),
        ("Dana Holt", ["Dana Holt", "Holt Dana"]),
        ("Holt, Da", ["Holt Da"]),
        ("Ann De La Cruz", ["Ann De La Cruz", "De La Cruz Ann", "La Cruz Ann De", "Cruz Ann De La"]),
    ],
)
def test_a_name_is_searched_with_either_part_first(text: str, prefixes: list[str]) -> None:
    assert name_prefixes(text) == prefixes
