"""States and values of legal rules in words, for commands and documents."""

from common.compliance.rule_kinds import (
    EVERYWHERE,
    AgeInDays,
    AnyRule,
    BusinessDays,
    CallingWeek,
    CallingWindow,
    ConsentsOlderThan,
    MaxCalls,
    Years,
)


def describe_states(rule: AnyRule) -> str:
    """Return the states of *rule*, separated by commas."""
    return EVERYWHERE if rule.states == EVERYWHERE else ", ".join(rule.states)


def describe_value(rule: AnyRule) -> str:  # noqa: PLR0911 - one line a case
    """Return the value of *rule* in words."""
    match rule.value:
        case CallingWeek() as week:
            return _describe_week(week)
        case MaxCalls() as limit:
            parts = ((limit.in_24_hours, "in any 24 hours"), (limit.in_all, "in all"))
            return ", ".join(f"{calls} {period}" for calls, period in parts if calls is not None)
        case AgeInDays(days=days):
            return f"at most {days} days old"
        case ConsentsOlderThan(consents_older_than_days=days):
            return f"for consents older than {days} days"
        case BusinessDays(business_days=days):
            return f"within {days} business days"
        case Years(years=years):
            return f"{years} years"
        case str() as text:
            return text.replace("_", " ")


def _describe_week(week: CallingWeek) -> str:
    """Return the hours of a week; neighbouring parts with the same hours are joined."""
    parts = [
        ("weekdays", week.weekdays),
        ("Saturdays", week.saturday),
        ("Sundays", week.sunday),
        ("holidays", week.holidays),
    ]
    by_window: dict[CallingWindow | None, list[str]] = {}
    for name, window in parts:
        by_window.setdefault(window, []).append(name)
    if len(by_window) == 1:
        return f"every day {_describe_window(week.weekdays)}"
    return "; ".join(f"{' and '.join(names)} {_describe_window(window)}" for window, names in by_window.items())


def _describe_window(window: CallingWindow | None) -> str:
    return f"{window.opens:%H:%M}\u2013{window.closes:%H:%M}" if window else "none"
