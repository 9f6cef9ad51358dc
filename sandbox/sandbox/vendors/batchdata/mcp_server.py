"""BatchData's MCP server, on the official library: Streamable HTTP at `/mcp`, SSE at `/sse` (contracts §5.6)."""

import asyncio
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
from sandbox.vendors.batchdata.tools import Tool, Tools

PREFIX = "/batchdata_mcp"


class BatchDataMcp(Vendor):
    """The tools of `BatchData` over MCP. Faults of any vendor hit its HTTP calls, its own hit its tools."""

    name = "batchdata_mcp"
    faults: ClassVar[Mapping[str, str]] = {
        "tool_error": "The tool answers with `isError`: a text, no document.",
        "tool_broken_json": "The document breaks off in the middle.",
        "tool_wrong_types": "Numbers and flags of the document come as text, lists as objects.",
        "tool_duplicates": "The first entry of every list of the document comes twice.",
        "tool_short_page": "At most 25 properties, whatever was asked for.",
    }

    def __init__(self, batchdata: BatchData, faults: Faults) -> None:
        self._batchdata = batchdata
        self._faults = faults
        self._tools = Tools(batchdata).by_name
        self._server: Server[Any] = Server(
            "batchdata", version="1.0.0", on_list_tools=self._list_tools, on_call_tool=self._call_tool
        )
        self._sessions = StreamableHTTPSessionManager(self._server)
        self._sse = SseServerTransport("/messages")
        self._asked_to_stop = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.operations = (
            Operation("mcp", "POST", "/mcp", self._post),
            Operation("mcp_listen", "GET", "/mcp", self._listen),
            Operation("mcp_end", "DELETE", "/mcp", self._post),
            Operation("sse", "GET", "/sse", self._connect),
            Operation("sse_message", "POST", "/messages", self._take_message),
        )

    def targets(self) -> dict[str, frozenset[str]]:
        """Its HTTP operations, and its tools."""
        return {**super().targets(), **dict.fromkeys(self._tools, frozenset(self.faults))}

    def admit(self, call: Call) -> None:
        """With BatchData's token. Raises RefusedError."""
        self._batchdata.check_token(call)

    def error(self, status: int, message: str) -> Answer:
        """As the REST API."""
        return self._batchdata.error(status, message)

    def clear(self) -> None:
        """Nothing is kept; open sessions stay."""

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
        hits = self._faults.hitting(self.name, params.name, self.faults.keys(), orjson.dumps(arguments).decode())
        kinds = {fault.kind for fault in hits}
        if "tool_error" in kinds:
            return _text("Error searching properties: API request failed: 500 Internal Server Error", is_error=True)
        try:
            return _text(_written(tool, arguments, kinds))
        except ValidationError as error:
            return _text(f"Invalid arguments: {first_fault(error)}", is_error=True)


def _written(tool: Tool, arguments: Mapping[str, Any], kinds: set[str]) -> str:
    """The tool's text, as its faults leave it."""
    document: Any = tool.document(arguments, "tool_short_page" in kinds)
    if "tool_duplicates" in kinds:
        document = repeat_first(document)
    if "tool_wrong_types" in kinds:
        document = mistype(document)
    text = tool.lead_in + orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return text[: len(text) // 2] if "tool_broken_json" in kinds else text


def _text(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)
