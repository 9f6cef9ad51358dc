"""Responses of Instantly: whether an operation was executed, and its result (docs/vendors/instantly.md, Failures)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.vendors.errors import NotExecutedError, OutcomeUnknownError
from common.vendors.http_client import VendorHttpResponse, check_status

INSTANTLY = "instantly"
"""Instantly in the table of outcomes, in the tables of the throttle and in metrics."""
_NOT_FOUND = 404
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


class InstantlyNotFoundError(NotExecutedError):
    """404 in Instantly's own words: the campaign or lead does not exist."""

    outcome = "not found"


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


@dataclass(slots=True)
class PageCursor:
    """Cursor of a list that is read page by page. It detects a cursor that repeats."""

    seen: set[str] = field(default_factory=set)

    def read_next(self, body: Mapping[str, Any], items: Sequence[object]) -> str | None:
        """Return the cursor of the next page; None at the end. Raises OutcomeUnknownError for a repeated cursor."""
        after = body.get("next_starting_after")
        if not items or not after:
            return None
        if str(after) in self.seen:
            raise OutcomeUnknownError("cursor_repeats")
        self.seen.add(str(after))
        return str(after)


def read_response(response: VendorHttpResponse) -> dict[str, Any]:
    """Return the body of a successful response, {} for an empty one. Raises VendorCallError for every other response."""
    if response.status == _NOT_FOUND and _is_instantly_not_found(response):
        raise InstantlyNotFoundError(f"http_{response.status}")
    check_status(INSTANTLY, response)
    body = response.read_json() if response.body else {}
    if not isinstance(body, dict):
        raise OutcomeUnknownError("no_object")
    if body.get("error"):
        raise OutcomeUnknownError("error_in_200")
    return body


def _is_instantly_not_found(response: VendorHttpResponse) -> bool:
    """Return whether Instantly itself says 404. Another body is a proxy's page and says nothing about the lead."""
    try:
        body = response.read_json()
    except OutcomeUnknownError:
        return False
    return isinstance(body, dict) and str(body.get("statusCode")) == str(_NOT_FOUND)


def read_items(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the items of a list. Raises OutcomeUnknownError if there is no list: that does not mean an empty one."""
    items = body.get("items")
    if not isinstance(items, list):
        raise OutcomeUnknownError("no_items")
    return [item for item in items if isinstance(item, dict)]


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
