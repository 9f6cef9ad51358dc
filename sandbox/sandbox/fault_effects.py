"""Effects of the general faults on a call or its response."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from sandbox.corrupt_response import change_types, repeat_first_entries
from sandbox.faults import Fault
from sandbox.vendor_server import VendorResponse, VendorServer

ReplacingEffect = Callable[[VendorServer, web.Request, Fault], Awaitable[VendorResponse]]
CorruptingEffect = Callable[[VendorServer, web.Request, Fault, VendorResponse], Awaitable[VendorResponse]]

_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"


class ConnectionDroppedError(ConnectionResetError):
    """A connection that a fault closed on purpose."""


async def drop_connection(request: web.Request, seconds: float) -> VendorResponse:
    """Close the connection after *seconds*. Raise ConnectionDroppedError."""
    await asyncio.sleep(seconds)
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionDroppedError


async def _timeout(_vendor: VendorServer, request: web.Request, fault: Fault) -> VendorResponse:
    return await drop_connection(request, fault.seconds)


async def _reset(_vendor: VendorServer, request: web.Request, _fault: Fault) -> VendorResponse:
    return await drop_connection(request, 0)


async def _server_error(vendor: VendorServer, _request: web.Request, fault: Fault) -> VendorResponse:
    return vendor.error_response(fault.status or 503, "Something went wrong")


async def _rate_limited(vendor: VendorServer, _request: web.Request, fault: Fault) -> VendorResponse:
    refusal = vendor.error_response(429, "Rate limit exceeded")
    if fault.retry_after is None:
        return refusal
    return VendorResponse(refusal.body, 429, {"Retry-After": str(fault.retry_after)}, refusal.content_type)


async def _unauthorized(vendor: VendorServer, _request: web.Request, _fault: Fault) -> VendorResponse:
    return vendor.error_response(401, "Unauthorized")


async def _html(_vendor: VendorServer, _request: web.Request, _fault: Fault) -> VendorResponse:
    return VendorResponse(_LOGIN_PAGE, content_type="text/html")


async def _lost_answer(
    _vendor: VendorServer, request: web.Request, fault: Fault, _response: VendorResponse
) -> VendorResponse:
    return await drop_connection(request, fault.seconds)


async def _error_after_effect(
    _vendor: VendorServer, _request: web.Request, fault: Fault, _response: VendorResponse
) -> VendorResponse:
    proxy_page = b"<html><body><h1>Bad Gateway</h1></body></html>"
    return VendorResponse(proxy_page, fault.status or 502, content_type="text/html")


async def _empty(
    _vendor: VendorServer, _request: web.Request, _fault: Fault, response: VendorResponse
) -> VendorResponse:
    return VendorResponse(b"", response.status, response.headers)


async def _broken_json(
    _vendor: VendorServer, _request: web.Request, _fault: Fault, response: VendorResponse
) -> VendorResponse:
    whole = response.body if isinstance(response.body, bytes) else orjson.dumps(response.body)
    return VendorResponse(whole[: len(whole) // 2], response.status, response.headers, response.content_type)


async def _wrong_types(
    _vendor: VendorServer, _request: web.Request, _fault: Fault, response: VendorResponse
) -> VendorResponse:
    return VendorResponse(change_types(response.body), response.status, response.headers)


async def _duplicates(
    _vendor: VendorServer, _request: web.Request, _fault: Fault, response: VendorResponse
) -> VendorResponse:
    return VendorResponse(repeat_first_entries(response.body), response.status, response.headers)


REPLACING_EFFECTS: Mapping[str, ReplacingEffect] = {
    "timeout": _timeout,
    "reset": _reset,
    "server_error": _server_error,
    "rate_limited": _rate_limited,
    "unauthorized": _unauthorized,
    "html": _html,
}
"""Faults that replace the response; the operation does not run."""

CORRUPTING_EFFECTS: Mapping[str, CorruptingEffect] = {
    "lost_answer": _lost_answer,
    "error_after_effect": _error_after_effect,
    "empty": _empty,
    "broken_json": _broken_json,
    "wrong_types": _wrong_types,
    "duplicates": _duplicates,
}
"""Faults that corrupt the response after the operation ran."""
