"""The HTTP client of vendors over real sockets, against servers that misbehave: each failure has the outcome of the table."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from common.vendors.errors import NotExecutedError, OutcomeUnknownError
from common.vendors.http_client import (
    MAX_RESPONSE_BYTES,
    VendorHttpClient,
    VendorHttpRequest,
    VendorHttpResponse,
    check_status,
)
from support.certificates import create_tls_contexts

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def listening(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], **options: Any
) -> AsyncIterator[int]:
    """Answer connections on a free port, below HTTP; yield the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with await asyncio.start_server(answer, sock=listener, **options):
        yield listener.getsockname()[1]


class NoNames(AbstractResolver):
    """Resolver that knows no name."""

    async def resolve(self, *_: object, **__: object) -> list[ResolveResult]:
        raise OSError("no such name")

    async def close(self) -> None:
        pass


@pytest.fixture
async def client() -> AsyncIterator[VendorHttpClient]:
    one = VendorHttpClient(1)
    await one.start()
    yield one
    await one.stop()


async def test_no_call_is_lost_on_an_idle_connection_that_the_server_closed(client: VendorHttpClient) -> None:
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

    async with listening(once) as port:
        url = f"http://127.0.0.1:{port}"
        assert [
            (await client.send_request(VendorHttpRequest("melissa", "verify", url, {}))).status for _ in range(3)
        ] == [200, 200, 200]
    assert calls == 3


async def test_a_server_that_accepts_no_connection_is_not_charged_for() -> None:
    """A host that drops packets costs time and no money, also if the time limit of a call is short."""
    client = VendorHttpClient(1)
    await client.start()
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as one, socket.socket() as two:
        for crowd in (one, two):
            crowd.setblocking(False)
            crowd.connect_ex(full.getsockname())
        with pytest.raises(NotExecutedError, match="connect_timeout"):
            await client.send_request(
                VendorHttpRequest("melissa", "verify", f"http://127.0.0.1:{full.getsockname()[1]}", {})
            )
    await client.stop()


async def test_a_redirect_is_not_followed_and_denies_access(client: VendorHttpClient) -> None:
    elsewhere: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/away":
            elsewhere.append(request.path)
        return web.Response(status=307, headers={"Location": "/away"})

    async with serving(handler) as url:
        response = await client.send_request(
            VendorHttpRequest("melissa", "verify", url, {"person": "x"}, {"Authorization": "Bearer t"})
        )
    assert elsewhere == []
    with pytest.raises(NotExecutedError, match="http_307"):
        check_status("melissa", response)


async def test_cookies_are_not_kept(client: VendorHttpClient) -> None:
    seen: list[str | None] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Cookie"))
        return web.json_response({}, headers={"Set-Cookie": "track=1; Path=/"})

    async with serving(handler) as url:
        for _ in range(2):
            await client.send_request(VendorHttpRequest("melissa", "verify", url, {}))
    assert seen == [None, None]


async def test_a_gzip_bomb_and_a_huge_body_have_an_unknown_outcome(client: VendorHttpClient) -> None:
    bomb = gzip.compress(bytes(20 * MAX_RESPONSE_BYTES))

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/bomb":
            return web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
        return web.Response(body=bytes(MAX_RESPONSE_BYTES + 1))

    async with serving(handler) as url:
        for path in ("/bomb", "/huge"):
            with pytest.raises(OutcomeUnknownError, match="too_large"):
                await client.send_request(VendorHttpRequest("melissa", "verify", url + path, {}))


async def test_a_slow_body_ends_at_the_time_limit_of_the_call(client: VendorHttpClient) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.05)

    async with serving(handler) as url:
        with pytest.raises(OutcomeUnknownError, match="timeout"):
            await client.send_request(VendorHttpRequest("melissa", "verify", url, {}))


def request_to(url: str) -> VendorHttpRequest:
    return VendorHttpRequest("melissa", "verify", url, {})


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def read_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope", "connection_lost"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", "connection_lost|not_http"),
        (b"HTTP/9.9 200 OK\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "not_http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", "not_http"),
        (b"\x16\x03\x01\x00\x05hello", "not_http"),
    ],
)
async def test_a_response_that_is_no_whole_http_message_has_an_unknown_outcome(
    client: VendorHttpClient, raw: bytes, code: str
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        writer.close()

    async with listening(answer) as port:
        with pytest.raises(OutcomeUnknownError, match=code):
            await client.send_request(request_to(f"http://127.0.0.1:{port}"))


@pytest.mark.parametrize("answer", [hang_up, read_and_hang_up])
async def test_a_connection_lost_while_sending_or_waiting_has_an_unknown_outcome(
    client: VendorHttpClient, answer: Any
) -> None:
    async with listening(answer) as port:
        large = VendorHttpRequest("melissa", "verify", f"http://127.0.0.1:{port}", {"text": "x" * 5_000_000})
        with pytest.raises(OutcomeUnknownError, match="connection_lost"):
            await client.send_request(large)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9", "connect_failed"),
        ("http://", "invalid_url"),
        ("http://127.0.0.1:port", "invalid_url"),
        ("ftp://127.0.0.1", "invalid_url"),
    ],
)
async def test_a_request_without_a_connection_was_not_executed(client: VendorHttpClient, url: str, code: str) -> None:
    with pytest.raises(NotExecutedError, match=code):
        await client.send_request(request_to(url))


