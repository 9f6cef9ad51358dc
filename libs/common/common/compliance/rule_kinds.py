"""Kinds of legal rules: a model for each kind, with the form of its value. `rules.yaml` holds the rules (ADR 42)."""

import re
from datetime import date, time, timedelta
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from common.geography.places import STATES

EVERYWHERE: Literal["all"] = "all"
"""`states` of a rule that applies in every state and territory."""

_STATE_CODES = frozenset(STATES.values())
_WINDOW = re.compile(r"([0-2][0-9]:[0-5][0-9])-([0-2][0-9]:[0-5][0-9])")
_FORM_OF_WINDOW = "write hours as 09:00-20:00, or none for a day without calls"

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class CallingWindow(NamedTuple):
    """Local hours in which calls may start, *opens* included and *closes* excluded."""

    opens: time
    closes: time


def _parse_window(text: object) -> object:
    """Return the window that *text* names, or None for `none`. Raises ValueError for other text."""
    if not isinstance(text, str):
        return text
    if text == "none":
        return None
    match = _WINDOW.fullmatch(text)
    if match is None:
        raise ValueError(_FORM_OF_WINDOW)
    opens, closes = time.fromisoformat(match[1]), time.fromisoformat(match[2])
    if opens >= closes:
        raise ValueError("the hours end before they begin")
    return CallingWindow(opens, closes)


Window = Annotated[CallingWindow | None, BeforeValidator(_parse_window)]


