"""BatchData's property search over MCP: Streamable HTTP or SSE (vendor contracts §5.6). No language model takes part.

A page is paid for by the records on it, and there is no way to ask what became of a call: class `once` (design §4.6). So every
error says whether the page can have been paid for. Each page has an MCP session of its own: it costs a few short requests, and
there is no session that can be lost between two pages.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    PaginatedRequestParams,
)

from common.retry_after import retry_after
from common.vendor_statuses import MAY_HAVE_BEEN_DONE
from pull.criteria import CriteriaError, flat
from pull.faults import RefusedError, SearchError, ToolError, UnfitError, UnknownAnswerError, UnpaidError
from pull.vendors.batchdata_answers import MOST_WORDS, Answer, by_status, read_answer

TOOLS = {"search_properties": "rest", "search-properties": "flat"}
"""The tools that search, of the official and of the community server, and the form of their arguments."""
MOST_BYTES = 16_000_000
CONNECT_SECONDS = 5.0
_NOT_FOUND, _SERVER_ERROR = 404, 500
_SAME_METHOD = {307, 308}
_ADVICE = {
    404: "is BATCHDATA_MCP_URL right, its path included?",
    405: "is BATCHDATA_MCP_URL right, and BATCHDATA_MCP_TRANSPORT the transport that it speaks?",
}
_MOST_PAGES = 20


@dataclass(slots=True)
class _Call:
    """What happened on the wire during one page."""

    ignored: frozenset[str]
    """Methods whose status means nothing: over Streamable HTTP a server need not let us listen."""
    deadline: asyncio.Timeout
    connected: bool = False
    sent: bool = False
    """Whether the call that costs is on its way."""
    refusal: httpx2.Response | None = None

    async def note(self, response: httpx2.Response) -> None:
        """End the call at once on a bad status: the MCP library tells of it late or, over SSE, not at all."""
        response.stream = _Bounded(response.stream)
        if response.request.method in self.ignored or self.refusal is not None:
            return
        if response.is_error or _is_html(response) or _leads_elsewhere(response):
            self.refusal = response
            self.deadline.reschedule(asyncio.get_running_loop().time())


class _Bounded(httpx2.AsyncByteStream):
    """The body of an answer, which ends as a lost one where it is too large."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > MOST_BYTES:
                raise httpx2.StreamError(f"more than {MOST_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


@dataclass(frozen=True, slots=True)
class BatchDataMcp:
    """BatchData's MCP server under one token."""

    url: str
    token: str = field(repr=False)
    transport: str
    """`http` or `sse`."""
    tool: str | None
    form: str | None
    call_seconds: float

    async def search(self, criteria: Mapping[str, Any], skip: int, take: int) -> Answer:
        """One page of what meets *criteria*: *take* records from place *skip* on. Asks once, never again by itself.

        Raises UnpaidError, ToolError, RefusedError and UnfitError, which cost nothing, or UnknownAnswerError.
        """
        async with self._call() as call, self._session(call) as session:
            await session.initialize()
            call.connected = True
            tool, form = await self._choose(session)
            asked = CallToolRequestParams(name=tool, arguments=_arguments(form, criteria, skip, take))
            call.sent = True
            # Not `call_tool`: it throws a paid page away whose one property is not as the tool's schema has it.
            result = await session.send_request(CallToolRequest(params=asked), CallToolResult)
        return read_answer(result)

    async def _choose(self, session: ClientSession) -> tuple[str, str]:
        """The tool to call, and the form of its arguments. Raises RefusedError naming the tools there are."""
        wanted, names = [self.tool] if self.tool else list(TOOLS), set[str]()
        async for page in _tool_names(session):
            names |= page
            if wanted[0] in names:
                break
        tool = next((name for name in wanted if name in names), None)
        if tool is None:
            there = ", ".join(sorted(names)) or "none at all"
            raise RefusedError(
                "tool_missing",
                f"no tool {' or '.join(wanted)}; the server has {there}: set PULL_TOOL and PULL_TOOL_FORM",
            )
        return tool, self.form or TOOLS.get(tool, "rest")

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[_Call]:
        """One page's time, and its faults in our words: the library's come in groups, and as cancellations."""
        deadline = asyncio.timeout(self.call_seconds)
        call = _Call(frozenset({"DELETE"} if self.transport == "sse" else {"GET", "DELETE"}), deadline)
        try:
            async with deadline:
                yield call
        except Exception as error:
            raise _told(call, error) from error

    @asynccontextmanager
    async def _session(self, call: _Call) -> AsyncIterator[ClientSession]:
        headers = {"Authorization": f"Bearer {self.token}"}
        limits = httpx2.Timeout(self.call_seconds, connect=CONNECT_SECONDS)

        def client(
            headers: dict[str, str] | None = None,
            timeout: httpx2.Timeout | None = limits,
            auth: httpx2.Auth | None = None,
        ) -> httpx2.AsyncClient:
            """Proxies of the environment are not used: requests carry the token."""
            hooks = {"response": [call.note]}
            return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, trust_env=False, event_hooks=hooks)

        if self.transport == "sse":
            async with (
                sse_client(self.url, headers, httpx_client_factory=client) as streams,
                ClientSession(*streams) as session,
            ):
                yield session
            return
        async with (
            client(headers) as http,
            streamable_http_client(self.url, http_client=http, max_sse_event_size=MOST_BYTES) as streams,
            ClientSession(*streams) as session,
        ):
            yield session


