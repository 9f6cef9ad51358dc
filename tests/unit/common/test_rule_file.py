"""Reading of legal rules: each mistake is reported with the rule and what to do."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from common.compliance.legal_rules import RULES_FILE
from common.compliance.rule_file import RULE_KINDS, LegalRulesError, RuleProblem, parse_rules
from common.yaml_text import load_yaml_text

SHIPPED = RULES_FILE.read_text(encoding="utf-8")
TEXAS = {
    "id": "registration-tx", "states": ["TX"], "kind": "registration", "value": "register", "effective_from": "2025-09-01",
    "source": "Tex. Bus. & Com. Code ch. 302", "checked_on": "2026-11-29", "checked_by": "engineering",
}  # fmt: skip

Entry = dict[str, Any]


def shipped_entries() -> list[Entry]:
    entries: list[Entry] = load_yaml_text(SHIPPED)
    return entries


def find_problems(*changed: Entry) -> list[RuleProblem]:
    """Return the problems of the shipped rules, with *changed* instead of those with the same id."""
    ids = {entry["id"] for entry in changed}
    kept = [entry for entry in shipped_entries() if entry["id"] not in ids]
    return problems_of(yaml.safe_dump([*kept, *changed]))


def problems_of(text: str) -> list[RuleProblem]:
    with pytest.raises(LegalRulesError) as raised:
        parse_rules(text)
    return list(raised.value.problems)


def find_problem(*changed: Entry) -> RuleProblem:
    [problem] = find_problems(*changed)
    return problem


def test_the_shipped_rules_are_valid_and_use_every_kind() -> None:
    assert {rule.kind for rule in parse_rules(SHIPPED)} == set(RULE_KINDS)


@pytest.mark.parametrize(
    ("change", "problem", "advice"),
    [
        ({"efective_to": "2027-01-01"}, "efective_to: Extra inputs are not permitted", "Remove the key"),
        ({"states": ["TX", "ZZ"]}, "states: ZZ is no state", ""),
        ({"states": ["TX", "TX"]}, "states: name each state once", ""),
        ({"states": []}, "states: name each state once, or write all", ""),
        ({"states": "Texas"}, "states", ""),
        ({"kind": "registrations"}, "kind", "Write one of: announce_recording"),
        ({"value": " "}, "value", ""),
        ({"effective_from": "1 September"}, "effective_from", "Write the date as 2026-11-29."),
        ({"effective_to": "2025-08-31"}, "effective_to lies before effective_from", ""),
        ({"checked_on": "soon"}, "checked_on", "Write the date as 2026-11-29."),
        ({"checked_by": ""}, "checked_by", ""),
        ({"source": ""}, "source", ""),
        ({"id": "Texas!"}, "id", ""),
        ({"kind": "human_first", "value": "optional"}, "value: Input should be 'required'", ""),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_rule_and_key(change: Entry, problem: str, advice: str) -> None:
    [found] = problems_of(yaml.safe_dump([TEXAS | change]))
    assert found.rule == (TEXAS | change)["id"]
    assert problem in found.problem
    assert found.advice
    assert advice in found.advice


@pytest.mark.parametrize("key", sorted(TEXAS))
def test_a_missing_key_is_named(key: str) -> None:
    [found] = problems_of(yaml.safe_dump([{name: value for name, value in TEXAS.items() if name != key}]))
    assert key in f"{found.problem} {found.advice}"
    assert found.rule == ("rule no. 1" if key == "id" else TEXAS["id"])


@pytest.mark.parametrize(
    ("kind", "value", "problem"),
    [
        ("calling_hours", {"weekdays": "9-20", "saturday": "none", "sunday": "none", "holidays": "none"}, "write hours as"),
        ("calling_hours", {"weekdays": "20:00-09:00", "saturday": "none", "sunday": "none", "holidays": "none"}, "end before"),
        ("calling_hours", {"weekdays": "24:30-25:00", "saturday": "none", "sunday": "none", "holidays": "none"}, "value"),
        ("calling_hours", {"weekdays": "09:00-20:00"}, "saturday"),
        ("call_limit", {}, "in_24_hours, in_all or both"),
        ("call_limit", {"in_24_hours": -1}, "in_24_hours"),
        ("call_limit", {"in_a_week": 3}, "in_a_week"),
        ("dnc_check_max_age", {"days": 0}, "days"),
        ("consent_max_age", 365, "value"),
        ("reassigned_number_check", "sometimes", "value"),
        ("record_keeping", {"years": "many"}, "years"),
        ("withdrawal_deadline", {"days": 10}, "business_days"),
        ("ask_counsel", "", "value"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_form_is_named(kind: str, value: object, problem: str) -> None:
    [found] = problems_of(yaml.safe_dump([TEXAS | {"kind": kind, "value": value}]))
    assert found.rule == TEXAS["id"]
    assert problem in found.problem


def test_each_wrong_rule_is_reported_once() -> None:
    rules = [TEXAS | {"states": ["ZZ"], "source": ""}, {**TEXAS, "id": "other", "value": ""}, {**TEXAS, "id": "third"}]
    assert [problem.rule for problem in problems_of(yaml.safe_dump(rules))] == ["registration-tx", "other"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no list"),
        ("[]", "no list"),
        ("id: one", "no list"),
        ("- id: [", "no YAML"),
        ("- {id: one, id: two}", "occurs twice"),
        ("- &a [*a]", "valid"),
        ("- text", "valid dictionary"),
    ],
)
def test_a_file_that_is_no_list_of_rules_is_refused(text: str, problem: str) -> None:
    [found] = problems_of(text)
    assert problem in found.problem


def test_two_rules_with_one_id_are_refused() -> None:
    other = {**TEXAS, "states": ["NY"]}
    assert find_problem(TEXAS, other) == RuleProblem(
        "registration-tx", "another rule has this id", "Give each rule its own id."
    )


def test_two_rules_of_one_state_may_not_overlap() -> None:
    later = {**TEXAS, "id": "registration-tx-2", "effective_from": "2027-01-01"}
    found = find_problem(TEXAS, later)
    assert found.rule == "registration-tx-2"
    assert found.advice.startswith("Set effective_to of registration-tx to 2026-12-31")


def test_two_rules_of_one_state_may_have_no_gap() -> None:
    earlier = {**TEXAS, "effective_to": "2026-12-30"}
    later = {**TEXAS, "id": "registration-tx-2", "effective_from": "2027-01-01"}
    assert find_problem(earlier, later).advice == "Set effective_to of registration-tx to 2026-12-31."


def test_rules_that_follow_each_other_are_accepted() -> None:
    earlier = {**TEXAS, "effective_to": "2026-12-31"}
    later = {**TEXAS, "id": "registration-tx-2", "effective_from": "2027-01-01"}
    kept = [entry for entry in shipped_entries() if entry["id"] != TEXAS["id"]]
    assert parse_rules(yaml.safe_dump([*kept, earlier, later]))


def change_of(rule: str) -> Callable[[Entry], Entry]:
    [entry] = [entry for entry in shipped_entries() if entry["id"] == rule]
    return lambda change: entry | change


def test_a_kind_that_must_apply_everywhere_may_not_end_or_miss() -> None:
    ended = change_of("records-everywhere")({"effective_to": "2030-01-01"})
    assert "no other rule of this kind" in find_problem(ended).problem
    of_one_state = change_of("records-everywhere")({"states": ["TX"]})
    assert find_problem(of_one_state) == RuleProblem(
        "record_keeping", "no rule of this kind applies to all states", "Add one with `states: all`."
    )
