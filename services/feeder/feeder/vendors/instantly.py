"""Instantly.ai API v2: its contract in and out, nothing of ours (vendor contracts §1; official OpenAPI 2.0.0).

Errors tell what matters to a caller: whether the thing was done. `NotDoneError`: certainly not. `UnknownOutcomeError`: it may
have been; ask, never repeat blindly. There are no idempotency keys.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson

from common import telemetry
from common.retry_after import retry_after
from feeder.door import Door
from feeder.settings import FeederSettings

PAGE = 100
"""Items of a page, and addresses of one look-up, at the most."""
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
class NewMember:
    """A lead to add; *variables* are scalars only, anything else is a 400."""

    email: str
    first_name: str | None
    last_name: str | None
    variables: Mapping[str, Scalar]

    def as_json(self) -> dict[str, Any]:
        """The item of `leads` in POST /leads/add."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "custom_variables": dict(self.variables),
        }


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
class _Page:
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


class Instantly:
    """A client of one workspace."""

    def __init__(self, settings: FeederSettings, door: Door) -> None:
        self._base = settings.instantly_base_url.rstrip("/") + "/api/v2"
        self._key = settings.instantly_api_key.get_secret_value() if settings.instantly_api_key else ""
        self._timeout = aiohttp.ClientTimeout(total=settings.instantly_timeout_seconds)
        self._door = door
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make the session; no connection yet. Cookies are not kept, and each call has a connection of its own (ADR 21)."""
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}"},
            timeout=self._timeout,
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def add(self, campaign_id: str, members: Sequence[NewMember]) -> Added:
        """Add up to 1,000 members. Who is missing from the answer was not created: it has no more than counts for these."""
        body = {
            "campaign_id": campaign_id,
            "skip_if_in_campaign": True,
            "leads": [member.as_json() for member in members],
        }
        return _added(await self._call("POST", "/leads/add", body), members)

    async def find(self, campaign_id: str, emails: Sequence[str]) -> list[Member]:
        """Those of up to 100 *emails* that are in the campaign, on however many pages."""
        found, after, pages = list[Member](), None, _Page()
        while True:
            body = {"campaign": campaign_id, "contacts": list(emails), "limit": PAGE}
            answer = await self._call("POST", "/leads/list", body | ({"starting_after": after} if after else {}))
            items = _items(answer)
            found += _members(items, campaign_id)
            after = pages.next(answer, items)
            if after is None or len(found) >= len(emails):
                return found

    async def page(self, campaign_id: str, after: str | None) -> tuple[list[Member], str | None]:
        """A page of the campaign's members, in the order of their ids, and where the next one starts, if there is one.

        Raises UnknownOutcomeError for a cursor that does not move on.
        """
        body = {"campaign": campaign_id, "limit": PAGE} | ({"starting_after": after} if after else {})
        answer = await self._call("POST", "/leads/list", body)
        items = _items(answer)
        return _members(items, campaign_id), _Page({after} if after else set()).next(answer, items)

    async def remove(self, member_id: str) -> None:
        """Take a member out of its campaign; who is gone already is no error."""
        try:
            await self._call("DELETE", f"/leads/{quote(member_id, safe='')}")
        except GoneError:
            return

    async def campaigns(self) -> dict[str, str]:
        """The ids of all campaigns by name."""
        found: dict[str, str] = {}
        after, pages = None, _Page()
        while True:
            query = f"?limit={PAGE}" + (f"&starting_after={quote(after, safe='')}" if after else "")
            answer = await self._call("GET", f"/campaigns{query}")
            items = _items(answer)
            found |= {str(item["name"]): str(item["id"]) for item in items if item.get("name") and item.get("id")}
            after = pages.next(answer, items)
            if after is None:
                return found

    async def create_campaign(self, campaign: Mapping[str, Any]) -> str:
        """Create a campaign, which sends nothing yet; its id."""
        answer = await self._call("POST", "/campaigns", campaign)
        if not answer.get("id"):
            raise UnknownOutcomeError("a campaign without an id")
        return str(answer["id"])

    async def update_campaign(self, campaign_id: str, campaign: Mapping[str, Any]) -> None:
        """Bring a campaign up to date. Steps that were sent are not sent again."""
        await self._call("PATCH", f"/campaigns/{campaign_id}", campaign)

    async def set_active(self, campaign_id: str, *, active: bool) -> None:
        """Let a campaign send, or make it pause."""
        await self._call("POST", f"/campaigns/{campaign_id}/{'activate' if active else 'pause'}", {})

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        turn = await self._door.enter()
        if turn is None:
            raise LeftAloneError
        fault = ""
        try:
            answer = await self._send(method, path, body)
        except (InvalidRequestError, GoneError) as error:
            await self._door.went_well()  # the fault is the request's
            fault = error.fault
            raise
        except (NotDoneError, UnknownOutcomeError) as error:
            fault = error.fault
            await self._door.went_wrong(fault, probing=turn.probing, asked_for=error.asked_for)
            raise
        else:
            await self._door.went_well()
            return answer
        finally:
            counter = telemetry.counter("equity_vendor_answers", "Answers of vendors by status")
            operation = f"{method} /{path.split('/')[1].partition('?')[0]}"
            counter.add(
                1, {"vendor": "instantly", "operation": operation, "outcome": fault.removeprefix("http_") or "200"}
            )

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        if self._session is None:
            raise NotDoneError
        data = None if body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        try:
            # Not to follow redirects: they would turn a POST into a GET, and carry the key elsewhere.
            async with self._session.request(
                method, self._base + path, data=data, headers=headers, allow_redirects=False
            ) as reply:
                return _read(reply, await reply.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotDoneError from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnknownOutcomeError("timeout" if isinstance(error, TimeoutError) else "cut_off") from error


def _read(reply: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
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


def _items(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The items of a list. Raises UnknownOutcomeError for an answer without: it does not say that there are none."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise UnknownOutcomeError("no_items")
    return [item for item in items if isinstance(item, dict)]


def _added(answer: Mapping[str, Any], members: Sequence[NewMember]) -> Added:
    """What an answer to a bulk add says about *members*. Raises UnknownOutcomeError for one that says nothing.

    An entry is believed when its place is one of the request's, named once, and its email, where it has one, is that member's.
    """
    created = answer.get("created_leads")
    if not isinstance(created, list):
        raise UnknownOutcomeError("no_created_leads")
    entries = [entry if isinstance(entry, dict) else {} for entry in created]
    named = Counter(str(entry.get("index")) for entry in entries)
    ids = {
        int(entry["index"]): vendor_id
        for entry in entries
        if (vendor_id := _id(entry)) and named[str(entry.get("index"))] == 1 and _is_of(entry, members)
    }
    counts = {reason for name, reason in _REASONS.items() if answer.get(name)}
    uploaded = answer.get("leads_uploaded", len(ids))
    doubtful = len(ids) < len(entries) or uploaded != len(ids)
    return Added(ids, counts.pop() if len(counts) == 1 else None, doubtful)


def _is_of(entry: Mapping[str, Any], members: Sequence[NewMember]) -> bool:
    index, email = entry.get("index"), entry.get("email")
    if type(index) is not int or not 0 <= index < len(members):
        return False
    return not email or str(email).lower() == members[index].email.lower()


def _id(entry: Mapping[str, Any]) -> str | None:
    """The id of an entry; None for what can be none."""
    found = entry.get("id")
    return found if isinstance(found, str) and found.isprintable() else None


def _members(items: Sequence[Mapping[str, Any]], campaign_id: str) -> list[Member]:
    """The members among *items*; one that names another campaign is no member of this."""
    return [
        _member(vendor_id, item)
        for item in items
        if (vendor_id := _id(item)) and item.get("campaign") in (None, campaign_id)
    ]


def _member(vendor_id: str, item: Mapping[str, Any]) -> Member:
    payload = item.get("payload")
    return Member(vendor_id, str(item.get("email") or "").lower(), payload if isinstance(payload, dict) else {})
