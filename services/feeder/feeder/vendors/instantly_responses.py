"""Responses of Instantly about members of campaigns (docs/vendors/instantly.md)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.vendors.errors import OutcomeUnknownError

_REFUSAL_REASONS = {
    "in_blocklist": "in_blocklist",
    "invalid_email_count": "invalid",
    "incomplete_count": "incomplete",
    "duplicate_email_count": "duplicate",
    "duplicated_leads": "member_already",
    "skipped_count": "member_already",
}
"""Counts in the response to a bulk add, and the reason why the counted leads were not created."""

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Member:
    """A lead as Instantly stores it. *variables* are the custom variables that were sent with it."""

    id: str
    email: str
    variables: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class AddResult:
    """Result of a bulk add."""

    ids: Mapping[int, str]
    """Instantly's ids of the created members, by their position in the request."""
    reason: str | None = None
    """Reason that the others were not created, if the counts name one: `in_blocklist`, `invalid`, `duplicate`, `member_already`."""
    is_contradictory: bool = False
    """True: the response contradicts itself, so a missing lead may have been created all the same."""


def read_add_result(body: Mapping[str, Any], emails: Sequence[str]) -> AddResult:
    """Read the result of a bulk add of *emails*. Raises OutcomeUnknownError for a response without `created_leads`.

    An entry counts if its index is a position of the request, occurs once, and its email, if any, is the one at that position.
    """
    created = body.get("created_leads")
    if not isinstance(created, list):
        raise OutcomeUnknownError("no_created_leads")
    entries = [entry if isinstance(entry, dict) else {} for entry in created]
    occurrences = Counter(str(entry.get("index")) for entry in entries)
    ids = {
        int(entry["index"]): vendor_id
        for entry in entries
        if (vendor_id := _read_id(entry)) and occurrences[str(entry.get("index"))] == 1 and _is_requested(entry, emails)
    }
    reasons = {reason for count, reason in _REFUSAL_REASONS.items() if body.get(count)}
    uploaded = body.get("leads_uploaded", len(ids))
    is_contradictory = len(ids) < len(entries) or uploaded != len(ids)
    return AddResult(ids, reasons.pop() if len(reasons) == 1 else None, is_contradictory)


def _is_requested(entry: Mapping[str, Any], emails: Sequence[str]) -> bool:
    index, email = entry.get("index"), entry.get("email")
    if type(index) is not int or not 0 <= index < len(emails):
        return False
    return not email or str(email).lower() == emails[index].lower()


def _read_id(entry: Mapping[str, Any]) -> str | None:
    """Return the id of *entry*; None for a value that cannot be an id."""
    value = entry.get("id")
    return value if isinstance(value, str) and value.isprintable() else None


def read_members(items: Sequence[Mapping[str, Any]], campaign_id: str) -> list[Member]:
    """Return the members of *campaign_id* among *items*. An item that names another campaign is left out."""
    return [
        _read_member(vendor_id, item)
        for item in items
        if (vendor_id := _read_id(item)) and item.get("campaign") in (None, campaign_id)
    ]


def _read_member(vendor_id: str, item: Mapping[str, Any]) -> Member:
    payload = item.get("payload")
    return Member(vendor_id, str(item.get("email") or "").lower(), payload if isinstance(payload, dict) else {})
