"""Look-ups in the legal rules by state and day.

`rules.yaml` beside this module is the law as this product reads it, with sources and dates (ADR 42; docs/compliance.md).
Where several rules of a kind apply, the strictest one counts. On a day before the first rule no call is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache, reduce
from pathlib import Path
from typing import Self, TypeVar

from common.compliance.rule_file import parse_rules
from common.compliance.rule_kinds import (
    EVERYWHERE,
    NO_CALL_ALLOWED,
    NO_CALLS,
    AnyRule,
    CallingHoursRule,
    CallingWeek,
    CallLimitRule,
    ConsentMaxAgeRule,
    DncCheckMaxAgeRule,
    HumanFirstRule,
    LegalRule,
    MaxCalls,
    ReassignedNumberCheckRule,
    RegistrationRule,
)

RULES_FILE = Path(__file__).with_name("rules.yaml")
RULE_CHECK_INTERVAL_DAYS = 180
"""Days after which a rule must be compared with its source again."""
_CACHED_LOOK_UPS = 8_192
R = TypeVar("R", bound=LegalRule)


@dataclass(frozen=True, slots=True)
class StateLaw:
    """Rules that apply in a state, or in any of several, on one day, and the strictest value of each kind."""

    rules: tuple[AnyRule, ...]
    """All rules that apply, in the order of the file."""
    calling_week: CallingWeek
    """Hours in which calls may start: those that all rules allow."""
    call_limit: MaxCalls
    dnc_check_max_age: timedelta
    needs_human_first: bool
    """A natural voice must begin each call, so calls that an artificial voice begins are forbidden."""
    needs_registration: bool
    """A seller must be registered, or exempt, before its first call."""

    @classmethod
    def from_rules(cls, rules: tuple[AnyRule, ...]) -> Self:
        """Return the law that *rules* are together. A kind without a rule allows nothing."""
        return cls(
            rules=rules,
            calling_week=_intersect_weeks([rule.value for rule in _of_kind(CallingHoursRule, rules)]),
            call_limit=_smallest_limit([rule.value for rule in _of_kind(CallLimitRule, rules)]),
            dnc_check_max_age=_shortest(_of_kind(DncCheckMaxAgeRule, rules)),
            needs_human_first=bool(_of_kind(HumanFirstRule, rules)),
            needs_registration=bool(_of_kind(RegistrationRule, rules)),
        )

    def consent_max_age(self, *, setting_days: int | None = None) -> timedelta:
        """Return how old a consent may be.

        *setting_days* is the setting CONSENT_MAX_AGE_DAYS. It replaces our own rule for all states, never the rule of a state.
        """
        rules = _of_kind(ConsentMaxAgeRule, self.rules)
        if not rules or setting_days is None:
            return _shortest(rules)
        of_states = [rule.value.duration for rule in rules if rule.states != EVERYWHERE]
        return min([timedelta(days=setting_days), *of_states])

    def needs_reassigned_check(self, consent_age: timedelta | None) -> bool:
        """Return whether a call needs a look-up in the reassigned-numbers database. An unknown age of the consent needs it."""
        rules = _of_kind(ReassignedNumberCheckRule, self.rules)
        return not rules or any(rule.requires_check(consent_age) for rule in rules)


class LegalRules:
    """Validated rules. Look-ups are pure and cached."""

    def __init__(self, rules: Sequence[AnyRule]) -> None:
        self.rules = tuple(rules)
        self._find_cached = lru_cache(_CACHED_LOOK_UPS)(self._find)

    def law_of(self, state: str, day: date) -> StateLaw:
        """Return the rules that apply in *state* (two letters) on *day*."""
        return self.law_of_all(frozenset((state,)), day)

    def law_of_all(self, states: frozenset[str], day: date) -> StateLaw:
        """Return the rules that apply in any of *states* on *day*; without a state, those of all states."""
        return self._find_cached(states, day)

    def list_due(self, today: date, *, after_days: int = RULE_CHECK_INTERVAL_DAYS) -> list[AnyRule]:
        """Return the rules that were last checked more than *after_days* ago, the oldest check first. Ended rules are left out."""
        due = (
            rule
            for rule in self.rules
            if today - rule.checked_on > timedelta(days=after_days)
            and (rule.effective_to is None or rule.effective_to >= today)
        )
        return sorted(due, key=lambda rule: (rule.checked_on, rule.id))

    def _find(self, states: frozenset[str], day: date) -> StateLaw:
        found = (rule for rule in self.rules if any(rule.applies(state, day) for state in states or ("",)))
        return StateLaw.from_rules(tuple(found))


@cache
def legal_rules() -> LegalRules:
    """Return the rules of the product. Raises LegalRulesError. Services call it at start, so that a wrong file stops them there."""
    return LegalRules(parse_rules(RULES_FILE.read_text(encoding="utf-8")))


def _of_kind(kind: type[R], rules: Sequence[LegalRule]) -> list[R]:
    return [rule for rule in rules if isinstance(rule, kind)]


def _intersect_weeks(weeks: Sequence[CallingWeek]) -> CallingWeek:
    return reduce(CallingWeek.intersect, weeks) if weeks else NO_CALLS


def _smallest_limit(limits: Sequence[MaxCalls]) -> MaxCalls:
    if not limits:
        return NO_CALL_ALLOWED
    return MaxCalls(
        in_24_hours=min((limit.in_24_hours for limit in limits if limit.in_24_hours is not None), default=None),
        in_all=min((limit.in_all for limit in limits if limit.in_all is not None), default=None),
    )


def _shortest(rules: Sequence[DncCheckMaxAgeRule | ConsentMaxAgeRule]) -> timedelta:
    return min((rule.value.duration for rule in rules), default=timedelta())
