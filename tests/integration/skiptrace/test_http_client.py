"""The HTTP client over real sockets, against servers that misbehave."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from skiptrace.trace.http_client import MAX_RESPONSE_BYTES, ProviderHttpClient
from skiptrace.trace.provider import NotExecutedError, OutcomeUnknownError, ProviderRequest, check_http_status

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[ProviderHttpClient]:
    one = ProviderHttpClient(1)
    await one.start()
    yield one
    await one.stop()


async def test_no_call_is_lost_on_an_idle_connection_that_the_server_closed(client: ProviderHttpClient) -> None:
    """On a kept connection the outcome of a lost call is unknown, so each call opens its own connection."""
    calls = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.read(1_000)  # the body, or the next request, which gets no response
        await reader.read(1_000)
        writer.transport.abort()

    listening = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(once, sock=listening):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert [(await client.send_request(ProviderRequest(url, {}))).status for _ in range(3)] == [200, 200, 200]
    assert calls == 3


async def test_a_server_that_accepts_no_connection_is_not_charged_for() -> None:
    """A host that drops packets costs time and no money, also if the time limit of a call is short."""
    client = ProviderHttpClient(1)
    await client.start()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as two:
        for crowd in (one, two):
            crowd.setblocking(False)
            crowd.connect_ex(full.getsockname())
        with pytest.raises(NotExecutedError, match="not_reached"):
            await client.send_request(ProviderRequest(f"http://127.0.0.1:{full.getsockname()[1]}", {}))
    await client.stop()


async def test_a_redirect_is_not_followed_and_denies_access(client: ProviderHttpClient) -> None:
    elsewhere: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/away":
            elsewhere.append(request.path)
        return web.Response(status=307, headers={"Location": "/away"})

    async with serving(handler) as url:
        response = await client.send_request(ProviderRequest(url, {"person": "x"}, {"Authorization": "Bearer t"}))
    assert elsewhere == []
    with pytest.raises(NotExecutedError, match="http_307"):
        check_http_status(response)


async def test_cookies_are_not_kept(client: ProviderHttpClient) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.json_response({}, headers={"Set-Cookie": "track=1; Path=/"})

    async with serving(handler) as url:
        for _ in range(2):
            await client.send_request(ProviderRequest(url, {}))
    assert seen == [None, None]


async def test_a_gzip_bomb_and_a_huge_body_have_an_unknown_outcome(client: ProviderHttpClient) -> None:
    bomb = gzip.compress(bytes(20 * MAX_RESPONSE_BYTES))

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/bomb":
            return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        return web.Response(body=bytes(MAX_RESPONSE_BYTES + 1))

    async with serving(handler) as url:
        for path in ("/bomb", "/huge"):
            with pytest.raises(OutcomeUnknownError):
                await client.send_request(ProviderRequest(url + path, {}))


async def test_a_slow_body_ends_at_the_time_limit_of_the_call(client: ProviderHttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    async with serving(handler) as url:
        with pytest.raises(OutcomeUnknownError, match="timeout"):
            await client.send_request(ProviderRequest(url, {}))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"\x16\x03\x01\x00\x05hello",
    ],
)
async def test_a_response_that_is_not_http_has_an_unknown_outcome(client: ProviderHttpClient, raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    listening = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(answer, sock=listening):
        with pytest.raises(OutcomeUnknownError):
            await client.send_request(ProviderRequest(f"http://127.0.0.1:{listening.getsockname()[1]}", {}))


@pytest.mark.parametrize("text", ["9" * 5_000, "²", "-5", "1e9", "soon", "Mon, 01 Jan 0001 00:00:00 +9999", ""])
async def test_an_invalid_retry_after_is_one_hour_at_most(client: ProviderHttpClient, text: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": text})

    async with serving(handler) as url:
        response = await client.send_request(ProviderRequest(url, {}))
    assert response.retry_after is None or 0 <= response.retry_after.total_seconds() <= 3_600
