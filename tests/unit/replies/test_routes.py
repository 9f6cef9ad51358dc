"""Routing table: the page shows it, every result has one route, and no result grants anything."""

import re
from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from replies.routes import (
    CALL,
    CONSENT_LINK,
    IRREVERSIBLE_ROUTES,
    OPT_OUT,
    QUESTION,
    ROUTES,
    Classification,
    ClassifiedBy,
    Intent,
    choose_route,
    may_replace,
)

PAGE = Path(__file__).parents[3] / "docs/replies.md"
results = st.builds(
    Classification,
    intent=st.sampled_from(get_args(Intent)),
    classified_by=st.sampled_from(get_args(ClassifiedBy)),
    confidence=st.none() | st.floats(0, 1),
)


def test_the_page_has_the_table_of_the_code() -> None:
    section = PAGE.read_text().split("## Routing")[1].split("\n## ")[0]
    rows = [[cell.strip().strip("`") for cell in line.split("|")[1:-1]] for line in section.splitlines() if "|" in line]
    shown = {row[0]: row[1:] for row in rows[2:]}
    intents: dict[str, set[str]] = {route.name: set() for route in ROUTES}
    for intent in get_args(Intent):
        for has_consent in (True, False):
            for can_answer in (True, False):
                result = Classification(intent, "rules")
                intents[choose_route(result, has_consent=has_consent, can_answer=can_answer).name].add(intent)
    for route in ROUTES:
        written = shown.pop(route.name)
        assert set(re.split(r",\s*", written[0])) == intents[route.name]
        assert written[1:] == [
            route.status or "unchanged", route.suppression or "–", route.answer or "–", route.action,
        ]  # fmt: skip
    assert not shown


@given(results, st.booleans(), st.booleans())
def test_an_opt_out_counts_at_any_confidence_and_nothing_unsure_acts(
    result: Classification, has_consent: bool, can_answer: bool
) -> None:
    route = choose_route(result, has_consent=has_consent, can_answer=can_answer)
    if result.intent == "unsubscribe":
        assert route is OPT_OUT
    elif result.confidence is not None and result.confidence < 0.6:
        assert route is QUESTION
    if route is CALL:
        assert has_consent
    if route is CONSENT_LINK:
        assert can_answer
        assert not has_consent


@given(st.sampled_from(ROUTES), st.sampled_from(ROUTES), st.booleans())
def test_no_later_result_undoes_an_opt_out_or_answers_twice(former: object, new: object, is_answered: bool) -> None:
    former_route, new_route = ROUTES[ROUTES.index(former)], ROUTES[ROUTES.index(new)]
    replaced = may_replace(former_route.name, new_route, is_answered=is_answered)
    if former_route.name in IRREVERSIBLE_ROUTES:
        assert not replaced or new_route is OPT_OUT
    elif new_route is OPT_OUT:
        assert replaced
    elif is_answered and new_route.suppression is None:
        assert not replaced
