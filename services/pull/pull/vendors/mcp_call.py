"""State of one MCP call on the wire, and the translation of its failure into an error of the pull."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

from common.vendors.errors import AccessDeniedError, NotExecutedError, OutcomeUnknownError, VendorCallError
from common.vendors.http_client import MAX_RESPONSE_BYTES
from common.vendors.outcome_table import TransportFault, error_for_fault, error_for_status
from common.vendors.retry_after import parse_retry_after
from pull.errors import SearchToolError
from pull.vendors.batchdata_responses import BATCHDATA_MCP, LOGIN_PAGE_DETAIL, MAX_DETAIL_CHARACTERS

_NOT_FOUND = 404
_REDIRECTS_WITH_BODY = {307, 308}
"""Redirects after which the client repeats the method and the body (RFC 9110)."""
_ADVICE = {
    404: "is BATCHDATA_MCP_URL right, its path included?",
    405: "is BATCHDATA_MCP_URL right, and BATCHDATA_MCP_TRANSPORT the transport that it speaks?",
}
_CONNECT_FAULTS: tuple[tuple[type[Exception], TransportFault], ...] = (
    (httpx2.ConnectError, TransportFault.CONNECT_FAILED),
    (httpx2.ConnectTimeout, TransportFault.CONNECT_TIMEOUT),
    (httpx2.PoolTimeout, TransportFault.CONNECT_TIMEOUT),
    (httpx2.InvalidURL, TransportFault.INVALID_URL),
    (httpx2.UnsupportedProtocol, TransportFault.INVALID_URL),
)
"""Exceptions of httpx2 before a connection is open."""


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


def error_for_call(call: McpCall, error: Exception) -> VendorCallError:
    """Return the error for a failed call, by the responses seen on the wire and by whether the tool call was sent."""
    causes = list(_flatten_group(error))
    known = next((cause for cause in causes if isinstance(cause, VendorCallError)), None)
    if known is not None:
        return known
    if call.error_response is not None:
        return _error_for_response(call, call.error_response)
    connect_fault = next(
        (fault for kind, fault in _CONNECT_FAULTS for cause in causes if isinstance(cause, kind)), None
    )
    if connect_fault is not None:
        return error_for_fault(connect_fault)
    has_timed_out = any(isinstance(cause, TimeoutError | httpx2.TimeoutException) for cause in causes)
    if not call.is_sent:
        return NotExecutedError("timeout" if has_timed_out else "no_session")
    return _error_for_sent_call(next((cause for cause in causes if isinstance(cause, MCPError)), None), has_timed_out)


def _error_for_sent_call(rpc_error: MCPError | None, has_timed_out: bool) -> VendorCallError:
    if rpc_error is not None and rpc_error.code in (METHOD_NOT_FOUND, INVALID_PARAMS):
        return SearchToolError("tool_error", detail=rpc_error.message[:MAX_DETAIL_CHARACTERS])
    if has_timed_out:
        return error_for_fault(TransportFault.TIMEOUT)
    return error_for_fault(TransportFault.CONNECTION_LOST if rpc_error is None else TransportFault.UNREADABLE)


def _error_for_response(call: McpCall, response: httpx2.Response) -> VendorCallError:
    """Return the error for an error status, an HTML page, or a redirect, which could take the token to another server."""
    status, code = response.status_code, f"http_{response.status_code}"
    if response.is_redirect:
        target = _redirect_target(response)
        return AccessDeniedError(code, detail=f"it redirects to {target}: is BATCHDATA_MCP_URL right?")
    if not response.is_error:
        return AccessDeniedError("login_page", detail=LOGIN_PAGE_DETAIL)
    if status == _NOT_FOUND and call.is_connected:
        return NotExecutedError("session_lost")
    retry_after = parse_retry_after(response.headers.get("retry-after"))
    error = error_for_status(
        BATCHDATA_MCP, status, is_html=_is_html(response), retry_after=retry_after, detail=_ADVICE.get(status, "")
    )
    if error is None or (isinstance(error, OutcomeUnknownError) and not call.is_sent):
        return NotExecutedError(code, retry_after=retry_after)
    return error


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
