"""Fake of the part of Instantly's API v2 that the feeder uses. It can be slow, refuse, and leave calls unanswered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from aiohttp import web

Handler = Callable[[web.Request], Any]


@dataclass
class FakeWorkspace:
    """State of the fake Instantly, and its behaviour in the next calls."""

    url: str = ""
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    add_counts: Counter[str] = field(default_factory=Counter)
    """How often each address became a member."""
    bulk_sizes: list[int] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    """Addresses that are not created. The response does not name them."""
    add_statuses: list[int] = field(default_factory=list)
    """Statuses of the next calls of POST /leads/add, which are not executed, or of the next creations, which are."""
    add_delay_seconds: float = 0
    """Delay of an add."""
    held_adds: asyncio.Event | None = None
    """If set, adds wait for this event. They are executed even if the caller has stopped waiting."""
    fails_after_add: bool = False
    """True: adds are executed and answered with 500."""
    retry_after: str | None = None
    """Header of refusals."""
    corrupt_add: Callable[[dict[str, Any]], Any] | None = None
    """Replaces the response to an executed add by another object, or by bytes as they are."""
    corrupt_list: Callable[[dict[str, Any]], Any] | None = None
    corrupt_campaigns: Callable[[dict[str, Any]], Any] | None = None
    removal_statuses: list[int] = field(default_factory=list)
    """Statuses of the next removals, which are not executed."""
    intercept: Callable[[web.Request], web.Response | None] | None = None
    """Returns a response instead of executing the call, or None to execute it."""
    largest_page: int = 100
    """Most items of a page, whatever the request asks for."""
    used_connections: set[int] | None = None
    """Ports of connections with one call. If set, a second call on a connection is cut off."""
    malformed_prefix: str = "malformed"
    """Emails with this prefix are answered with 400."""
    add_started: asyncio.Event = field(default_factory=asyncio.Event)
    add_executed: asyncio.Event = field(default_factory=asyncio.Event)

    def list_emails(self, campaign: str | None = None) -> list[str]:
        """Return the addresses in *campaign*, or in all campaigns."""
        return sorted(m["email"] for m in self.members.values() if campaign in (None, m["campaign"]))

    def add_member(self, campaign: str, lead: dict[str, Any]) -> dict[str, Any]:
        """Add a member, also as a person would by hand."""
        member = {"id": str(uuid4()), "campaign": campaign, "email": lead["email"], "status": 1}
        member["payload"], member["first_name"] = lead.get("custom_variables", {}), lead.get("first_name")
        self.members[member["id"]] = member
        self.add_counts[lead["email"]] += 1
        return member


@asynccontextmanager
async def run_fake_instantly() -> AsyncIterator[FakeWorkspace]:
    """Run the fake on a free port."""
    workspace = FakeWorkspace()
    runner = web.AppRunner(_app(workspace), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield workspace
    finally:
        await runner.cleanup()


def _app(workspace: FakeWorkspace) -> web.Application:
    @web.middleware
    async def intercept(request: web.Request, handler: Handler) -> Any:
        if workspace.used_connections is not None and request.transport is not None:
            peer = request.transport.get_extra_info("peername")[1]
            if peer in workspace.used_connections:
                request.transport.abort()
                return web.Response()
            workspace.used_connections.add(peer)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return _error(401)
        workspace.calls[f"{request.method} {request.path.removeprefix('/api/v2')}"] += 1
        response = workspace.intercept(request) if workspace.intercept else None
        if response is not None:
            return response
        return await handler(request)

    app = web.Application(middlewares=[intercept])
    api = _FakeApi(workspace)
    app.add_routes(
        [
            web.post("/api/v2/leads/add", api.add_leads),
            web.post("/api/v2/leads/list", api.list_leads),
            web.delete("/api/v2/leads/{id}", api.delete_lead),
            web.get("/api/v2/campaigns", api.list_campaigns),
            web.post("/api/v2/campaigns", api.create_campaign),
            web.patch("/api/v2/campaigns/{id}", api.update_campaign),
            web.post("/api/v2/campaigns/{id}/{action}", api.switch_campaign),
        ]
    )
    return app


def _error(status: int, retry_after: str | None = None) -> web.Response:
    headers = {"Retry-After": retry_after} if retry_after else None
    return web.json_response({"statusCode": status, "error": "x", "message": "x"}, status=status, headers=headers)


def _corrupt(body: dict[str, Any], corrupt: Callable[[dict[str, Any]], Any] | None) -> web.Response:
    changed = corrupt(body) if corrupt else body
    return web.Response(body=changed) if isinstance(changed, bytes) else web.json_response(changed)


@dataclass
class _FakeApi:
    workspace: FakeWorkspace

    async def add_leads(self, request: web.Request) -> web.Response:
        body, workspace = await request.json(), self.workspace
        workspace.add_started.set()
        if workspace.add_statuses:
            return _error(workspace.add_statuses.pop(0), workspace.retry_after)
        if workspace.add_delay_seconds or workspace.held_adds:
            # The add continues when the caller hangs up, as at the real Instantly.
            return await asyncio.shield(asyncio.ensure_future(self._add_later(body)))
        return self._execute_add(body)

    async def _add_later(self, body: dict[str, Any]) -> web.Response:
        await asyncio.sleep(self.workspace.add_delay_seconds)
        if self.workspace.held_adds:
            await self.workspace.held_adds.wait()
        response = self._execute_add(body)
        self.workspace.add_executed.set()
        return response

    def _execute_add(self, request: dict[str, Any]) -> web.Response:
        workspace, leads = self.workspace, request["leads"]
        workspace.bulk_sizes.append(len(leads))
        if request["campaign_id"] not in workspace.campaigns:
            return _error(404)
        if not 0 < len(leads) <= 1000 or any(_is_malformed(lead, workspace.malformed_prefix) for lead in leads):
            return _error(400)
        created = []
        for index, lead in enumerate(leads):
            there = lead["email"] in workspace.list_emails(request["campaign_id"]) and request.get(
                "skip_if_in_campaign"
            )
            if not there and lead["email"] not in workspace.blocked:
                member = workspace.add_member(request["campaign_id"], lead)
                created.append({"index": index, "id": member["id"], "email": lead["email"]})
        if workspace.fails_after_add:
            return _error(500)
        missing = len(leads) - len(created)
        blocked = sum(lead["email"] in workspace.blocked for lead in leads)
        body = {
            "status": "success",
            "total_sent": len(leads),
            "leads_uploaded": len(created),
            "in_blocklist": blocked,
            "skipped_count": missing - blocked,
            "created_leads": created,
        }
        return _corrupt(body, workspace.corrupt_add)

    async def list_leads(self, request: web.Request) -> web.Response:
        body = await request.json()
        if body["campaign"] not in self.workspace.campaigns:
            return _error(404)
        wanted = body.get("contacts")
        found = sorted(
            (m for m in self.workspace.members.values() if m["campaign"] == body["campaign"]),
            key=lambda member: member["id"],
        )
        found = [
            m
            for m in found
            if (wanted is None or m["email"] in wanted) and m["id"] > body.get("starting_after", "")[::-1]
        ]
        page = found[: min(body.get("limit", 10), self.workspace.largest_page)]
        body = {"items": page, "next_starting_after": build_cursor(page[-1]["id"]) if page else None}
        return _corrupt(body, self.workspace.corrupt_list)

    async def delete_lead(self, request: web.Request) -> web.Response:
        if self.workspace.removal_statuses:
            return _error(self.workspace.removal_statuses.pop(0), self.workspace.retry_after)
        member = self.workspace.members.pop(request.match_info["id"], None)
        return web.json_response(member) if member else _error(404)

    async def list_campaigns(self, request: web.Request) -> web.Response:
        after = request.query.get("starting_after", "")
        found = sorted(
            (c for c in self.workspace.campaigns.values() if c["id"] > after), key=lambda campaign: campaign["id"]
        )
        page = found[: int(request.query.get("limit", "10"))]
        body = {"items": page, "next_starting_after": page[-1]["id"] if page else None}
        return _corrupt(body, self.workspace.corrupt_campaigns)

    async def create_campaign(self, request: web.Request) -> web.Response:
        campaign = {**await request.json(), "id": str(uuid4()), "status": 0}
        self.workspace.campaigns[campaign["id"]] = campaign
        if self.workspace.add_statuses:
            return _error(self.workspace.add_statuses.pop(0))
        return web.json_response(campaign)

    async def update_campaign(self, request: web.Request) -> web.Response:
        campaign = self.workspace.campaigns.get(request.match_info["id"])
        if campaign is None:
            return _error(404)
        campaign.update(await request.json())
        return web.json_response(campaign)

    async def switch_campaign(self, request: web.Request) -> web.Response:
        campaign = self.workspace.campaigns.get(request.match_info["id"])
        if campaign is None:
            return _error(404)
        campaign["status"] = {"activate": 1, "pause": 2}[request.match_info["action"]]
        return web.json_response(campaign)


def build_cursor(member_id: str) -> str:
    """Return the cursor of the page after this member. It is no id, and cursors do not ascend with ids."""
    return member_id[::-1]


def _is_malformed(lead: dict[str, Any], malformed_prefix: str) -> bool:
    values = lead.get("custom_variables", {}).values()
    return any(isinstance(value, dict | list) for value in values) or lead["email"].startswith(malformed_prefix)
