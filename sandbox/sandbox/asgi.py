"""Runs an ASGI application behind aiohttp, so that libraries made for ASGI share the sandbox's port."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from sandbox.vendor import Answer

Message = MutableMapping[str, Any]
Application = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
_DISCONNECTED = {"type": "http.disconnect"}
_LOOK_SECONDS = 0.1


async def collect(app: Application, request: web.Request, root_path: str, body: bytes) -> Answer:
    """The application's whole answer, before a byte of it is sent."""
    start: Message = {}
    pieces: list[bytes] = []
    ended = asyncio.Event()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            ended.set()

    await app(_scope(request, root_path), _receiver(request, body, ended), send)
    headers = _headers(start)
    content_type = headers.pop("content-type", "application/octet-stream").partition(";")[0]
    headers.pop("content-length", None)
    return Answer(b"".join(pieces), start["status"], headers, content_type)


async def stream(app: Application, request: web.Request, root_path: str) -> web.StreamResponse:
    """Pass the application's answer on, piece by piece, until either side ends it."""
    response = web.StreamResponse()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.set_status(message["status"])
            response.headers.update(_headers(message))
            await response.prepare(request)
        elif message.get("body"):
            await response.write(message["body"])

    await app(_scope(request, root_path), _receiver(request, b"", asyncio.Event()), send)
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


def _receiver(request: web.Request, body: bytes, ended: asyncio.Event) -> Callable[[], Awaitable[Message]]:
    """Gives the body once, and after that says when the client has gone or the answer is complete."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        while not ended.is_set() and _is_connected(request):
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
        return _DISCONNECTED

    return receive


def _is_connected(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()


def _headers(start: Message) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in start["headers"]}
