"""The control API, `/_sandbox/...`: faults on and off, and what the vendors know and were asked (sandbox/README.md)."""

from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.faults import GENERAL, Fault, Standing
from sandbox.people import Address
from sandbox.vendor import first_fault
from sandbox.world import World

M = TypeVar("M", bound=BaseModel)


class Event(BaseModel):
    """Something that happens to a member of an Instantly campaign, such as a reply."""

    model_config = ConfigDict(extra="forbid")

    event_type: str
    email: str
    campaign: str | None = Field(None, description="Which campaign's member, when the email is in several.")
    details: dict[str, Any] = Field(default_factory=dict, description="Fields of the webhook, such as reply_text.")


class Control:
    """Answers the control API."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Its addresses."""
        return [
            web.get("/_sandbox/faults", self._list_faults),
            web.post("/_sandbox/faults", self._add_fault),
            web.delete("/_sandbox/faults", self._clear_faults),
            web.delete("/_sandbox/faults/{number:[0-9]{1,9}}", self._remove_fault),
            web.get("/_sandbox/fault-kinds", self._list_kinds),
            web.get("/_sandbox/calls/{vendor}", self._show_calls),
            web.get("/_sandbox/paid/{vendor}", self._show_paid),
            web.get("/_sandbox/people", self._show_person),
            web.get("/_sandbox/instantly", self._show_instantly),
            web.post("/_sandbox/instantly/events", self._let_happen),
            web.post("/_sandbox/instantly/steps/{step:[1-9]}", self._send_step),
            web.post("/_sandbox/reset", self._reset),
        ]

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return _json([_shown(standing) for standing in self._world.faults.all()])

    async def _add_fault(self, request: web.Request) -> web.Response:
        fault = await _read(Fault, request)
        vendor = self._world.vendors.get(fault.vendor)
        if vendor is None:
            raise _unprocessable(f"There is no vendor {fault.vendor!r}; there are {', '.join(self._world.vendors)}.")
        if fault.kind not in GENERAL and fault.kind not in vendor.faults:
            raise _unprocessable(f"{fault.vendor} has no fault {fault.kind!r}: GET /_sandbox/fault-kinds.")
        targets = vendor.targets()
        if fault.operation is not None and fault.operation not in targets:
            names = ", ".join(sorted(targets))
            raise _unprocessable(f"{fault.vendor} has no operation {fault.operation!r}; there are {names}.")
        if fault.operation and fault.kind in vendor.faults and fault.kind not in targets[fault.operation]:
            names = ", ".join(sorted(name for name, kinds in targets.items() if fault.kind in kinds))
            raise _unprocessable(f"{fault.kind} cannot hit {fault.operation}; it can hit {names}.")
        return _json(_shown(self._world.faults.add(fault)), 201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._world.faults.clear()
        return web.Response(status=204)

    async def _remove_fault(self, request: web.Request) -> web.Response:
        if not self._world.faults.remove(int(request.match_info["number"])):
            raise web.HTTPNotFound(text="There is no fault of this number.")
        return web.Response(status=204)

    async def _list_kinds(self, _request: web.Request) -> web.Response:
        own = {name: dict(vendor.faults) for name, vendor in self._world.vendors.items()}
        return _json({"every vendor": dict(GENERAL), **own})

    async def _show_calls(self, request: web.Request) -> web.Response:
        return _json(self._world.ledger.calls(self._vendor(request)))

    async def _show_paid(self, request: web.Request) -> web.Response:
        return _json(self._world.ledger.paid(self._vendor(request)))

    async def _show_person(self, request: web.Request) -> web.Response:
        address = Address(*(request.query.get(name, "") for name in ("street", "city", "state", "zip")))
        return _json(self._world.people.at(address, request.query.get("first", ""), request.query.get("last", "")))

    async def _show_instantly(self, _request: web.Request) -> web.Response:
        workspace = self._world.instantly.workspace
        campaigns = [
            {
                "id": campaign["id"],
                "name": campaign["name"],
                "status": campaign["status"],
                "members": [lead["email"] for lead in workspace.members(campaign["id"])],
            }
            for campaign in workspace.campaigns.values()
        ]
        return _json({"campaigns": campaigns, "blocked": list(workspace.blocked), "webhooks": len(workspace.webhooks)})

    async def _let_happen(self, request: web.Request) -> web.Response:
        event = await _read(Event, request)
        leads = [
            lead
            for lead in self._world.instantly.workspace.leads.values()
            if lead["email"] == event.email and lead["campaign"] and event.campaign in (None, lead["campaign"])
        ]
        if not leads:
            raise web.HTTPNotFound(text="No campaign has this email.")
        sent = self._world.instantly.webhooks.happen(event.event_type, leads[0], event.details)
        await self._world.deliveries.settle()
        return _json({"delivered": sent})

    async def _send_step(self, request: web.Request) -> web.Response:
        happened = self._world.instantly.sending.send(int(request.match_info["step"]))
        await self._world.deliveries.settle()
        return _json(happened)

    async def _reset(self, _request: web.Request) -> web.Response:
        self._world.clear()
        return web.Response(status=204)

    def _vendor(self, request: web.Request) -> str:
        name = request.match_info["vendor"]
        if name not in self._world.vendors:
            raise web.HTTPNotFound(text=f"There is no such vendor; there are {', '.join(self._world.vendors)}.")
        return name


async def _read(model: type[M], request: web.Request) -> M:
    try:
        return model.model_validate(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as error:
        raise _unprocessable("The body is no JSON.") from error
    except ValidationError as error:
        raise _unprocessable(first_fault(error)) from error
    except web.RequestPayloadError as error:
        raise web.HTTPBadRequest(text="The body is not encoded as Content-Encoding says.") from error


def _shown(standing: Standing) -> dict[str, Any]:
    return {"number": standing.number, "seen": standing.seen, "hits": standing.hits, **standing.fault.model_dump()}


def _unprocessable(text: str) -> web.HTTPUnprocessableEntity:
    return web.HTTPUnprocessableEntity(text=text)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
