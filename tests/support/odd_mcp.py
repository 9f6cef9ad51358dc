"""An MCP server that speaks the protocol by hand, so that it can say what no library would."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

Page = list[Any]
Call = Callable[[dict[str, Any]], Awaitable[web.StreamResponse | dict[str, Any]]]


def house(number: int, **more: Any) -> dict[str, Any]:
    """A property as BatchData writes it."""
    address = {"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"}
    return {"_id": f"id{number}", "address": address} | more


def document(properties: Page, found: Any = None) -> dict[str, Any]:
    """A page as the REST API has it."""
    return {
        "status": {"code": 200, "text": "OK"},
        "results": {"properties": properties, "meta": {"results": {"resultsFound": found}}},
    }


def text_of(told: dict[str, Any] | str) -> dict[str, Any]:
    """A tool's result with one text."""
    text = told if isinstance(told, str) else orjson.dumps(told).decode()
    return {"content": [{"type": "text", "text": text}], "isError": False}


class OddServer:
    """Streamable HTTP at `/`; each method of the protocol is answered by what `answers` has for it."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[dict[str, Any]] = []
        self.moved: dict[str, str] = {}
        """Paths, and where they redirect to."""
        self.answers: dict[str, Call] = {"initialize": self._initialize, "tools/list": self._list}
        self.tools: list[dict[str, Any]] = [{"name": "search_properties", "inputSchema": {"type": "object"}}]

    @property
    def calls(self) -> int:
        """How often a tool was called."""
        return sum(request["method"] == "tools/call" for request in self.seen)

    def page(self, make: Callable[[int, int], dict[str, Any] | web.StreamResponse]) -> None:
        """Answer the tool's calls by *make* of skip and take."""

        async def answer(request: dict[str, Any]) -> dict[str, Any] | web.StreamResponse:
            options = request["params"]["arguments"]["options"]
            return make(options["skip"], options["take"])

        self.answers["tools/call"] = answer

    async def _initialize(self, request: dict[str, Any]) -> dict[str, Any]:
        version = request["params"]["protocolVersion"]
        return {
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "odd", "version": "1"},
        }

    async def _list(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"tools": self.tools}

    async def handle(self, http: web.Request) -> web.StreamResponse:
        if http.path in self.moved:
            return web.Response(status=307, headers={"Location": self.moved[http.path]})
        if http.method != "POST":
            return web.Response(status=405)
        request = orjson.loads(await http.read())
        self.seen.append(request)
        if "id" not in request:
            return web.Response(status=202)
        answer = self.answers.get(request["method"])
        if answer is None:
            told: Any = {"error": {"code": -32601, "message": "Method not found"}}
        else:
            result = await answer(request)
            if isinstance(result, web.StreamResponse):
                return result
            told = result if "error" in result else {"result": result}
        body = orjson.dumps({"jsonrpc": "2.0", "id": request["id"]} | told)
        return web.Response(body=body, content_type="application/json")


@asynccontextmanager
async def odd_server() -> AsyncIterator[OddServer]:
    """An odd server on a port of its own."""
    odd, app = OddServer(), web.Application()
    app.router.add_route("*", "/{anything:.*}", odd.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    odd.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield odd
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
