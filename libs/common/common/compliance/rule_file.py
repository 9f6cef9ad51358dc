"""Reader of legal rules: YAML, validated rule by rule, then against each other."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any, get_args

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from common.compliance.rule_kinds import EVERYWHERE, AnyRule, LegalRule
from common.yaml_text import load_yaml_text

_ONE_DAY = timedelta(days=1)
_ADAPTER: TypeAdapter[AnyRule] = TypeAdapter(AnyRule)
_KIND_CLASSES: dict[str, type[LegalRule]] = {
    kind: rule_class
    for rule_class in get_args(get_args(AnyRule)[0])
    for kind in get_args(rule_class.model_fields["kind"].annotation)
}
RULE_KINDS = tuple(sorted(_KIND_CLASSES))
"""Kinds that a rule may have."""
_GUIDE = "docs/guides/checking-legal-rules.md explains each key."
_ADVICE = {
    "extra_forbidden": "Remove the key, or correct its spelling.",
    "missing": "Add the key.",
    "union_tag_not_found": f"Add the key kind, one of: {', '.join(RULE_KINDS)}.",
    "union_tag_invalid": f"Write one of: {', '.join(RULE_KINDS)}.",
    "date_from_datetime_parsing": "Write the date as 2026-11-29.",
    "date_parsing": "Write the date as 2026-11-29.",
}


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """First problem of one rule, and what to do about it."""

    rule: str
    """Id of the rule, its place in the file if it has no id, or a kind that lacks a rule."""
    problem: str
    advice: str


class LegalRulesError(ValueError):
    """Rules that cannot be used: the first problem of each rule."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        self.problems = tuple(problems)
        listed = "; ".join(f"{one.rule}: {one.problem} ({one.advice})" for one in problems)
        super().__init__(f"the legal rules are wrong: {listed}")


def parse_rules(text: str) -> tuple[AnyRule, ...]:
    """Return the rules in YAML *text*. Raises LegalRulesError, which names each rule that is wrong."""
    rules: list[AnyRule] = []
    problems: list[RuleProblem] = []
    for position, entry in enumerate(_read_entries(text), 1):
        try:
            rules.append(_ADAPTER.validate_python(entry))
        except ValidationError as error:
            problems.append(_describe_problem(entry, position, error.errors()[0]))
    problems = problems or _first_of_each_rule(_find_contradictions(rules))
    if problems:
        raise LegalRulesError(problems)
    return tuple(rules)


def _read_entries(text: str) -> list[Any]:
    try:
        entries = load_yaml_text(text)
    except (yaml.YAMLError, ValueError, AttributeError, RecursionError) as error:
        raise LegalRulesError([RuleProblem("file", f"it is no YAML: {error}", _GUIDE)]) from error
    if not isinstance(entries, list) or not entries:
        raise LegalRulesError(
            [RuleProblem("file", "it is no list of rules", f"Begin each rule with `- id:`. {_GUIDE}")]
        )
    return entries


def _describe_problem(entry: object, position: int, error: ErrorDetails) -> RuleProblem:
    """Return the problem of one entry. pydantic's location begins with the kind, which the reader knows."""
    named = entry.get("id") if isinstance(entry, dict) else None
    keys = ".".join(str(part) for part in error["loc"] if part not in _KIND_CLASSES)
    message = error["msg"].removeprefix("Value error, ")
    problem = f"{keys}: {message}" if keys else message
    return RuleProblem(str(named or f"rule no. {position}"), problem, _ADVICE.get(error["type"], _GUIDE))


def _first_of_each_rule(problems: Iterable[RuleProblem]) -> list[RuleProblem]:
    first: dict[str, RuleProblem] = {}
    for problem in problems:
        first.setdefault(problem.rule, problem)
    return list(first.values())


def _find_contradictions(rules: Sequence[AnyRule]) -> Iterator[RuleProblem]:
    """Yield what is wrong between rules that are valid on their own."""
    ids = set[str]()
    series: defaultdict[tuple[str, str], list[AnyRule]] = defaultdict(list)
    for rule in rules:
        if rule.id in ids:
            yield RuleProblem(rule.id, "another rule has this id", "Give each rule its own id.")
        ids.add(rule.id)
        for scope in (EVERYWHERE,) if rule.states == EVERYWHERE else rule.states:
            series[rule.kind, scope].append(rule)
    for (_, scope), of_scope in series.items():
        yield from _find_overlaps_and_gaps(scope, sorted(of_scope, key=lambda rule: rule.effective_from))
    for kind, rule_class in _KIND_CLASSES.items():
        if rule_class.is_required_everywhere:
            yield from _find_missing_end(kind, series[kind, EVERYWHERE])


def _find_overlaps_and_gaps(scope: str, in_order: Sequence[AnyRule]) -> Iterator[RuleProblem]:
    """Yield rules of one kind that name the same state, or all, where it is unclear whether the later replaces the earlier.

    A rule of one state and a rule of all states may overlap: the stricter one applies.
    """
    for earlier, later in pairwise(in_order):
        day_before = later.effective_from - _ONE_DAY
        if earlier.effective_to is None or earlier.effective_to > day_before:
            problem = f"it begins on {later.effective_from} while {earlier.id} still applies to {scope}"
            yield RuleProblem(
                later.id, problem, f"Set effective_to of {earlier.id} to {day_before}, or join the two rules."
            )
        elif earlier.effective_to < day_before:
            problem = (
                f"no rule applies to {scope} between {earlier.effective_to}, the end of {earlier.id}, and its begin"
            )
            yield RuleProblem(later.id, problem, f"Set effective_to of {earlier.id} to {day_before}.")


def _find_missing_end(kind: str, everywhere: Sequence[AnyRule]) -> Iterator[RuleProblem]:
    if not everywhere:
        yield RuleProblem(kind, "no rule of this kind applies to all states", "Add one with `states: all`.")
        return
    last = max(everywhere, key=lambda rule: rule.effective_from)
    if last.effective_to is not None:
        problem = f"it ends on {last.effective_to}, and no other rule of this kind for all states follows"
        yield RuleProblem(last.id, problem, "Add the rule that follows, or remove effective_to.")
