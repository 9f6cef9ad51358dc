"""Client of the sandbox's vendors, and a listener for their deliveries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from sandbox.app import Sandbox, build
from sandbox.settings import SandboxSettings

SETTINGS = SandboxSettings(sandbox_port=0)
BATCHDATA_HEADERS = {"Authorization": f"Bearer {SETTINGS.sandbox_batchdata_token.get_secret_value()}"}
INSTANTLY_HEADERS = {"Authorization": f"Bearer {SETTINGS.sandbox_instantly_key.get_secret_value()}"}
OPENROUTER_HEADERS = {"Authorization": f"Bearer {SETTINGS.sandbox_openrouter_key.get_secret_value()}"}
CAMPAIGN_SCHEDULE = {
    "schedules": [
        {
            "name": "weekdays",
            "timing": {"from": "09:00", "to": "17:00"},
            "days": {"1": True},
            "timezone": "America/Detroit",
        }
    ]
}


@asynccontextmanager
async def run_sandbox(settings: SandboxSettings = SETTINGS) -> AsyncIterator[Sandbox]:
    """Run a sandbox in this process."""
    sandbox = build(settings)
    await sandbox.start()
    try:
        yield sandbox
    finally:
        await sandbox.stop()


@dataclass(frozen=True, slots=True)
class SandboxResponse:
    """A response of a vendor or of the control API."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


class SandboxClient:
    """A client that calls the vendors as an adapter does, and the control API."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self.base = base
        self._session = session

    async def send_request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> SandboxResponse:
        data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
        async with self._session.request(method, self.base + path, data=data, headers=headers) as response:
            return SandboxResponse(response.status, response.headers, await response.read())

    async def call_control_api(self, method: str, path: str, body: Any = None) -> Any:
        response = await self.send_request(method, f"/_sandbox/{path}", body)
        assert response.status < 300, response.raw
        return response.json if response.raw else None

    async def add_fault(self, vendor: str, kind: str, **options: Any) -> None:
        await self.call_control_api("POST", "faults", {"vendor": vendor, "kind": kind, **options})

    async def fetch_charges(self, vendor: str) -> Any:
        return await self.call_control_api("GET", f"paid/{vendor}")

    async def verify_records(
        self, *records: dict[str, Any], license_key: str | None = None, actions: str = "Check,Verify"
    ) -> SandboxResponse:
        message = {
            "TransmissionReference": "r1",
            "CustomerID": license_key or SETTINGS.sandbox_melissa_license.get_secret_value(),
            "Actions": actions,
            "Columns": "MelissaIdentityKey",
            "Options": "Append:Blank",
            "Records": list(records),
        }
        return await self.send_request("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", message)

    async def trace_properties(
        self, *requests: dict[str, Any], path: str = "/api/v1/property/skip-trace", **options: Any
    ) -> SandboxResponse:
        body = {"requests": list(requests), "options": options}
        return await self.send_request("POST", f"/batchdata{path}", body, BATCHDATA_HEADERS)

    async def call_instantly(self, method: str, path: str, body: Any = None) -> SandboxResponse:
        return await self.send_request(method, f"/instantly/api/v2{path}", body, INSTANTLY_HEADERS)

    async def complete_chat(self, body: Any) -> SandboxResponse:
        return await self.send_request("POST", "/openrouter/api/v1/chat/completions", body, OPENROUTER_HEADERS)

    async def create_campaign(self, name: str = "FL 62+") -> str:
        body = {"name": name, "campaign_schedule": CAMPAIGN_SCHEDULE}
        return str((await self.call_instantly("POST", "/campaigns", body)).json["id"])

    async def add_leads(self, campaign: str, *emails: str, **flags: Any) -> SandboxResponse:
        leads = [{"email": email, "custom_variables": {"lead_id": f"ld_{email}"}} for email in emails]
        return await self.call_instantly("POST", "/leads/add", {"campaign_id": campaign, "leads": leads, **flags})

    async def list_members(self, campaign: str) -> list[str]:
        state = await self.call_control_api("GET", "instantly")
        return next(list(entry["members"]) for entry in state["campaigns"] if entry["id"] == campaign)


def household_address(number: int) -> dict[str, str]:
    """Return the address of household *number*; every number has one."""
    return {"street": f"{number} Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"}


def create_melissa_record(number: int, **fields: str) -> dict[str, str]:
    """Return a record about household *number* for Melissa."""
    address = household_address(number)
    return {
        "RecordID": f"ld_{number}", "FullName": "Marjorie Holt", "AddressLine1": address["street"],
        "City": address["city"], "State": address["state"], "PostalCode": address["zip"], **fields,
    }  # fmt: skip


def create_trace_request(number: int) -> dict[str, Any]:
    """Return a skip-trace request about household *number* for BatchData."""
    return {"requestId": f"ld_{number}", "propertyAddress": household_address(number)}


class WebhookListener:
    """An HTTP handler that keeps the deliveries of vendors."""

    def __init__(self) -> None:
        self.received: list[tuple[Any, Any]] = []
        self.url = ""

    async def receive_delivery(self, request: web.Request) -> web.Response:
        self.received.append((request.headers, orjson.loads(await request.read())))
        return web.Response()


@asynccontextmanager
async def run_webhook_listener() -> AsyncIterator[WebhookListener]:
    """Run a server that keeps the deliveries of vendors."""
    listener = WebhookListener()
    app = web.Application()
    app.router.add_post("/hook", listener.receive_delivery)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    try:
        yield listener
    finally:
        await runner.cleanup()
