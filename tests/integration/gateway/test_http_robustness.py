"""Robustness of the HTTP interface: garbage on the socket, and all requests that our OpenAPI document allows."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from common.web import server
from gateway.openapi import build_openapi_document
from gateway.problems import PROBLEM_KINDS
from gateway.routes import OPERATIONS
from support.partner import HEADER, Partner, csv_of
from support.raw_http import list_garbage, read_statuses, send_raw

HOOK_SECRET = "hook-secret"


@pytest.fixture
async def gateway(running: Any) -> AsyncIterator[str]:
    """Return the address of a gateway whose limits are never reached."""
    more = {
        "gateway_failures_per_minute": 1_000_000,
        "gateway_uploads_per_minute": 1_000_000,
        "gateway_max_receiving": 1_000,
        "instantly_webhook_secrets": HOOK_SECRET,
        "gateway_read_seconds": 1,
    }
    async with running("gateway", gateway_port=0, **more) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}"


POST = b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\n"
GARBAGE = list_garbage(b"/v1/uploads")


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_refused_and_the_gateway_still_works(
    gateway: str, name: str, session: aiohttp.ClientSession
) -> None:
    answer = await send_raw(gateway, GARBAGE[name])
    assert all(status < 500 for status in read_statuses(answer)), answer[:500]
    assert b"aiohttp" not in answer
    assert b"Traceback" not in answer
    assert (await Partner(gateway, session, uuid4()).upload(csv_of(1)))[0] == 202


@pytest.mark.parametrize(("name", "code"), [("no http", "bad_request"), ("expectations", "missing_header")])
async def test_every_refusal_is_a_problem_response(gateway: str, name: str, code: str) -> None:
    head, _, body = (await send_raw(gateway, GARBAGE[name])).partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == code


async def test_a_client_that_expects_100_continue_gets_it(gateway: str, session: aiohttp.ClientSession) -> None:
    body = csv_of(1)
    headers = Partner(gateway, session, uuid4()).upload_headers(body)
    async with session.post(f"{gateway}/v1/uploads", data=body, headers=headers, expect100=True) as answer:
        assert answer.status == 202


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/v1/uploads", 405), ("DELETE", "/v1/uploads/1", 405), ("POST", "/openapi.json", 405)],
)
async def test_unknown_addresses_and_methods_are_problems(
    gateway: str, session: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with session.request(method, gateway + path) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert (answer.status, problem["status"]) == (status, status)
        assert ("Allow" in answer.headers) is (status == 405)


async def test_the_connection_of_an_endless_request_head_is_closed(
    running: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server.CONNECTION_OPTIONS, "keepalive_timeout", 0.5)
    async with running("gateway", gateway_port=0) as (service,):
        base = f"http://127.0.0.1:{service.parts[-1].port}"
        url = urlsplit(base)
        reader, writer = await asyncio.open_connection(url.hostname, url.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_mutated_uploads_are_accepted_or_refused(gateway: str, session: aiohttp.ClientSession) -> None:
    partner = Partner(gateway, session, uuid4())
    seeded_random = random.Random(20260302)

    async def upload_mutated(number: int) -> None:
        body = csv_of(3, start=number * 3)
        headers = "".join(f"{name}: {value}\r\n" for name, value in partner.upload_headers(body).items())
        request = bytearray(POST + headers.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        for _ in range(seeded_random.randint(1, 6)):
            place = seeded_random.randrange(len(request))
            match seeded_random.randrange(3):
                case 0:
                    request[place] = seeded_random.randrange(256)
                case 1:
                    del request[place : place + seeded_random.randint(1, 20)]
                case _:
                    request[place:place] = seeded_random.randbytes(seeded_random.randint(1, 20))
        answer = await send_raw(gateway, bytes(request))
        assert all(status < 500 for status in read_statuses(answer)), (bytes(request), answer)

    await asyncio.gather(*map(upload_mutated, range(200)))


async def test_signed_bytes_of_any_kind_are_accepted_or_refused(gateway: str, session: aiohttp.ClientSession) -> None:
    partner = Partner(gateway, session, uuid4())
    seeded_random = random.Random(20260304)
    alphabet = [bytes([byte]) for byte in b',"\n\r;\0\xff\xfea']
    alphabet += ["\u00e9".encode(), b"sep=", HEADER.encode(), b"1,2,3,4,5,6,7\n"]

    async def upload(number: int) -> None:
        body = b"".join(seeded_random.choices(alphabet, k=seeded_random.randint(0, 60)))
        start = seeded_random.choice(
            [b"", HEADER.encode() + b"\n", HEADER.encode("utf-16"), b"\xef\xbb\xbf" + HEADER.encode()]
        )
        if number % 3 == 0:
            body = seeded_random.randbytes(300)
        status, answer = await partner.upload(start + body)
        assert status in (202, 409, 415, 422), (start + body, answer)

    await asyncio.gather(*map(upload, range(400)))


async def test_mutated_webhooks_are_accepted_or_refused(gateway: str, session: aiohttp.ClientSession) -> None:
    seeded_random = random.Random(20260303)
    seed = json.dumps(
        {"event_type": "email_sent", "timestamp": "2026-03-02T17:05:00Z", "a": [1, {"b": "\u00e9"}]}
    ).encode()
    for _ in range(300):
        body = bytearray(seed)
        for _ in range(seeded_random.randint(1, 4)):
            body[seeded_random.randrange(len(body))] = seeded_random.randrange(256)
        headers = {"X-EC-Webhook-Secret": HOOK_SECRET}
        async with session.post(f"{gateway}/v1/webhooks/instantly", data=bytes(body), headers=headers) as answer:
            assert answer.status in (200, 400), await answer.text()


CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method", "missing_required_header",
)  # fmt: skip


async def test_the_openapi_document_matches_the_responses(gateway: str, tmp_path: Path) -> None:
    """schemathesis finds no difference between the served document and the responses."""
    run = "from schemathesis.cli import schemathesis; schemathesis()"
    options = {
        "--header": f"X-EC-Webhook-Secret: {HOOK_SECRET}",
        "--checks": ",".join(CHECKS),
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": "40",
        "--suppress-health-check": "all",
        "--request-timeout": "20",
        "--seed": "1",
    }
    flat = [word for option in options.items() for word in option]
    command = [sys.executable, "-c", run, "run", f"{gateway}/openapi.json", "--no-color", *flat]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-6_000:]


async def test_the_served_document_matches_the_table_of_operations(
    gateway: str, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{gateway}/openapi.json") as answer:
        served = await answer.json()
    assert served == json.loads(json.dumps(build_openapi_document(OPERATIONS)))
    assert set(served["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(PROBLEM_KINDS)
