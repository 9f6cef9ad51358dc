"""State of one MCP call on the wire, and the translation of its failure into an error of the pull."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

from common.vendors.retry_after import parse_retry_after
from common.vendors.statuses import POSSIBLY_EXECUTED_STATUSES
from pull.errors import (
    PageRequestError,
    PullAccessDeniedError,
    PullNotExecutedError,
    PullOutcomeUnknownError,
    SearchToolError,
)
from pull.vendors.batchdata_responses import (
    LOGIN_PAGE_DETAIL,
    MAX_DETAIL_CHARACTERS,
    error_for_unexecuted_status,
)

MAX_RESPONSE_BYTES = 16_000_000
_NOT_FOUND, _SERVER_ERROR = 404, 500
_REDIRECTS_WITH_BODY = {307, 308}
"""Redirects after which the client repeats the method and the body (RFC 9110)."""
_ADVICE = {
    404: "is BATCHDATA_MCP_URL right, its path included?",
    405: "is BATCHDATA_MCP_URL right, and BATCHDATA_MCP_TRANSPORT the transport that it speaks?",
}
_NOT_CONNECTED = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
)


@dataclass(slots=True)
class McpCall:
    """Observed state of the MCP session of one page request."""

    ignored_methods: frozenset[str]
    """HTTP methods whose status is ignored: over Streamable HTTP a server need not accept a listening GET or a DELETE."""
    deadline: asyncio.Timeout
    is_connected: bool = False
    """Whether the MCP session is initialized."""
    is_sent: bool = False
    """Whether the tool call, which may be charged, was sent."""
    error_response: httpx2.Response | None = None

    async def check_response(self, response: httpx2.Response) -> None:
        """End the call at once after an error status: the MCP library reports it late or, over SSE, not at all."""
        response.stream = BoundedBody(response.stream)
        if response.request.method in self.ignored_methods or self.error_response is not None:
            return
        if response.is_error or _is_html(response) or _is_unsafe_redirect(response):
            self.error_response = response
            self.deadline.reschedule(asyncio.get_running_loop().time())


class BoundedBody(httpx2.AsyncByteStream):
    """Body of a response that ends with an error after MAX_RESPONSE_BYTES, as if the connection were lost."""

    def __init__(self, body: Any) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._body:
            size += len(chunk)
            if size > MAX_RESPONSE_BYTES:
                raise httpx2.StreamError(f"more than {MAX_RESPONSE_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        """Close the body, as httpx2 requires."""
        await self._body.aclose()


def error_for_call(call: McpCall, error: Exception) -> PageRequestError:
    """Return the error for a failed call, by the responses seen on the wire and by whether the tool call was sent."""
    causes = list(_flatten_group(error))
    known = next((cause for cause in causes if isinstance(cause, PageRequestError)), None)
    if known is not None:
        return known
    if call.error_response is not None:
        return _error_for_response(call, call.error_response)
    if any(isinstance(cause, _NOT_CONNECTED) for cause in causes):
        return PullNotExecutedError("not_reached")
    has_timed_out = any(isinstance(cause, TimeoutError | httpx2.TimeoutException) for cause in causes)
    if not call.is_sent:
        return PullNotExecutedError("timeout" if has_timed_out else "no_session")
    return _error_for_sent_call(next((cause for cause in causes if isinstance(cause, MCPError)), None), has_timed_out)


def _error_for_sent_call(rpc_error: MCPError | None, has_timed_out: bool) -> PageRequestError:
    if rpc_error is not None and rpc_error.code in (METHOD_NOT_FOUND, INVALID_PARAMS):
        return SearchToolError("tool_error", rpc_error.message[:MAX_DETAIL_CHARACTERS])
    if has_timed_out:
        return PullOutcomeUnknownError("timeout")
    return PullOutcomeUnknownError("cut_off" if rpc_error is None else "unreadable")


def _error_for_response(call: McpCall, response: httpx2.Response) -> PageRequestError:
    """Return the error for an error status, an HTML page, or a redirect, which could take the token to another server."""
    status, code = response.status_code, f"http_{response.status_code}"
    if response.is_redirect:
        target = _redirect_target(response)
        return PullAccessDeniedError(code, f"it redirects to {target}: is BATCHDATA_MCP_URL right?")
    if not response.is_error:
        return PullAccessDeniedError("login_page", LOGIN_PAGE_DETAIL)
    if status == _NOT_FOUND and call.is_connected:
        return PullNotExecutedError("session_lost")
    pause = parse_retry_after(response.headers.get("retry-after"))
    if status < _SERVER_ERROR:
        return error_for_unexecuted_status(status, code, _ADVICE.get(status, ""), pause)
    is_unknown = call.is_sent and (status in POSSIBLY_EXECUTED_STATUSES or _is_html(response))
    return PullOutcomeUnknownError(code) if is_unknown else PullNotExecutedError(code, "", pause)


def _flatten_group(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors inside nested exception groups, which the MCP library raises."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _flatten_group(inner)
    else:
        yield error


def _is_unsafe_redirect(response: httpx2.Response) -> bool:
    """Return whether a redirect leads to another server or drops the body. The MCP library does not follow such redirects."""
    if not response.is_redirect:
        return False
    request, target = response.request, _redirect_target(response)
    if target is None or _origin(target) != _origin(request.url):
        return True
    return request.method != "GET" and response.status_code not in _REDIRECTS_WITH_BODY


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _redirect_target(response: httpx2.Response) -> httpx2.URL | None:
    """Return the target of a redirect without user, query and fragment, which may be secret; None if it is no address."""
    try:
        target = response.request.url.join(response.headers.get("location", ""))
    except httpx2.InvalidURL:
        return None
    return target.copy_with(userinfo=b"", query=None, fragment=None)


def _is_html(response: httpx2.Response) -> bool:
    return "html" in str(response.headers.get("content-type", ""))
