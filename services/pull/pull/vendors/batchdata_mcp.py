"""BatchData's property search over MCP: Streamable HTTP or SSE (vendor contracts §5.6). No language model takes part.

A page is paid for by the records on it, and there is no way to ask what became of a call: class `once` (design §4.6). So every
error says whether the page can have been paid for. Each page has an MCP session of its own: it costs a few short requests, and
there is no session that can be lost between two pages.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, CallToolResult, PaginatedRequestParams, TextContent

from pull.criteria import CriteriaError, flat
from pull.faults import RefusedError, SearchError, ToolError, UnfitError, UnknownAnswerError, UnpaidError

TOOLS = {"search_properties": "rest", "search-properties": "flat"}
"""The tools that search, of the official and of the community server, and the form of their arguments."""
MOST_BYTES = 16_000_000
CONNECT_SECONDS = 5.0
_OK, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 404, 429, 500
_GATEWAYS = {502, 504}
"""Statuses of something in between: what stands behind it may have done the work."""
_PERSON_NEEDED = {401, 402, 403}
_STATUS = re.compile(r"\b([45]\d\d)\b")
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)
_MOST_WORDS = 300
_MOST_PAGES = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """A page: its entries as they came, and how many there are in all, where it says so."""

    entries: Sequence[Any]
    found: int | None


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
        if response.request.method in self.ignored or self.refusal is not None:
            return
        if response.is_error or _is_html(response):
            self.refusal = response
            self.deadline.reschedule(asyncio.get_running_loop().time())


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
            tool, form = self._choose([name async for name in _tool_names(session)])
            arguments = _arguments(form, criteria, skip, take)
            call.sent = True
            result = await session.call_tool(tool, arguments)
        return read_answer(result)

    def _choose(self, names: Sequence[str]) -> tuple[str, str]:
        """The tool to call, and the form of its arguments. Raises RefusedError naming the tools there are."""
        wanted = [self.tool] if self.tool else list(TOOLS)
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


async def _tool_names(session: ClientSession) -> AsyncIterator[str]:
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        listed = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        for tool in listed.tools:
            yield tool.name
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
        return ToolError("tool_error", rpc.message[:_MOST_WORDS])
    return UnknownAnswerError("timeout" if timed_out else "cut_off" if rpc is None else "unreadable")


def _refusal(call: _Call, response: httpx2.Response) -> SearchError:
    """What a bad status means, or a page of HTML."""
    status, code = response.status_code, f"http_{response.status_code}"
    if not response.is_error:
        return RefusedError("login_page", "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?")
    if status == _NOT_FOUND and call.connected:
        return UnpaidError("session_lost")
    if status >= _SERVER_ERROR:
        is_unknown = call.sent and (status in _GATEWAYS or _is_html(response))
        return UnknownAnswerError(code) if is_unknown else UnpaidError(code, "", retry_after(response))
    return _by_status(status, code, "", retry_after(response))


def _by_status(status: int, code: str, detail: str, wait: timedelta | None = None) -> SearchError:
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return UnpaidError(code, detail, wait)
    return RefusedError(code, detail)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _is_html(response: httpx2.Response) -> bool:
    return "html" in str(response.headers.get("content-type", ""))


def retry_after(response: httpx2.Response) -> timedelta | None:
    """`Retry-After` in seconds or as a date; None where there is none or it cannot be read."""
    text = str(response.headers.get("retry-after", "")).strip()
    if text.isdigit():
        return timedelta(seconds=min(int(text), 86_400))
    try:
        wait = parsedate_to_datetime(text) - datetime.now(UTC)
    except (TypeError, ValueError):
        return None
    return min(max(wait, timedelta()), timedelta(days=1))


def read_answer(result: CallToolResult) -> Answer:
    """The page that a tool's result holds. Raises SearchError: what an error costs is told by its class."""
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise _tool_error(text)
    document = result.structured_content or _document(text)
    if "status" in document:
        _check_status(document["status"])
    try:
        results = document["results"]
        entries = results["properties"]
        counts = results.get("meta", {}).get("results", {})
        found = counts.get("resultsFound") if isinstance(counts, dict) else None
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownAnswerError("unreadable") from error
    if not isinstance(entries, list):
        raise UnknownAnswerError("unreadable")
    is_count = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    return Answer(entries, found if is_count else None)


def _tool_error(text: str) -> SearchError:
    """What a tool's words mean: those of the servers name BatchData's status where there was one."""
    status = _STATUS.search(text)
    number = int(status[1]) if status else 0
    words = text[:_MOST_WORDS]
    if number in _PERSON_NEEDED:
        return RefusedError(f"tool_{number}", words)
    if number == _TOO_MANY:
        return UnpaidError("tool_429", words)
    return ToolError("tool_error", words)


def _document(text: str) -> dict[str, Any]:
    """The JSON in a tool's words, which may lead up to it and follow it."""
    place = text.find("{")
    if place < 0 and "<html" in text.lower():
        raise RefusedError("login_page", "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?")
    try:
        # Not orjson: a single lone surrogate would cost the page, and the record alone is to blame.
        found, _ = _DECODER.raw_decode(text, max(place, 0))
    except ValueError as error:
        raise UnknownAnswerError("unreadable") from error
    if not isinstance(found, dict):
        raise UnknownAnswerError("unreadable")
    return found


def _check_status(status: Any) -> None:
    code = status.get("code") if isinstance(status, dict) else None
    if not isinstance(code, int) or code == _OK:
        return
    raise _by_status(code, f"status_{code}", str(status.get("message", ""))[:_MOST_WORDS])
