"""A stand-in for Instantly's API v2, enough of it for the feeder, that can be slow, refuse, and forget to answer."""

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
class Workspace:
    """What the vendor holds, and how it shall behave next."""

    url: str = ""
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    """How often each address was made a member."""
    bulk_sizes: list[int] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    """Addresses that are not created, without a word which."""
    answers: list[int] = field(default_factory=list)
    """Statuses of the next calls of POST /leads/add, instead of doing it."""
    slow_add: float = 0
    """Seconds before an add is done; a caller that does not wait so long has no answer, and it is done all the same."""
    mute_after_add: bool = False
    """Do the add, and answer 500."""
    retry_after: str | None = None
    """The header of refusals."""
    spoil_add: Callable[[dict[str, Any]], Any] | None = None
    """Makes of the answer to an add, which was done, another: an object, or bytes as they are."""
    spoil_list: Callable[[dict[str, Any]], Any] | None = None
    spoil_campaigns: Callable[[dict[str, Any]], Any] | None = None
    removal_answers: list[int] = field(default_factory=list)
    """Statuses of the next removals, instead of doing them."""
    instead: Callable[[web.Request], web.Response | None] | None = None
    """What to answer instead of doing anything; None does it."""
    most_on_a_page: int = 100
    """Whatever was asked for."""
    connections: set[int] | None = None
    """A set: those that were called on, which are left as a second call comes in."""
    malformed: str = "malformed"
    """Emails that begin so are a 400."""
    adding: asyncio.Event = field(default_factory=asyncio.Event)

    def emails(self, campaign: str | None = None) -> list[str]:
        """The addresses in *campaign*, or in all."""
        return sorted(m["email"] for m in self.members.values() if campaign in (None, m["campaign"]))

    def add(self, campaign: str, lead: dict[str, Any]) -> dict[str, Any]:
        """Make a member, as somebody by hand might."""
        member = {"id": str(uuid4()), "campaign": campaign, "email": lead["email"], "status": 1}
        member["payload"], member["first_name"] = lead.get("custom_variables", {}), lead.get("first_name")
        self.members[member["id"]] = member
        self.added[lead["email"]] += 1
        return member


@asynccontextmanager
async def instantly() -> AsyncIterator[Workspace]:
    """A running stand-in."""
    workspace = Workspace()
    runner = web.AppRunner(_app(workspace), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    workspace.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield workspace
    finally:
        await runner.cleanup()


def _app(workspace: Workspace) -> web.Application:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> Any:
        if workspace.connections is not None and request.transport is not None:
            peer = request.transport.get_extra_info("peername")[1]
            if peer in workspace.connections:
                request.transport.abort()
                return web.Response()
            workspace.connections.add(peer)
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return _error(401)
        workspace.calls[f"{request.method} {request.path.removeprefix('/api/v2')}"] += 1
        said = workspace.instead(request) if workspace.instead else None
        if said is not None:
            return said
        return await handler(request)

    app = web.Application(middlewares=[guard])
    api = _Api(workspace)
    app.add_routes(
        [
            web.post("/api/v2/leads/add", api.add),
            web.post("/api/v2/leads/list", api.list),
            web.delete("/api/v2/leads/{id}", api.delete),
            web.get("/api/v2/campaigns", api.campaigns),
            web.post("/api/v2/campaigns", api.create),
            web.patch("/api/v2/campaigns/{id}", api.patch),
            web.post("/api/v2/campaigns/{id}/{action}", api.act),
        ]
    )
    return app


def _error(status: int, retry_after: str | None = None) -> web.Response:
    headers = {"Retry-After": retry_after} if retry_after else None
    return web.json_response({"statusCode": status, "error": "x", "message": "x"}, status=status, headers=headers)


def _spoiled(body: dict[str, Any], spoil: Callable[[dict[str, Any]], Any] | None) -> web.Response:
    said = spoil(body) if spoil else body
    return web.Response(body=said) if isinstance(said, bytes) else web.json_response(said)


@dataclass
class _Api:
    workspace: Workspace

    async def add(self, request: web.Request) -> web.Response:
        body, workspace = await request.json(), self.workspace
        workspace.adding.set()
        if workspace.answers:
            return _error(workspace.answers.pop(0), workspace.retry_after)
        if workspace.slow_add:
            # The work goes on when the caller hangs up, as it would at the real one.
            return await asyncio.shield(asyncio.ensure_future(self._later(body)))
        return self._do(body)

    async def _later(self, body: dict[str, Any]) -> web.Response:
        await asyncio.sleep(self.workspace.slow_add)
        return self._do(body)

    def _do(self, request: dict[str, Any]) -> web.Response:
        workspace, leads = self.workspace, request["leads"]
        workspace.bulk_sizes.append(len(leads))
        if request["campaign_id"] not in workspace.campaigns:
            return _error(404)
        if not 0 < len(leads) <= 1000 or any(_not_scalar(lead, workspace.malformed) for lead in leads):
            return _error(400)
        created = []
        for index, lead in enumerate(leads):
            there = lead["email"] in workspace.emails(request["campaign_id"]) and request.get("skip_if_in_campaign")
            if not there and lead["email"] not in workspace.blocked:
                member = workspace.add(request["campaign_id"], lead)
                created.append({"index": index, "id": member["id"], "email": lead["email"]})
        if workspace.mute_after_add:
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
        return _spoiled(body, workspace.spoil_add)

    async def list(self, request: web.Request) -> web.Response:
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
        page = found[: min(body.get("limit", 10), self.workspace.most_on_a_page)]
        body = {"items": page, "next_starting_after": cursor(page[-1]["id"]) if page else None}
        return _spoiled(body, self.workspace.spoil_list)

    async def delete(self, request: web.Request) -> web.Response:
        if self.workspace.removal_answers:
            return _error(self.workspace.removal_answers.pop(0), self.workspace.retry_after)
        member = self.workspace.members.pop(request.match_info["id"], None)
        return web.json_response(member) if member else _error(404)

    async def campaigns(self, request: web.Request) -> web.Response:
        after = request.query.get("starting_after", "")
        found = sorted(
            (c for c in self.workspace.campaigns.values() if c["id"] > after), key=lambda campaign: campaign["id"]
        )
        page = found[: int(request.query.get("limit", "10"))]
        body = {"items": page, "next_starting_after": page[-1]["id"] if page else None}
        return _spoiled(body, self.workspace.spoil_campaigns)

    async def create(self, request: web.Request) -> web.Response:
        campaign = {**await request.json(), "id": str(uuid4()), "status": 0}
        self.workspace.campaigns[campaign["id"]] = campaign
        if self.workspace.answers:
            return _error(self.workspace.answers.pop(0))
        return web.json_response(campaign)

    async def patch(self, request: web.Request) -> web.Response:
        campaign = self.workspace.campaigns.get(request.match_info["id"])
        if campaign is None:
            return _error(404)
        campaign.update(await request.json())
        return web.json_response(campaign)

    async def act(self, request: web.Request) -> web.Response:
        campaign = self.workspace.campaigns.get(request.match_info["id"])
        if campaign is None:
            return _error(404)
        campaign["status"] = {"activate": 1, "pause": 2}[request.match_info["action"]]
        return web.json_response(campaign)


def cursor(member_id: str) -> str:
    """Names the page behind this member: no id itself, and not in the order of ids."""
    return member_id[::-1]


def _not_scalar(lead: dict[str, Any], malformed: str) -> bool:
    values = lead.get("custom_variables", {}).values()
    return any(isinstance(value, dict | list) for value in values) or lead["email"].startswith(malformed)
