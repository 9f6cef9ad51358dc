"""Instantly.ai API v2: its contract in and out, nothing of ours (vendor contracts §1; official OpenAPI 2.0.0).

There are no idempotency keys: an error tells whether the thing was done (`instantly_answers`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
from aiohttp.abc import AbstractResolver

from common import telemetry
from feeder.door import Door
from feeder.settings import FeederSettings
from feeder.vendors.instantly_answers import (
    Added,
    GoneError,
    InvalidRequestError,
    LeftAloneError,
    Member,
    NotDoneError,
    Pages,
    Scalar,
    UnknownOutcomeError,
    added_of,
    items_of,
    members_of,
    read_answer,
)

PAGE = 100
"""Items of a page, and addresses of one look-up, at the most."""


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

    def __init__(
        self, settings: FeederSettings, door: Door, resolver: Callable[[], AbstractResolver] = aiohttp.DefaultResolver
    ) -> None:
        self._resolver = resolver
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
            connector=aiohttp.TCPConnector(limit=0, force_close=True, resolver=self._resolver()),
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
        return added_of(await self._call("POST", "/leads/add", body), [member.email for member in members])

    async def find(self, campaign_id: str, emails: Sequence[str]) -> list[Member]:
        """Those of up to 100 *emails* that are in the campaign, on however many pages."""
        found, after, pages = list[Member](), None, Pages()
        while True:
            body = {"campaign": campaign_id, "contacts": list(emails), "limit": PAGE}
            answer = await self._call("POST", "/leads/list", body | ({"starting_after": after} if after else {}))
            items = items_of(answer)
            found += members_of(items, campaign_id)
            after = pages.next(answer, items)
            if after is None or len(found) >= len(emails):
                return found

    async def page(self, campaign_id: str, after: str | None) -> tuple[list[Member], str | None]:
        """A page of the campaign's members, in the order of their ids, and where the next one starts, if there is one.

        Raises UnknownOutcomeError for a cursor that does not move on.
        """
        body = {"campaign": campaign_id, "limit": PAGE} | ({"starting_after": after} if after else {})
        answer = await self._call("POST", "/leads/list", body)
        items = items_of(answer)
        return members_of(items, campaign_id), Pages({after} if after else set()).next(answer, items)

    async def remove(self, member_id: str) -> None:
        """Take a member out of its campaign; who is gone already is no error."""
        try:
            await self._call("DELETE", f"/leads/{quote(member_id, safe='')}")
        except GoneError:
            return

    async def campaigns(self) -> dict[str, str]:
        """The ids of all campaigns by name."""
        found: dict[str, str] = {}
        after, pages = None, Pages()
        while True:
            query = f"?limit={PAGE}" + (f"&starting_after={quote(after, safe='')}" if after else "")
            answer = await self._call("GET", f"/campaigns{query}")
            items = items_of(answer)
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
                return read_answer(reply, await reply.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise NotDoneError from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnknownOutcomeError("timeout" if isinstance(error, TimeoutError) else "cut_off") from error
