"""Bridge that runs an ASGI application behind aiohttp, so that the MCP library shares the sandbox's port."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from sandbox.vendor_server import VendorResponse

AsgiMessage = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[AsgiMessage]]
AsgiSend = Callable[[AsgiMessage], Awaitable[None]]
AsgiApplication = Callable[[MutableMapping[str, Any], AsgiReceive, AsgiSend], Awaitable[None]]

_DISCONNECT = {"type": "http.disconnect"}
_DISCONNECT_POLL_SECONDS = 0.1


async def collect_response(app: AsgiApplication, request: web.Request, root_path: str, body: bytes) -> VendorResponse:
    """Return the complete response of the application, before any byte of it is sent."""
    start: AsgiMessage = {}
    pieces: list[bytes] = []
    ended = asyncio.Event()

    async def send(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            ended.set()

    await app(_scope(request, root_path), _create_receive(request, body, ended), send)
    headers = _headers(start)
    content_type = headers.pop("content-type", "application/octet-stream").partition(";")[0]
    headers.pop("content-length", None)
    return VendorResponse(b"".join(pieces), start["status"], headers, content_type)


async def stream_response(app: AsgiApplication, request: web.Request, root_path: str) -> web.StreamResponse:
    """Pass the response of the application on, piece by piece, until either side ends it."""
    response = web.StreamResponse()

    async def send(message: AsgiMessage) -> None:
        if message["type"] == "http.response.start":
            response.set_status(message["status"])
            response.headers.update(_headers(message))
            await response.prepare(request)
        elif message.get("body"):
            await response.write(message["body"])

    await app(_scope(request, root_path), _create_receive(request, b"", asyncio.Event()), send)
    return response


def _scope(request: web.Request, root_path: str) -> MutableMapping[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path.encode(),
        "root_path": root_path,
        "query_string": request.query_string.encode(),
        "headers": [(name.lower(), value) for name, value in request.raw_headers],
        "client": None,
        "server": None,
    }


def _create_receive(request: web.Request, body: bytes, ended: asyncio.Event) -> AsgiReceive:
    """Return a function that gives the body once, and then waits until the client left or the response is complete."""
    unread: list[AsgiMessage] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> AsgiMessage:
        if unread:
            return unread.pop()
        while not ended.is_set() and _is_connected(request):
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _DISCONNECT_POLL_SECONDS)
        return _DISCONNECT

    return receive


def _is_connected(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _headers(start: AsgiMessage) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in start["headers"]}
