"""Client of BatchData's property search over MCP: Streamable HTTP or SSE (docs/vendors/batchdata.md). It uses no language model.

BatchData charges for the records of a page, and offers no way to look up the outcome of a call. So a call is sent at most once
(docs/delivery.md, Vendor operations: class `once`), and every error says whether the page may have been charged. Each page has a separate
MCP session (ADR 16): it costs a few short requests, and no session can be lost between two pages.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult, PaginatedRequestParams

from common.vendors.call_metrics import measure_call
from common.vendors.errors import AccessDeniedError
from common.vendors.http_client import CONNECT_SECONDS, MAX_RESPONSE_BYTES
from pull.criteria import CriteriaError, flatten_criteria
from pull.errors import UnsupportedCriteriaError
from pull.vendors.batchdata_responses import BATCHDATA_MCP, PageResponse, parse_tool_result
from pull.vendors.mcp_call import McpCall, error_for_call

ARGUMENT_FORMS = {"search_properties": "rest", "search-properties": "flat"}
"""Search tools of the official and of the community server, with the form of their arguments."""
TOOL_LIST_PAGE_LIMIT = 20
"""Number of pages of the server's tool list to read: a list may never end."""


@dataclass(frozen=True, slots=True)
class BatchDataMcpClient:
    """Client of BatchData's MCP server under one token."""

    url: str
    token: str = field(repr=False)
    transport: str
    """`http` or `sse`."""
    tool: str | None
    argument_form: str | None
    call_seconds: float

    async def fetch_page(self, criteria: Mapping[str, Any], skip: int, take: int) -> PageResponse:
        """Return one page of the results for *criteria*: *take* records from place *skip* on. Send the call at most once.

        Raises VendorCallError, whose class says whether the page may have been charged.
        """
        with measure_call(BATCHDATA_MCP, "search") as call:
            page = await self._fetch_page(criteria, skip, take)
            call.outcome = "200"
        return page

    async def _fetch_page(self, criteria: Mapping[str, Any], skip: int, take: int) -> PageResponse:
        async with self._observe_call() as call, self._open_session(call) as session:
            await session.initialize()
            call.is_connected = True
            tool, form = await self._choose_tool(session)
            params = CallToolRequestParams(name=tool, arguments=_tool_arguments(form, criteria, skip, take))
            call.is_sent = True
            # Not `call_tool`: it discards a charged page if one property does not match the tool's schema.
            result = await session.send_request(CallToolRequest(params=params), CallToolResult)
        return parse_tool_result(result)

    async def find_search_tool(self) -> str:
        """Return the name of the tool that searches. It opens a session, which charges nothing. Raises VendorCallError."""
        async with self._observe_call() as call, self._open_session(call) as session:
            await session.initialize()
            call.is_connected = True
            tool, _ = await self._choose_tool(session)
        return tool

    async def _choose_tool(self, session: ClientSession) -> tuple[str, str]:
        """Return the tool to call and the form of its arguments. Raises AccessDeniedError with the names of all tools."""
        candidates, names = [self.tool] if self.tool else list(ARGUMENT_FORMS), set[str]()
        async for page in _list_tool_names(session):
            names |= page
            if candidates[0] in names:
                break
        tool = next((name for name in candidates if name in names), None)
        if tool is None:
            known = ", ".join(sorted(names)) or "none at all"
            raise AccessDeniedError(
                "tool_missing",
                detail=f"no tool {' or '.join(candidates)}; the server has {known}: set PULL_TOOL and PULL_TOOL_FORM",
            )
        return tool, self.argument_form or ARGUMENT_FORMS.get(tool, "rest")

    @asynccontextmanager
    async def _observe_call(self) -> AsyncIterator[McpCall]:
        """Limit the time of one page request, and raise its failure as VendorCallError.

        The MCP library reports failures as exception groups and cancellations.
        """
        deadline = asyncio.timeout(self.call_seconds)
        call = McpCall(frozenset({"DELETE"} if self.transport == "sse" else {"GET", "DELETE"}), deadline)
        try:
            async with deadline:
                yield call
        except Exception as error:
            raise error_for_call(call, error) from error

    @asynccontextmanager
    async def _open_session(self, call: McpCall) -> AsyncIterator[ClientSession]:
        headers = {"Authorization": f"Bearer {self.token}"}
        limits = httpx2.Timeout(self.call_seconds, connect=CONNECT_SECONDS)

        def create_http_client(
            headers: dict[str, str] | None = None,
            timeout: httpx2.Timeout | None = limits,
            auth: httpx2.Auth | None = None,
        ) -> httpx2.AsyncClient:
            """Create a client that ignores the proxies of the environment, because requests carry the token."""
            hooks = {"response": [call.check_response]}
            return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, trust_env=False, event_hooks=hooks)

        if self.transport == "sse":
            async with (
                sse_client(self.url, headers, httpx_client_factory=create_http_client) as streams,
                ClientSession(*streams) as session,
            ):
                yield session
            return
        async with (
            create_http_client(headers) as http,
            streamable_http_client(self.url, http_client=http, max_sse_event_size=MAX_RESPONSE_BYTES) as streams,
            ClientSession(*streams) as session,
        ):
            yield session


async def _list_tool_names(session: ClientSession) -> AsyncIterator[set[str]]:
    """Yield the names of the server's tools, one page at a time."""
    cursor: str | None = None
    for _ in range(TOOL_LIST_PAGE_LIMIT):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        yield {tool.name for tool in page.tools}
        cursor = page.next_cursor
        if not cursor:
            return


def _tool_arguments(form: str, criteria: Mapping[str, Any], skip: int, take: int) -> dict[str, Any]:
    """Return the arguments of the tool. Raises UnsupportedCriteriaError if this form cannot express the criteria."""
    if form == "rest":
        options = {"skip": skip, "take": take, "dateFormat": "iso-date", "skipTrace": False}
        return {"searchCriteria": dict(criteria), "options": options}
    try:
        return {**flatten_criteria(criteria), "skip": skip, "take": take}
    except CriteriaError as error:
        raise UnsupportedCriteriaError("criteria_unsupported", detail=str(error)) from error
