"""BatchData's MCP server, on the official library: Streamable HTTP at `/mcp`, SSE at `/sse` (contracts §5.6)."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import mcp_types as types
import orjson
from aiohttp import web
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from pydantic import ValidationError

from sandbox import asgi
from sandbox.faults import Faults
from sandbox.spoiling import mistype, repeat_first
from sandbox.vendor import Answer, Call, Operation, Vendor, first_fault
from sandbox.vendors.batchdata.api import BatchData
from sandbox.vendors.batchdata.searching import Results, Shift
from sandbox.vendors.batchdata.tools import Tool, Tools

PREFIX = "/batchdata_mcp"


_OF_TOOLS = (
    "tool_error", "tool_broken_json", "tool_wrong_types", "tool_duplicates", "tool_short_page", "tool_empty_page", "tool_no_skip",
    "tool_malformed", "tool_removed", "tool_added",
)  # fmt: skip


class BatchDataMcp(Vendor):
    """The tools of `BatchData` over MCP. Faults of any vendor hit its HTTP calls, its own `tool_…` its tools."""

    name = "batchdata_mcp"
    faults: ClassVar[Mapping[str, str]] = {
        "session_lost": "HTTP: 404, the server does not know the session any more.",
        "tool_error": "The tool answers with `isError`: a text that names `status`, no document.",
        "tool_broken_json": "The document breaks off in the middle.",
        "tool_wrong_types": "Numbers and flags of the document come as text, lists as objects.",
        "tool_duplicates": "The first entry of every list of the document comes twice.",
        "tool_short_page": "At most 25 properties, whatever was asked for.",
        "tool_empty_page": "No properties, although there are some.",
        "tool_no_skip": "The first page, whatever was asked for.",
        "tool_malformed": "The second property of the page is one no longer: its address is a list.",
        "tool_removed": "Before the page is made, the first property leaves the results, for good.",
        "tool_added": "Before the page is made, a property enters the results at their beginning, for good.",
    }

    def __init__(self, batchdata: BatchData, faults: Faults) -> None:
        self._batchdata = batchdata
        self._faults = faults
        self._tools = Tools(batchdata).by_name
        self._shift = Shift()
        self._server: Server[Any] = Server(
            "batchdata", version="1.0.0", on_list_tools=self._list_tools, on_call_tool=self._call_tool
        )
        self._sessions = StreamableHTTPSessionManager(self._server)
        self._sse = SseServerTransport("/messages")
        self._asked_to_stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.operations = (
            Operation("mcp", "POST", "/mcp", self._post, ("session_lost",)),
            Operation("mcp_listen", "GET", "/mcp", self._listen),
            Operation("mcp_end", "DELETE", "/mcp", self._post),
            Operation("sse", "GET", "/sse", self._connect),
            Operation("sse_message", "POST", "/messages", self._take_message),
        )

    def targets(self) -> dict[str, frozenset[str]]:
        """Its HTTP operations, and its tools."""
        return {**super().targets(), **dict.fromkeys(self._tools, frozenset(_OF_TOOLS))}

    def admit(self, call: Call) -> None:
        """With BatchData's token. Raises RefusedError."""
        self._batchdata.check_token(call)

    def error(self, status: int, message: str) -> Answer:
        """As the REST API."""
        return self._batchdata.error(status, message)

    def clear(self) -> None:
        """The results are as they were; open sessions stay."""
        self._shift = Shift()

    async def start(self) -> None:
        """Make ready for sessions."""
        started = asyncio.Event()
        self._running = asyncio.create_task(self._run(started))
        await started.wait()

    async def stop(self) -> None:
        """End all sessions."""
        self._asked_to_stop.set()
        if self._running is not None:
            await self._running

    async def _run(self, started: asyncio.Event) -> None:
        """Hold the sessions' task group open: one task has to enter and leave it."""
        async with self._sessions.run():
            started.set()
            await self._asked_to_stop.wait()

    async def _post(self, call: Call) -> Answer:
        if call.fault("session_lost"):
            error = {"code": types.INVALID_REQUEST, "message": "Session not found"}
            return Answer({"jsonrpc": "2.0", "id": "server-error", "error": error}, 404)
        return await asgi.collect(self._sessions.handle_request, call.request, PREFIX, call.body)

    async def _listen(self, call: Call) -> web.StreamResponse:
        return await asgi.stream(self._sessions.handle_request, call.request, PREFIX)

    async def _connect(self, call: Call) -> web.StreamResponse:
        return await asgi.stream(self._serve_sse, call.request, PREFIX)

    async def _take_message(self, call: Call) -> Answer:
        return await asgi.collect(self._sse.handle_post_message, call.request, PREFIX, call.body)

    async def _serve_sse(self, scope: Any, receive: Any, send: Any) -> None:
        async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
            await self._server.run(incoming, outgoing, self._server.create_initialization_options())

    async def _list_tools(self, _context: Any, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        tools = [
            types.Tool(name=name, description=tool.description, input_schema=dict(tool.schema))
            for name, tool in self._tools.items()
        ]
        return types.ListToolsResult(tools=tools)

    async def _call_tool(self, _context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        arguments = params.arguments or {}
        tool = self._tools.get(params.name)
        if tool is None:
            return _text(f"Unknown tool: {params.name}", is_error=True)
        hits = self._faults.hitting(self.name, params.name, _OF_TOOLS, json.dumps(arguments, separators=(",", ":")))
        failed = next((fault for fault in hits if fault.kind == "tool_error"), None)
        if failed is not None:
            return _text(f"Error searching properties: API request failed: {failed.status}", is_error=True)
        kinds = {fault.kind for fault in hits}
        self._shift = self._shift.moved(kinds)
        try:
            return _text(_written(tool, arguments, Results(kinds, self._shift)))
        except ValidationError as error:
            return _text(f"Invalid arguments: {first_fault(error)}", is_error=True)


def _written(tool: Tool, arguments: Mapping[str, Any], results: Results) -> str:
    """The tool's text, as its faults leave it."""
    document: Any = tool.document(arguments, results)
    if "tool_malformed" in results.faults:
        properties = document["results"]["properties"]
        properties[1:2] = [entry | {"address": [entry["address"]]} for entry in properties[1:2]]
    if "tool_duplicates" in results.faults:
        document = repeat_first(document)
    if "tool_wrong_types" in results.faults:
        document = mistype(document)
    text = tool.lead_in + orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return text[: len(text) // 2] if "tool_broken_json" in results.faults else text


def _text(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)
