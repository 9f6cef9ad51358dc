"""An MCP server written by hand, so that a test can send responses that no MCP library would send."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web

MethodHandler = Callable[[dict[str, Any]], Awaitable[web.StreamResponse | dict[str, Any]]]
METHOD_NOT_FOUND = -32601


def property_entry(number: int, **more: Any) -> dict[str, Any]:
    """Return a property as BatchData writes it."""
    address = {"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"}
    return {"_id": f"id{number}", "address": address} | more


def page_document(properties: list[Any], results_found: Any = None) -> dict[str, Any]:
    """Return a page in the form of the REST API."""
    return {
        "status": {"code": 200, "text": "OK"},
        "results": {"properties": properties, "meta": {"results": {"resultsFound": results_found}}},
    }


def text_result(content: dict[str, Any] | str) -> dict[str, Any]:
    """Return a tool result with one text."""
    text = content if isinstance(content, str) else orjson.dumps(content).decode()
    return {"content": [{"type": "text", "text": text}], "isError": False}


class ScriptedMcpServer:
    """A Streamable HTTP server at `/`. The handler in `handlers` answers each method of the protocol."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.redirects: dict[str, str] = {}
        """Redirected paths, with their targets."""
        self.handlers: dict[str, MethodHandler] = {"initialize": self._initialize, "tools/list": self._list_tools}
        self.tools: list[dict[str, Any]] = [{"name": "search_properties", "inputSchema": {"type": "object"}}]

    @property
    def tool_calls(self) -> int:
        """Return the number of tool calls."""
        return sum(request["method"] == "tools/call" for request in self.requests)

    def answer_pages(self, make_page: Callable[[int, int], dict[str, Any] | web.StreamResponse]) -> None:
        """Answer the tool calls with *make_page* of skip and take."""

        async def answer(request: dict[str, Any]) -> dict[str, Any] | web.StreamResponse:
            options = request["params"]["arguments"]["options"]
            return make_page(options["skip"], options["take"])

        self.handlers["tools/call"] = answer

    async def _initialize(self, request: dict[str, Any]) -> dict[str, Any]:
        version = request["params"]["protocolVersion"]
        return {
            "protocolVersion": version,
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "scripted", "version": "1"},
        }

    async def _list_tools(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"tools": self.tools}

    async def handle_request(self, http: web.Request) -> web.StreamResponse:
        if http.path in self.redirects:
            return web.Response(status=307, headers={"Location": self.redirects[http.path]})
        if http.method != "POST":
            return web.Response(status=405)
        request = orjson.loads(await http.read())
        self.requests.append(request)
        if "id" not in request:
            return web.Response(status=202)
        handler = self.handlers.get(request["method"])
        if handler is None:
            answer: Any = {"error": {"code": METHOD_NOT_FOUND, "message": "Method not found"}}
        else:
            result = await handler(request)
            if isinstance(result, web.StreamResponse):
                return result
            answer = result if "error" in result else {"result": result}
        body = orjson.dumps({"jsonrpc": "2.0", "id": request["id"]} | answer)
        return web.Response(body=body, content_type="application/json")


@asynccontextmanager
async def scripted_mcp_server() -> AsyncIterator[ScriptedMcpServer]:
    """Start a scripted server on a free port."""
    server, app = ScriptedMcpServer(), web.Application()
    app.router.add_route("*", "/{anything:.*}", server.handle_request)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield server
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
