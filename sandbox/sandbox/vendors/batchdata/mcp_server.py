"""BatchData's MCP server on the official MCP library: Streamable HTTP at `/mcp`, SSE at `/sse` (docs/vendors/batchdata.md)."""

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

from sandbox import asgi_bridge
from sandbox.corrupt_response import change_types, repeat_first_entries
from sandbox.faults import FaultRegistry
from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse, VendorServer, describe_first_error
from sandbox.vendors.batchdata.mcp_tools import McpTool, McpTools
from sandbox.vendors.batchdata.property_requests import ResultShift, ToolFaults
from sandbox.vendors.batchdata.server import BatchDataServer

PATH_PREFIX = "/batchdata_mcp"

_TOOL_FAULTS: Mapping[str, str] = {
    "tool_error": "The tool answers with `isError`: a text that names `status`, no document.",
    "tool_broken_json": "The document ends in the middle.",
    "tool_wrong_types": "Numbers and flags of the document come as text, lists as objects.",
    "tool_duplicates": "The first entry of every list of the document comes twice.",
    "tool_short_page": "At most 25 properties, even if more are requested.",
    "tool_empty_page": "No properties, although there are some.",
    "tool_no_skip": "The first page, whatever page is requested.",
    "tool_malformed": "The second property of the page is malformed: its address is a list.",
    "tool_removed": "Before the page is made, the first property leaves the results permanently.",
    "tool_added": "Before the page is made, a property enters the results at their beginning permanently.",
}


class BatchDataMcpServer(VendorServer):
    """The tools of `BatchDataServer` over MCP. General faults hit its HTTP calls; its `tool_…` faults hit its tools."""

    name = "batchdata_mcp"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "session_lost": "HTTP: 404, the server no longer knows the session.",
        **_TOOL_FAULTS,
    }

    def __init__(self, batchdata: BatchDataServer, faults: FaultRegistry) -> None:
        self._batchdata = batchdata
        self._faults = faults
        self._tools = McpTools(batchdata).by_name
        self._shift = ResultShift()
        self._server: Server[Any] = Server(
            "batchdata", version="1.0.0", on_list_tools=self._list_tools, on_call_tool=self._call_tool
        )
        self._sessions = StreamableHTTPSessionManager(self._server)
        self._sse = SseServerTransport("/messages")
        self._stop_requested = asyncio.Event()
        self._session_task: asyncio.Task[None] | None = None
        self.operations = (
            VendorOperation("mcp", "POST", "/mcp", self._post, ("session_lost",)),
            VendorOperation("mcp_listen", "GET", "/mcp", self._listen),
            VendorOperation("mcp_end", "DELETE", "/mcp", self._post),
            VendorOperation("sse", "GET", "/sse", self._connect_sse),
            VendorOperation("sse_message", "POST", "/messages", self._receive_sse_message),
        )

    def faults_by_operation(self) -> dict[str, frozenset[str]]:
        """Return the faults of its HTTP operations and of its tools."""
        return {**super().faults_by_operation(), **dict.fromkeys(self._tools, frozenset(_TOOL_FAULTS))}

    def check_access(self, call: VendorCall) -> None:
        """Raise VendorRefusalError (401) without BatchData's token."""
        self._batchdata.check_token(call)

    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return an error in the format of BatchData's REST API."""
        return self._batchdata.error_response(status, message)

    def clear_state(self) -> None:
        """Undo the shift of the results. Open sessions stay open."""
        self._shift = ResultShift()

    async def start(self) -> None:
        """Get ready for sessions."""
        started = asyncio.Event()
        self._session_task = asyncio.create_task(self._run_sessions(started))
        await started.wait()

    async def stop(self) -> None:
        """End all sessions."""
        self._stop_requested.set()
        if self._session_task is not None:
            await self._session_task

    async def _run_sessions(self, started: asyncio.Event) -> None:
        """Keep the task group of the sessions open. The same task must enter and leave the group."""
        async with self._sessions.run():
            started.set()
            await self._stop_requested.wait()

    async def _post(self, call: VendorCall) -> VendorResponse:
        if call.find_fault("session_lost"):
            error = {"code": types.INVALID_REQUEST, "message": "Session not found"}
            return VendorResponse({"jsonrpc": "2.0", "id": "server-error", "error": error}, 404)
        return await asgi_bridge.collect_response(self._sessions.handle_request, call.request, PATH_PREFIX, call.body)

    async def _listen(self, call: VendorCall) -> web.StreamResponse:
        return await asgi_bridge.stream_response(self._sessions.handle_request, call.request, PATH_PREFIX)

    async def _connect_sse(self, call: VendorCall) -> web.StreamResponse:
        return await asgi_bridge.stream_response(self._serve_sse, call.request, PATH_PREFIX)

    async def _receive_sse_message(self, call: VendorCall) -> VendorResponse:
        return await asgi_bridge.collect_response(self._sse.handle_post_message, call.request, PATH_PREFIX, call.body)

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
            return _text_result(f"Unknown tool: {params.name}", is_error=True)
        text = json.dumps(arguments, separators=(",", ":"))
        faults = self._faults.select_faults(self.name, params.name, _TOOL_FAULTS, text)
        error = next((fault for fault in faults if fault.kind == "tool_error"), None)
        if error is not None:
            return _text_result(f"Error searching properties: API request failed: {error.status}", is_error=True)
        kinds = {fault.kind for fault in faults}
        self._shift = self._shift.after_faults(kinds)
        try:
            return _text_result(_render_document(tool, arguments, ToolFaults(kinds, self._shift)))
        except ValidationError as invalid:
            return _text_result(f"Invalid arguments: {describe_first_error(invalid)}", is_error=True)


def _render_document(tool: McpTool, arguments: Mapping[str, Any], faults: ToolFaults) -> str:
    """Return the text of the tool with the faults applied."""
    document: Any = tool.create_document(arguments, faults)
    if "tool_malformed" in faults.kinds:
        properties = document["results"]["properties"]
        properties[1:2] = [entry | {"address": [entry["address"]]} for entry in properties[1:2]]
    if "tool_duplicates" in faults.kinds:
        document = repeat_first_entries(document)
    if "tool_wrong_types" in faults.kinds:
        document = change_types(document)
    text = tool.lead_in + orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()
    return text[: len(text) // 2] if "tool_broken_json" in faults.kinds else text


def _text_result(text: str, *, is_error: bool = False) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=is_error)
