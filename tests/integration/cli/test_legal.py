"""`equity legal` lists the rules, checks a file of them, and names those that are due."""

from datetime import timedelta
from pathlib import Path

import pytest

from common.compliance.legal_rules import RULE_CHECK_INTERVAL_DAYS, RULES_FILE, legal_rules
from support.commandline import Equity

SHIPPED = RULES_FILE.read_text(encoding="utf-8")
LAST_CHECK = max(rule.checked_on for rule in legal_rules().rules)


@pytest.fixture
def equity(tmp_path: Path) -> Equity:
    return Equity({"CLOCK_FILE": str(tmp_path / "clock")})


def test_the_rules_of_a_state_are_listed_with_those_that_apply_everywhere(equity: Equity) -> None:
    texas = {rule["id"]: rule for rule in equity("legal", "list", "--state", "texas", "--json").ok().json}
    assert {"registration-tx", "hours-everywhere"} <= set(texas)
    assert "human-first-ca" not in texas
    assert texas["registration-tx"]["effective_from"] == "2025-09-01"
    assert "ch. 302" in texas["registration-tx"]["source"]
    assert "human-first-ca" in equity("legal", "list").ok().out


def test_the_rules_of_one_kind_are_listed(equity: Equity) -> None:
    rules = equity("legal", "list", "--kind", "reassigned_number_check", "--json").ok().json
    assert [rule["id"] for rule in rules] == ["reassigned-everywhere", "reassigned-me"]
    assert "No rule of this kind" in equity("legal", "list", "--kind", "human_first", "--state", "TX").ok().out


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [(["--kind", "hours"], "calling_hours"), (["--state", "Ontario"], "Two letters or the name")],
)
def test_an_unknown_kind_or_state_is_a_usage_error(equity: Equity, arguments: list[str], advice: str) -> None:
    ran = equity("legal", "list", *arguments)
    assert ran.code == 2
    assert advice in ran.err


def test_the_shipped_rules_are_valid(equity: Equity) -> None:
    assert "rules are valid" in equity("legal", "check").ok().err
    assert equity("legal", "check", "--json").ok().json["problems"] == []


def test_each_wrong_rule_of_a_file_is_named_with_what_to_do(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(SHIPPED.replace("kind: human_first", "kind: human").replace("states: [TX]", "states: [TEX]"))
    ran = equity("legal", "check", file)
    assert ran.code == 1
    assert all(word in ran.out for word in ("human-first-ca", "Write one of:", "registration-tx", "TEX is no state"))
    assert "checking-legal-rules.md" in ran.err
    found = equity("legal", "check", file, "--json")
    assert found.code == 1
    assert {problem["rule"] for problem in found.json["problems"]} == {"human-first-ca", "hours-tx", "registration-tx"}


def test_a_check_in_the_future_is_a_problem(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(SHIPPED.replace("checked_on: ", "checked_on: 2199-01-01  # ", 1))
    ran = equity("legal", "check", file)
    assert (ran.code, "lies in the future" in ran.out) == (1, True)


def test_a_file_that_is_no_text_is_a_problem_and_a_missing_one_a_usage_error(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert equity("legal", "check", file).code == 1
    assert equity("legal", "check", tmp_path / "none.yaml").code == 2


def test_rules_are_due_by_the_business_clock(equity: Equity) -> None:
    last_good = LAST_CHECK + timedelta(days=RULE_CHECK_INTERVAL_DAYS)
    equity("clock", "set", f"{last_good} 12:00").ok()
    assert equity("legal", "due", "--json").json == []
    equity("clock", "set", f"{last_good + timedelta(days=1)} 12:00").ok()
    ran = equity("legal", "due", "--json")
    assert ran.code == 1
    assert {rule["age_days"] for rule in ran.json} >= {RULE_CHECK_INTERVAL_DAYS + 1}
    assert "checking-legal-rules.md" in equity("legal", "due").err
    assert equity("legal", "due", "--days", "400").code == 0
