"""Look-ups in the legal rules: boundaries of dates, the strictest rule, and a refusal where no rule is known."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.compliance.legal_rules import LegalRules, legal_rules
from common.compliance.rule_kinds import (
    NO_CALL_ALLOWED,
    NO_CALLS,
    AgeInDays,
    CallingHoursRule,
    CallingWeek,
    CallingWindow,
    CallLimitRule,
    ConsentMaxAgeRule,
    HumanFirstRule,
    MaxCalls,
)
from common.geography.places import STATES

TODAY = date(2026, 11, 29)
ALL_STATES = sorted(STATES.values())
COMMON = {"source": "a statute", "checked_on": TODAY, "checked_by": "engineering"}

days = st.dates(date(2021, 1, 1), date(2031, 1, 1))
windows = st.none() | st.tuples(st.integers(0, 22), st.integers(1, 23)).filter(lambda pair: pair[0] < pair[1]).map(
    lambda pair: CallingWindow(time(pair[0]), time(pair[1]))
)
weeks = st.builds(CallingWeek, weekdays=windows, saturday=windows, sunday=windows, holidays=windows)


def human_first(first: date, last: date | None) -> LegalRules:
    return LegalRules(
        [
            HumanFirstRule(
                id="one", states=("CA",), kind="human_first", value="required", effective_from=first, effective_to=last, **COMMON
            )
        ]
    )  # fmt: skip


def test_the_dates_of_new_laws_are_their_first_days() -> None:
    rules = legal_rules()
    for state, first, attribute in (
        ("CA", date(2025, 1, 1), "needs_human_first"),
        ("TX", date(2025, 9, 1), "needs_registration"),
    ):
        assert getattr(rules.law_of(state, first), attribute)
        assert not getattr(rules.law_of(state, first - timedelta(days=1)), attribute)
    first_of_maine, age = date(2024, 7, 16), timedelta(days=1)
    assert rules.law_of("ME", first_of_maine).needs_reassigned_check(age)
    assert not rules.law_of("ME", first_of_maine - timedelta(days=1)).needs_reassigned_check(age)


def test_only_california_asks_for_a_natural_voice_first() -> None:
    assert [state for state in ALL_STATES if legal_rules().law_of(state, TODAY).needs_human_first] == ["CA"]


@pytest.mark.parametrize("state", ALL_STATES)
def test_every_state_has_the_limits_that_apply_everywhere(state: str) -> None:
    law = legal_rules().law_of(state, TODAY)
    assert law.call_limit == MaxCalls(in_24_hours=3, in_all=5)
    assert law.dnc_check_max_age == timedelta(days=31)
    assert law.consent_max_age() == timedelta(days=365)
    duties = {rule.kind for rule in law.rules}
    assert {
        "announce_recording",
        "disclose_artificial_voice",
        "leave_no_message",
        "written_consent",
        "record_keeping",
    } <= duties


def test_the_limits_of_calls_and_look_ups() -> None:
    law = legal_rules().law_of("FL", TODAY)
    assert law.call_limit == MaxCalls(in_24_hours=3, in_all=5)
    assert law.dnc_check_max_age == timedelta(days=31)


def test_a_consent_older_than_ninety_days_needs_the_check_of_reassigned_numbers() -> None:
    law, maine = legal_rules().law_of("FL", TODAY), legal_rules().law_of("ME", TODAY)
    ninety = timedelta(days=90)
    assert not law.needs_reassigned_check(ninety)
    assert law.needs_reassigned_check(ninety + timedelta(microseconds=1))
    assert law.needs_reassigned_check(None)
    assert maine.needs_reassigned_check(timedelta())


@given(first=days, length=st.none() | st.integers(0, 2_000), day=days)
def test_a_rule_applies_from_its_first_to_its_last_day(first: date, length: int | None, day: date) -> None:
    last = None if length is None else first + timedelta(days=length)
    law = human_first(first, last).law_of("CA", day)
    assert law.needs_human_first == (first <= day and (last is None or day <= last))
    assert not human_first(first, last).law_of("NV", day).needs_human_first


@given(everywhere=weeks, of_state=weeks)
def test_hours_are_those_that_both_rules_allow(everywhere: CallingWeek, of_state: CallingWeek) -> None:
    rules = LegalRules(
        [
            CallingHoursRule(id="all", states="all", kind="calling_hours", value=everywhere, effective_from=TODAY, **COMMON),
            CallingHoursRule(id="ky", states=("KY",), kind="calling_hours", value=of_state, effective_from=TODAY, **COMMON),
        ]
    )  # fmt: skip
    week = rules.law_of("KY", TODAY).calling_week
    assert rules.law_of("TN", TODAY).calling_week == everywhere
    for hour in (time(hour) for hour in range(24)):
        for one, two, both in zip(_windows(everywhere), _windows(of_state), _windows(week), strict=True):
            assert _is_open(both, hour) == (_is_open(one, hour) and _is_open(two, hour))


def _windows(week: CallingWeek) -> list[CallingWindow | None]:
    return [week.weekdays, week.saturday, week.sunday, week.holidays]


def _is_open(window: CallingWindow | None, at: time) -> bool:
    return window is not None and window.opens <= at < window.closes


def test_the_smallest_limit_counts() -> None:
    rules = LegalRules(
        [
            CallLimitRule(id="a", states="all", kind="call_limit", value=MaxCalls(in_24_hours=3, in_all=5), effective_from=TODAY, **COMMON),
            CallLimitRule(id="b", states=("FL",), kind="call_limit", value=MaxCalls(in_24_hours=2), effective_from=TODAY, **COMMON),
        ]
    )  # fmt: skip
    assert rules.law_of("FL", TODAY).call_limit == MaxCalls(in_24_hours=2, in_all=5)
    assert rules.law_of("GA", TODAY).call_limit == MaxCalls(in_24_hours=3, in_all=5)


def test_the_setting_replaces_our_rule_and_never_that_of_a_state() -> None:
    def rule(rule_id: str, states: str | tuple[str, ...], age: int) -> ConsentMaxAgeRule:
        value = AgeInDays(days=age)
        return ConsentMaxAgeRule(
            id=rule_id, states=states, kind="consent_max_age", value=value, effective_from=TODAY, **COMMON
        )  # fmt: skip

    rules = LegalRules([rule("ours", "all", 365), rule("vt", ("VT",), 180)])
    assert rules.law_of("NH", TODAY).consent_max_age(setting_days=730) == timedelta(days=730)
    assert rules.law_of("VT", TODAY).consent_max_age(setting_days=730) == timedelta(days=180)
    assert rules.law_of("VT", TODAY).consent_max_age(setting_days=30) == timedelta(days=30)
    assert rules.law_of("VT", TODAY).consent_max_age() == timedelta(days=180)


@pytest.mark.parametrize("rules", [LegalRules([]), legal_rules()])
def test_on_a_day_before_the_first_rule_no_call_is_allowed(rules: LegalRules) -> None:
    law = rules.law_of("FL", date(2019, 12, 31))
    assert law.calling_week == NO_CALLS
    assert law.call_limit == NO_CALL_ALLOWED
    assert law.dnc_check_max_age == law.consent_max_age(setting_days=365) == timedelta()
    assert law.needs_reassigned_check(timedelta())


def test_look_ups_of_one_state_and_day_are_cached() -> None:
    assert legal_rules() is legal_rules()
    assert legal_rules().law_of("TX", TODAY) is legal_rules().law_of("TX", TODAY)


@given(age=st.integers(0, 400), after_days=st.integers(0, 400))
def test_a_rule_is_due_when_its_last_check_is_more_days_ago(age: int, after_days: int) -> None:
    rules = human_first(date(2021, 1, 1), None)
    assert bool(rules.list_due(TODAY + timedelta(days=age), after_days=after_days)) == (age > after_days)


def test_a_rule_that_has_ended_is_never_due() -> None:
    assert human_first(date(2021, 1, 1), date(2022, 1, 1)).list_due(date(2040, 1, 1)) == []
