"""The one HTTP call: what a server can do to it, over real sockets."""

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
    found = ProviderHttpClient(1)
    await found.start()
    yield found
    await found.stop()


async def test_an_idle_connection_that_the_server_has_left_loses_no_call(client: ProviderHttpClient) -> None:
    """On a kept connection a call may arrive nowhere, and nobody knows whether it did: each has its own."""
    calls = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        await reader.read(1_000)  # the body, or the next request, to which nobody listens
        await reader.read(1_000)
        writer.transport.abort()

    listening = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(once, sock=listening):
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        assert [(await client.send_request(ProviderRequest(url, {}))).status for _ in range(3)] == [200, 200, 200]
    assert calls == 3


async def test_who_does_not_take_the_connection_is_not_paid() -> None:
    """A host that drops packets costs time and no money, also where a call's whole time is short."""
    client = ProviderHttpClient(1)
    await client.start()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as two:
        for crowd in (one, two):
            crowd.setblocking(False)
            crowd.connect_ex(full.getsockname())
        with pytest.raises(NotExecutedError, match="not_reached"):
            await client.send_request(ProviderRequest(f"http://127.0.0.1:{full.getsockname()[1]}", {}))
    await client.stop()


async def test_a_redirect_is_not_followed_and_counts_as_a_refusal(client: ProviderHttpClient) -> None:
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


async def test_a_gzip_bomb_and_a_huge_body_are_given_up(client: ProviderHttpClient) -> None:
    bomb = gzip.compress(bytes(20 * MAX_RESPONSE_BYTES))

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/bomb":
            return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        return web.Response(body=bytes(MAX_RESPONSE_BYTES + 1))

    async with serving(handler) as url:
        for path in ("/bomb", "/huge"):
            with pytest.raises(OutcomeUnknownError):
                await client.send_request(ProviderRequest(url + path, {}))


async def test_a_body_in_drops_is_given_up_after_the_calls_time(client: ProviderHttpClient) -> None:
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
async def test_what_is_no_http_may_have_been_paid_for(client: ProviderHttpClient, raw: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    listening = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(answer, sock=listening):
        with pytest.raises(OutcomeUnknownError):
            await client.send_request(ProviderRequest(f"http://127.0.0.1:{listening.getsockname()[1]}", {}))


@pytest.mark.parametrize("text", ["9" * 5_000, "²", "-5", "1e9", "soon", "Mon, 01 Jan 0001 00:00:00 +9999", ""])
async def test_a_retry_after_that_makes_no_sense_is_an_hour_at_the_most(client: ProviderHttpClient, text: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": text})

    async with serving(handler) as url:
        response = await client.send_request(ProviderRequest(url, {}))
    assert response.retry_after is None or 0 <= response.retry_after.total_seconds() <= 3_600