async def _tool_names(session: ClientSession) -> AsyncIterator[set[str]]:
    """The names of the server's tools, page by page."""
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        listed = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        yield {tool.name for tool in listed.tools}
        cursor = listed.next_cursor
        if not cursor:
            return


def _arguments(form: str, criteria: Mapping[str, Any], skip: int, take: int) -> dict[str, Any]:
    """What the tool is called with. Raises UnfitError for criteria that this form cannot say."""
    if form == "rest":
        options = {"skip": skip, "take": take, "dateFormat": "iso-date", "skipTrace": False}
        return {"searchCriteria": dict(criteria), "options": options}
    try:
        return {**flat(criteria), "skip": skip, "take": take}
    except CriteriaError as error:
        raise UnfitError("criteria_unfit", str(error)) from error


def _told(call: _Call, error: Exception) -> SearchError:
    """The error of a call in our words, by what was seen on the wire and whether the call had gone out."""
    leaves = list(_leaves(error))
    ours = next((leaf for leaf in leaves if isinstance(leaf, SearchError)), None)
    if ours is not None:
        return ours
    if call.refusal is not None:
        return _refusal(call, call.refusal)
    unreached = (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.InvalidURL,
        httpx2.UnsupportedProtocol,
    )
    if any(isinstance(leaf, unreached) for leaf in leaves):
        return UnpaidError("not_reached")
    timed_out = any(isinstance(leaf, TimeoutError | httpx2.TimeoutException) for leaf in leaves)
    if not call.sent:
        return UnpaidError("timeout" if timed_out else "no_session")
    rpc = next((leaf for leaf in leaves if isinstance(leaf, MCPError)), None)
    if rpc is not None and rpc.code in (METHOD_NOT_FOUND, INVALID_PARAMS):
        return ToolError("tool_error", rpc.message[:MOST_WORDS])
    return UnknownAnswerError("timeout" if timed_out else "cut_off" if rpc is None else "unreadable")


def _refusal(call: _Call, response: httpx2.Response) -> SearchError:
    """What a bad status means, a page of HTML, or a redirect that is not followed, for it would take the token elsewhere."""
    status, code = response.status_code, f"http_{response.status_code}"
    if response.is_redirect:
        return RefusedError(code, f"it redirects to {_location(response)}: is BATCHDATA_MCP_URL right?")
    if not response.is_error:
        return RefusedError("login_page", "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?")
    if status == _NOT_FOUND and call.connected:
        return UnpaidError("session_lost")
    wait = retry_after(response.headers.get("retry-after"))
    if status >= _SERVER_ERROR:
        is_unknown = call.sent and (status in MAY_HAVE_BEEN_DONE or _is_html(response))
        return UnknownAnswerError(code) if is_unknown else UnpaidError(code, "", wait)
    return by_status(status, code, _ADVICE.get(status, ""), wait)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _leads_elsewhere(response: httpx2.Response) -> bool:
    """Whether it is a redirect to another server, or one that loses the message: the MCP library follows no such."""
    if not response.is_redirect:
        return False
    sent, to = response.request, _location(response)
    if to is None or (to.scheme, to.host, to.port) != (sent.url.scheme, sent.url.host, sent.url.port):
        return True
    return sent.method != "GET" and response.status_code not in _SAME_METHOD


def _location(response: httpx2.Response) -> httpx2.URL | None:
    """Where a redirect leads, as it may be shown; None where that is no address."""
    try:
        to = response.request.url.join(response.headers.get("location", ""))
    except httpx2.InvalidURL:
        return None
    return to.copy_with(userinfo=b"", query=None, fragment=None)


def _is_html(response: httpx2.Response) -> bool:
    return "html" in str(response.headers.get("content-type", ""))