class _RuleValue(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CallingWeek(_RuleValue):
    """Windows of a week. None means no calls. On a public holiday both `holidays` and the window of the day must allow them."""

    weekdays: Window
    saturday: Window
    sunday: Window
    holidays: Window

    def intersect(self, other: Self) -> Self:
        """Return the hours that both weeks allow."""
        return type(self)(
            weekdays=intersect_windows(self.weekdays, other.weekdays),
            saturday=intersect_windows(self.saturday, other.saturday),
            sunday=intersect_windows(self.sunday, other.sunday),
            holidays=intersect_windows(self.holidays, other.holidays),
        )


def intersect_windows(one: CallingWindow | None, other: CallingWindow | None) -> CallingWindow | None:
    """Return the hours in both windows, or None where there are none."""
    if one is None or other is None:
        return None
    opens, closes = max(one.opens, other.opens), min(one.closes, other.closes)
    return CallingWindow(opens, closes) if opens < closes else None


NO_CALLS = CallingWeek(weekdays=None, saturday=None, sunday=None, holidays=None)
"""Week in which no rule gives hours."""


class MaxCalls(_RuleValue):
    """Greatest number of calls to one number. None means no limit."""

    in_24_hours: Annotated[int, Field(ge=0)] | None = None
    in_all: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _require_a_limit(self) -> Self:
        if self.in_24_hours is None and self.in_all is None:
            raise ValueError("give in_24_hours, in_all or both")
        return self


NO_CALL_ALLOWED = MaxCalls(in_24_hours=0, in_all=0)
"""Limit where no rule gives one."""


class AgeInDays(_RuleValue):
    """Greatest age in days."""

    days: Annotated[int, Field(ge=1)]

    @property
    def duration(self) -> timedelta:
        """Age as a duration."""
        return timedelta(days=self.days)


class ConsentsOlderThan(_RuleValue):
    """Consents that are older than a number of days."""

    consents_older_than_days: Annotated[int, Field(ge=0)]


class BusinessDays(_RuleValue):
    """Number of business days."""

    business_days: Annotated[int, Field(ge=0)]


class Years(_RuleValue):
    """Number of years."""

    years: Annotated[int, Field(ge=1)]


class LegalRule(BaseModel):
    """One rule: where and when it applies, its source, and who last compared it with the source."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    is_required_everywhere: ClassVar[bool] = True
    """Whether one rule of this kind must apply in all states, without an end."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    states: Literal["all"] | tuple[str, ...]
    kind: str
    effective_from: date
    effective_to: date | None = None
    """Last day on which the rule applies. None: it has no known end."""
    source: Text
    checked_on: date
    checked_by: Text
    note: Text | None = None

    @field_validator("states")
    @classmethod
    def _check_states(cls, states: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        if states == EVERYWHERE:
            return states
        if not states or len(set(states)) < len(states):
            raise ValueError("name each state once, or write all")
        if unknown := [state for state in states if state not in _STATE_CODES]:
            raise ValueError(f"{', '.join(unknown)} is no state; write two letters, such as TX, or all")
        return states

    @model_validator(mode="after")
    def _check_dates(self) -> Self:
        if self.effective_to and self.effective_to < self.effective_from:
            raise ValueError("effective_to lies before effective_from")
        return self

    def applies(self, state: str, day: date) -> bool:
        """Return whether the rule applies in *state* (two letters) on *day*."""
        return (
            (self.states == EVERYWHERE or state in self.states)
            and self.effective_from <= day
            and (self.effective_to is None or day <= self.effective_to)
        )


class CallingHoursRule(LegalRule):
    """Hours in which calls may start, by the clock of the person called. Where several rules apply, all of them must allow the call."""

    kind: Literal["calling_hours"]
    value: CallingWeek


class CallLimitRule(LegalRule):
    """Greatest number of calls to one number. The smallest applies."""

    kind: Literal["call_limit"]
    value: MaxCalls


class DncCheckMaxAgeRule(LegalRule):
    """Greatest age of a look-up in the national do-not-call registry. The smallest applies."""

    kind: Literal["dnc_check_max_age"]
    value: AgeInDays


class ConsentMaxAgeRule(LegalRule):
    """Greatest age of a consent. The smallest applies."""

    kind: Literal["consent_max_age"]
    value: AgeInDays


class ReassignedNumberCheckRule(LegalRule):
    """Calls before which the reassigned-numbers database is looked up. One rule that asks for it is enough."""

    kind: Literal["reassigned_number_check"]
    value: Literal["every_call"] | ConsentsOlderThan

    def requires_check(self, consent_age: timedelta | None) -> bool:
        """Return whether a call that relies on a consent of this age needs the check. An unknown age does."""
        if self.value == "every_call" or consent_age is None:
            return True
        return consent_age > timedelta(days=self.value.consents_older_than_days)


class RecordKeepingRule(LegalRule):
    """Years for which records of calls, consents and opt-outs are kept. The largest number applies."""

    kind: Literal["record_keeping"]
    value: Years


class WithdrawalDeadlineRule(LegalRule):
    """Greatest time until a withdrawal takes effect. The product needs none: it takes effect at once."""

    kind: Literal["withdrawal_deadline"]
    value: BusinessDays


class DutyRule(LegalRule):
    """Duty that every call has."""

    kind: Literal[
        "announce_recording", "answered_caller_id", "disclose_artificial_voice", "leave_no_message", "written_consent"
    ]
    value: Literal["required"]


class HumanFirstRule(LegalRule):
    """Ban of calls that an artificial voice begins: a natural voice must announce it first."""

    kind: Literal["human_first"]
    value: Literal["required"]
    is_required_everywhere: ClassVar[bool] = False


class RegistrationRule(LegalRule):
    """Registration of the seller before its first call into a state. The value says with whom and how."""

    kind: Literal["registration"]
    value: Text
    is_required_everywhere: ClassVar[bool] = False


class CounselRule(LegalRule):
    """Question that counsel must answer before a state is opened for calls."""

    kind: Literal["ask_counsel"]
    value: Text
    is_required_everywhere: ClassVar[bool] = False


AnyRule = Annotated[
    CallingHoursRule
    | CallLimitRule
    | DncCheckMaxAgeRule
    | ConsentMaxAgeRule
    | ReassignedNumberCheckRule
    | RecordKeepingRule
    | WithdrawalDeadlineRule
    | DutyRule
    | HumanFirstRule
    | RegistrationRule
    | CounselRule,
    Field(discriminator="kind"),
]
