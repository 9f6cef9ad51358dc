"""What Instantly's answers mean: whether the thing was done, and what was found (vendor contracts §1).

`NotDoneError`: certainly not. `UnknownOutcomeError`: it may have been; ask, never repeat blindly.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson

from common.retry_after import retry_after

_OK, _REDIRECT, _NOT_FOUND, _SERVER_FAULT = 200, 300, 404, 500
_INVALID = {400, 409, 413, 422}
_REASONS = {
    "in_blocklist": "in_blocklist",
    "invalid_email_count": "invalid",
    "incomplete_count": "incomplete",
    "duplicate_email_count": "duplicate",
    "duplicated_leads": "member_already",
    "skipped_count": "member_already",
}
"""Counts of a bulk add, and why those who are counted were not created."""

Scalar = str | int | float | bool | None


class NotDoneError(Exception):
    """Nothing was done: Instantly refused (*status*), or was never reached (0); *asked_for* is how long it wants to be left alone."""

    def __init__(self, status: int = 0, asked_for: timedelta | None = None) -> None:
        super().__init__(f"Instantly answered {status}" if status else "Instantly cannot be reached")
        self.fault = f"http_{status}" if status else "unreachable"
        self.asked_for = asked_for


class InvalidRequestError(NotDoneError):
    """400, 409, 413, 422: the fault is this request's; others may go well."""


class GoneError(NotDoneError):
    """404 in Instantly's own words: there is no such campaign or lead."""


class LeftAloneError(NotDoneError):
    """Nothing was sent: Instantly wants to be left alone for a while, or refuses us, or its rate is used up (`feeder.door`)."""

    def __str__(self) -> str:
        """What the log says."""
        return "Instantly is left alone for a while"


class UnknownOutcomeError(Exception):
    """No answer, or one that says nothing (a timeout, a cut connection, 5xx, a page of HTML): it may have been done."""

    def __init__(self, fault: str, asked_for: timedelta | None = None) -> None:
        super().__init__(f"Instantly's answer says nothing: {fault}")
        self.fault = fault
        self.asked_for = asked_for


@dataclass(frozen=True, slots=True)
class Member:
    """A lead as Instantly keeps it. *variables* are the custom variables that we sent with it."""

    id: str
    email: str
    variables: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Added:
    """What a bulk add told."""

    ids: Mapping[int, str]
    """Instantly's ids of those created, by their place in the request."""
    reason: str | None = None
    """Why the others were not, where the counts tell: `in_blocklist`, `invalid`, `duplicate`, `member_already`."""
    doubtful: bool = False
    """The answer contradicts itself: who is missing may have been created all the same."""


@dataclass(slots=True)
class Pages:
    """Where a list was read to, so that a cursor that leads nowhere is noticed."""

    seen: set[str] = field(default_factory=set)

    def next(self, answer: Mapping[str, Any], items: Sequence[object]) -> str | None:
        """The cursor of the next page; None at the end. Raises UnknownOutcomeError for a cursor that came before."""
        after = answer.get("next_starting_after")
        if not items or not after:
            return None
        if str(after) in self.seen:
            raise UnknownOutcomeError("its cursor repeats")
        self.seen.add(str(after))
        return str(after)


def read_answer(reply: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    """The body of a good answer, {} for one without. Raises NotDoneError or UnknownOutcomeError for any other."""
    asked_for = retry_after(reply.headers.get("Retry-After"))
    if reply.status >= _SERVER_FAULT:
        raise UnknownOutcomeError(f"http_{reply.status}", asked_for)
    if reply.status in _INVALID:
        raise InvalidRequestError(reply.status)
    body = _object(raw)
    if reply.status == _NOT_FOUND and body and str(body.get("statusCode")) == str(_NOT_FOUND):  # else a proxy's word
        raise GoneError(reply.status)
    if not _OK <= reply.status < _REDIRECT:
        raise NotDoneError(reply.status, asked_for)
    if body is None:
        raise UnknownOutcomeError("no_object")
    if body.get("error"):
        raise UnknownOutcomeError("error_in_200")
    return body


def _object(raw: bytes) -> dict[str, Any] | None:
    """The object that *raw* is, an empty one for nothing; None for anything else."""
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None


def items_of(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of a list. Raises UnknownOutcomeError for an answer without: it does not say that there are none."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise UnknownOutcomeError("no_items")
    return [item for item in items if isinstance(item, dict)]


def added_of(answer: Mapping[str, Any], emails: Sequence[str]) -> Added:
    """What an answer to a bulk add says about members of these *emails*. Raises UnknownOutcomeError for one that says nothing.

    An entry is believed when its place is one of the request's, named once, and its email, where it has one, is the one there.
    """
    created = answer.get("created_leads")
    if not isinstance(created, list):
        raise UnknownOutcomeError("no_created_leads")
    entries = [entry if isinstance(entry, dict) else {} for entry in created]
    named = Counter(str(entry.get("index")) for entry in entries)
    ids = {
        int(entry["index"]): vendor_id
        for entry in entries
        if (vendor_id := _id(entry)) and named[str(entry.get("index"))] == 1 and _is_of(entry, emails)
    }
    counts = {reason for name, reason in _REASONS.items() if answer.get(name)}
    uploaded = answer.get("leads_uploaded", len(ids))
    doubtful = len(ids) < len(entries) or uploaded != len(ids)
    return Added(ids, counts.pop() if len(counts) == 1 else None, doubtful)


def _is_of(entry: Mapping[str, Any], emails: Sequence[str]) -> bool:
    index, email = entry.get("index"), entry.get("email")
    if type(index) is not int or not 0 <= index < len(emails):
        return False
    return not email or str(email).lower() == emails[index].lower()


def _id(entry: Mapping[str, Any]) -> str | None:
    """The id of an entry; None for what can be none."""
    found = entry.get("id")
    return found if isinstance(found, str) and found.isprintable() else None


def members_of(items: Sequence[Mapping[str, Any]], campaign_id: str) -> list[Member]:
    """The members among *items*; one that names another campaign is no member of this."""
    return [
        _member(vendor_id, item)
        for item in items
        if (vendor_id := _id(item)) and item.get("campaign") in (None, campaign_id)
    ]


def _member(vendor_id: str, item: Mapping[str, Any]) -> Member:
    payload = item.get("payload")
    return Member(vendor_id, str(item.get("email") or "").lower(), payload if isinstance(payload, dict) else {})
