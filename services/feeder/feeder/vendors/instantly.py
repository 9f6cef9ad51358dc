"""Instantly.ai API v2: its contract in and out, nothing of ours (vendor contracts §1; official OpenAPI 2.0.0).

Errors tell what matters to a caller: whether the thing was done. `NotDoneError`: certainly not. `UnknownOutcomeError`: it may
have been; ask, never repeat blindly. There are no idempotency keys.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from common import telemetry
from feeder.settings import FeederSettings

PAGE = 100
"""Items of a page, and addresses of one look-up, at the most."""
_OK, _BAD_REQUEST, _NOT_FOUND, _TOO_MANY, _SERVER_FAULT = 200, 400, 404, 429, 500

Scalar = str | int | float | bool | None


class NotDoneError(Exception):
    """Instantly refused, or was never reached: nothing was done. *status* is the HTTP status, 0 for no connection."""

    def __init__(self, status: int, retry_after: float | None = None) -> None:
        super().__init__(f"Instantly answered {status}" if status else "Instantly cannot be reached")
        self.status = status
        self.retry_after = retry_after
        """Seconds that Instantly asked us to wait; mostly it does not say."""


class InvalidRequestError(NotDoneError):
    """400: something in the request is not as the schema wants it."""


class GoneError(NotDoneError):
    """404: there is no such campaign or lead."""


class UnknownOutcomeError(Exception):
    """No answer, or one that says nothing (a timeout, a cut connection, 5xx): it may have been done."""


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


class Instantly:
    """A client of one workspace."""

    def __init__(self, settings: FeederSettings) -> None:
        self._base = settings.instantly_base_url.rstrip("/") + "/api/v2"
        self._key = settings.instantly_api_key.get_secret_value() if settings.instantly_api_key else ""
        self._timeout = aiohttp.ClientTimeout(total=settings.instantly_timeout_seconds)
        self._gap = 1 / settings.instantly_requests_per_second
        self._next_at = 0.0
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Make the session; no connection yet."""
        headers = {"Authorization": f"Bearer {self._key}"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=self._timeout)

    async def stop(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    async def add(self, campaign_id: str, members: Sequence[NewMember]) -> dict[int, str]:
        """Add up to 1,000 members; Instantly's ids of those created, by their place in *members*.

        Who is missing from the answer is in the campaign already, in a block list, invalid or a duplicate: the answer has
        no more than counts for these.
        """
        body = {
            "campaign_id": campaign_id,
            "skip_if_in_campaign": True,
            "leads": [member.as_json() for member in members],
        }
        answer = await self._call("POST", "/leads/add", body)
        return {int(created["index"]): str(created["id"]) for created in answer.get("created_leads") or []}

    async def find(self, campaign_id: str, emails: Sequence[str]) -> list[Member]:
        """Those of up to 100 *emails* that are in the campaign."""
        body = {"campaign": campaign_id, "contacts": list(emails), "limit": PAGE}
        answer = await self._call("POST", "/leads/list", body)
        return [_member(item) for item in answer.get("items") or []]

    async def page(self, campaign_id: str, after: str | None) -> tuple[list[Member], str | None]:
        """A page of the campaign's members and where the next one starts; an empty page is the end."""
        body = {"campaign": campaign_id, "limit": PAGE} | ({"starting_after": after} if after else {})
        answer = await self._call("POST", "/leads/list", body)
        return [_member(item) for item in answer.get("items") or []], answer.get("next_starting_after")

    async def remove(self, member_id: str) -> None:
        """Take a member out of its campaign; who is gone already is no error."""
        try:
            await self._call("DELETE", f"/leads/{member_id}")
        except GoneError:
            return

    async def campaigns(self) -> dict[str, str]:
        """The ids of all campaigns by name."""
        found: dict[str, str] = {}
        after: str | None = None
        while True:
            query = f"?limit={PAGE}" + (f"&starting_after={after}" if after else "")
            answer = await self._call("GET", f"/campaigns{query}")
            items = answer.get("items") or []
            found |= {str(item["name"]): str(item["id"]) for item in items}
            after = answer.get("next_starting_after")
            if not items or not after:
                return found

    async def create_campaign(self, campaign: Mapping[str, Any]) -> str:
        """Create a campaign, which sends nothing yet; its id."""
        return str((await self._call("POST", "/campaigns", campaign))["id"])

    async def update_campaign(self, campaign_id: str, campaign: Mapping[str, Any]) -> None:
        """Bring a campaign up to date. Steps that were sent are not sent again."""
        await self._call("PATCH", f"/campaigns/{campaign_id}", campaign)

    async def set_active(self, campaign_id: str, *, active: bool) -> None:
        """Let a campaign send, or make it pause."""
        await self._call("POST", f"/campaigns/{campaign_id}/{'activate' if active else 'pause'}", {})

    async def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        if self._session is None:
            raise NotDoneError(0)
        await self._wait_for_turn()
        data = None if body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": "application/json"}
        outcome = "unknown"
        try:
            async with self._session.request(method, self._base + path, data=data, headers=headers) as answer:
                outcome = str(answer.status)
                return _read(answer, await answer.read())
        except aiohttp.ClientConnectorError as error:
            outcome = "unreachable"
            raise NotDoneError(0) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnknownOutcomeError(type(error).__name__) from error
        finally:
            counter = telemetry.counter("equity_vendor_answers", "Answers of vendors by status")
            counter.add(1, {"vendor": "instantly", "operation": f"{method} /{path.split('/')[1]}", "outcome": outcome})

    async def _wait_for_turn(self) -> None:
        """Space requests evenly, so that the workspace's limit is kept without asking for it."""
        now = time.monotonic()
        self._next_at = max(self._next_at, now) + self._gap
        await asyncio.sleep(self._next_at - self._gap - now)


def _read(answer: aiohttp.ClientResponse, raw: bytes) -> dict[str, Any]:
    """The body of a good answer. Raises NotDoneError or UnknownOutcomeError for any other."""
    if answer.status >= _SERVER_FAULT:
        raise UnknownOutcomeError(f"status {answer.status}")
    if answer.status == _BAD_REQUEST:
        raise InvalidRequestError(answer.status)
    if answer.status == _NOT_FOUND:
        raise GoneError(answer.status)
    if not _OK <= answer.status < 300:  # noqa: PLR2004 - the end of success
        raise NotDoneError(answer.status, _retry_after(answer))
    try:
        body = orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise UnknownOutcomeError("an answer that is no JSON") from error
    return body if isinstance(body, dict) else {}


def _retry_after(answer: aiohttp.ClientResponse) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if answer.status == _TOO_MANY and text.isdigit() else None


def _member(item: Mapping[str, Any]) -> Member:
    payload = item.get("payload")
    return Member(str(item["id"]), str(item.get("email", "")).lower(), payload if isinstance(payload, dict) else {})
