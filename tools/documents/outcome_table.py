"""Tables of what a failed call to a vendor may have cost, generated from the rules that decide it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from common.vendors.errors import VendorCallError
from common.vendors.outcome_table import OVERRIDES, STATUS_RULES, TRANSPORT_RULES, StatusRule
from documents.markdown import build_table, list_names

MANY_STATUSES = 20
"""From this number on, the statuses of one class are not listed."""


def build_outcome_tables() -> str:
    """Return the table of every vendor's statuses, that of the overrides, and that of transport faults."""
    statuses = build_table(("status", "outcome", "reason"), _build_status_rows())
    overrides = build_table(("vendors", "status", "outcome", "reason"), _build_override_rows())
    faults = build_table(
        ("failure", "outcome", "reason"),
        ((f"`{fault}`", rule.error.outcome, rule.reason) for fault, rule in TRANSPORT_RULES.items()),
    )
    return f"Every vendor:\n\n{statuses}\n\nOverrides, which come first:\n\n{overrides}\n\nFailures without a response:\n\n{faults}"


def _build_status_rows() -> Iterator[tuple[str, ...]]:
    earlier = set[int]()
    for rule in STATUS_RULES:
        yield describe_statuses(set(rule.statuses) - earlier), describe_outcome(rule.error), rule.reason
        earlier |= set(rule.statuses)


def _build_override_rows() -> Iterator[tuple[str, ...]]:
    vendors_by_rules = defaultdict[tuple[StatusRule, ...], list[str]](list)
    for vendor, rules in OVERRIDES.items():
        vendors_by_rules[rules].append(vendor)
    for rules, vendors in vendors_by_rules.items():
        for rule in rules:
            page = {True: ", as an HTML page", False: ", not as an HTML page", None: ""}[rule.is_html]
            statuses = describe_statuses(rule.statuses) + page
            yield list_names(vendors), statuses, describe_outcome(rule.error), rule.reason


def describe_outcome(error: type[VendorCallError] | None) -> str:
    """Return the outcome in words."""
    return error.outcome if error else "answered"


def describe_statuses(statuses: Collection[int]) -> str:
    """Return *statuses* in words: each one, `5xx` for a whole class, `other 5xx` for most of one."""
    return ", ".join(_describe_class(first, statuses) for first in range(100, 1000, 100) if _in_class(first, statuses))


def _describe_class(first: int, statuses: Iterable[int]) -> str:
    found = _in_class(first, statuses)
    if len(found) < MANY_STATUSES:
        return ", ".join(map(str, found))
    return f"{first // 100}xx" if len(found) == 100 else f"other {first // 100}xx"  # noqa: PLR2004 - a class of HTTP


def _in_class(first: int, statuses: Iterable[int]) -> list[int]:
    return sorted(status for status in statuses if first <= status < first + 100)
