"""The sandbox's vendors as an adapter meets them: calls, and what they deliver."""

from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from sandbox.settings import SandboxSettings

SETTINGS = SandboxSettings(sandbox_port=0)
BATCHDATA = {"Authorization": f"Bearer {SETTINGS.sandbox_batchdata_token.get_secret_value()}"}
INSTANTLY = {"Authorization": f"Bearer {SETTINGS.sandbox_instantly_key.get_secret_value()}"}
SCHEDULE = {
    "schedules": [
        {
            "name": "weekdays",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": True},
            "timezone": "America/Detroit",
        }
    ]
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's answer."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


class Caller:
    """Calls the sandbox as an adapter would."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._session = session

    async def __call__(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Reply:
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        async with self._session.request(method, self.base + path, data=data, headers=headers) as response:
            return Reply(response.status, response.headers, await response.read())

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        reply = await self(method, f"/_sandbox/{path}", body)
        assert reply.status < 300, reply.raw
        return reply.json if reply.raw else None

    async def fault(self, vendor: str, kind: str, **options: Any) -> None:
        await self.control("POST", "faults", {"vendor": vendor, "kind": kind, **options})

    async def paid(self, vendor: str) -> Any:
        return await self.control("GET", f"paid/{vendor}")

    async def verify(
        self, *records: dict[str, Any], license_key: str | None = None, actions: str = "Check,Verify"
    ) -> Reply:
        message = {
            "TransmissionReference": "r1",
            "CustomerID": license_key or SETTINGS.sandbox_melissa_license.get_secret_value(),
            "Actions": actions,
            "Columns": "MelissaIdentityKey",
            "Options": "Append:Blank",
            "Records": list(records),
        }
        return await self("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", message)

    async def trace(
        self, *requests: dict[str, Any], path: str = "/api/v1/property/skip-trace", **options: Any
    ) -> Reply:
        return await self("POST", f"/batchdata{path}", {"requests": list(requests), "options": options}, BATCHDATA)

    async def instantly(self, method: str, path: str, body: Any = None) -> Reply:
        return await self(method, f"/instantly/api/v2{path}", body, INSTANTLY)

    async def campaign(self, name: str = "FL 62+") -> str:
        reply = await self.instantly("POST", "/campaigns", {"name": name, "campaign_schedule": SCHEDULE})
        return str(reply.json["id"])

    async def add(self, campaign: str, *emails: str, **flags: Any) -> Reply:
        leads = [{"email": email, "custom_variables": {"lead_id": f"ld_{email}"}} for email in emails]
        return await self.instantly("POST", "/leads/add", {"campaign_id": campaign, "leads": leads, **flags})

    async def members(self, campaign: str) -> list[str]:
        state = await self.control("GET", "instantly")
        return next(list(entry["members"]) for entry in state["campaigns"] if entry["id"] == campaign)


def household(number: int) -> dict[str, str]:
    """The address of a household, one of as many as a test wants."""
    return {"street": f"{number} Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"}


def melissa_record(number: int, **fields: str) -> dict[str, str]:
    """A record for Melissa about that household."""
    place = household(number)
    return {
        "RecordID": f"ld_{number}", "FullName": "Marjorie Holt", "AddressLine1": place["street"], "City": place["city"],
        "State": place["state"], "PostalCode": place["zip"], **fields,
    }  # fmt: skip


def trace_request(number: int) -> dict[str, Any]:
    """A request for BatchData about that household."""
    return {"requestId": f"ld_{number}", "propertyAddress": household(number)}


class Hooks:
    """A listener for what vendors deliver."""

    def __init__(self) -> None:
        self.received: list[tuple[Any, Any]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.headers, orjson.loads(await request.read())))
        return web.Response()