async def test_a_name_that_is_not_resolved_was_not_called() -> None:
    client = VendorHttpClient(1, NoNames)
    await client.start()
    with pytest.raises(NotExecutedError, match="name_not_resolved"):
        await client.send_request(request_to("http://vendor.example"))
    await client.stop()


async def answer_in_plain_text(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    writer.close()


@pytest.mark.parametrize(("answer", "code"), [(answer_in_plain_text, "tls_failed"), (hang_up, "connect_failed")])
async def test_nothing_is_sent_before_the_handshake(client: VendorHttpClient, answer: Any, code: str) -> None:
    async with listening(answer) as port:
        with pytest.raises(NotExecutedError, match=code):
            await client.send_request(request_to(f"https://127.0.0.1:{port}"))


async def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(
    client: VendorHttpClient, tmp_path: Path
) -> None:
    requests: list[bytes] = []

    async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.read(1_000))
        writer.close()

    server, _ = create_tls_contexts(tmp_path, "localhost")
    async with listening(read_request, ssl=server) as port:
        with pytest.raises(NotExecutedError, match="tls_failed"):
            await client.send_request(request_to(f"https://localhost:{port}"))
    assert requests in ([], [b""])


async def test_nothing_is_sent_too_late_or_by_a_client_that_is_not_started(client: VendorHttpClient) -> None:
    with pytest.raises(NotExecutedError, match="too_late"):
        await client.send_request(request_to("http://127.0.0.1:9"), datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(NotExecutedError, match="not_started"):
        await VendorHttpClient(1).send_request(request_to("http://127.0.0.1:9"))


async def test_a_body_that_is_not_json_is_unreadable_and_a_byte_order_mark_is_not_its_fault(
    client: VendorHttpClient,
) -> None:
    async def echo_path(request: web.Request) -> web.Response:
        return web.Response(body=b'\xef\xbb\xbf{"a": 1}' if request.path == "/marked" else b"{")

    async with serving(echo_path) as url:
        marked = await client.send_request(request_to(f"{url}/marked"))
        broken = await client.send_request(request_to(f"{url}/broken"))
    assert marked.read_json() == {"a": 1}
    with pytest.raises(OutcomeUnknownError, match="unreadable"):
        broken.read_json()


async def test_proxies_of_the_environment_are_not_used(
    client: VendorHttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({})

    async with serving(answer) as url:
        assert (await client.send_request(request_to(url))).status == 200


async def test_a_request_without_a_body_has_its_method_and_headers_only(client: VendorHttpClient) -> None:
    seen: list[tuple[str, bytes, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append((request.method, await request.read(), request.headers.get("Authorization")))
        return web.Response(status=204)

    headers = {"Authorization": "Bearer t"}
    async with serving(answer) as url:
        for method in ("DELETE", "GET"):
            await client.send_request(VendorHttpRequest("instantly", "leads", url, None, headers, method))
    assert seen == [("DELETE", b"", "Bearer t"), ("GET", b"", "Bearer t")]


def test_keys_and_personal_data_do_not_show_in_the_text_of_a_request_or_response() -> None:
    request = VendorHttpRequest("melissa", "verify", "https://x.example/?id=secret", {"a": "secret"}, {"b": "secret"})
    assert "secret" not in repr(request) + repr(VendorHttpResponse(200, "application/json", b"secret"))


@pytest.mark.parametrize("text", ["9" * 5_000, "²", "-5", "1e9", "soon", "Mon, 01 Jan 0001 00:00:00 +9999", ""])
async def test_an_invalid_retry_after_is_one_hour_at_most(client: VendorHttpClient, text: str) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": text})

    async with serving(handler) as url:
        response = await client.send_request(VendorHttpRequest("melissa", "verify", url, {}))
    assert response.retry_after is None or 0 <= response.retry_after.total_seconds() <= 3_600
