"""Robustness of the consent pages: garbage on the socket, and requests that a machine makes up. None causes a server error."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from common.compliance.links import build_lead_link
from support.consent_forms import FormVisitor
from support.consents import EMAIL, NUMBER, ConsentFixture
from support.installation import SECRETS
from support.raw_http import list_garbage, read_statuses, send_raw

SECRET = SECRETS["FORM_LINK_SECRET"].encode()
PATHS = ["/consent", "/consent/opt-out", "/consent/withdraw"]
FIELDS = ["List-Unsubscribe", "contact", "token", "number", "name", "agree"]


@pytest.fixture
async def server(running: Any) -> AsyncIterator[str]:
    options = {"consent_read_seconds": 1, "consent_forms_per_minute": 1_000_000}
    async with running("consent", consent_port=0, **options) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}"


async def test_garbage_is_refused_and_the_next_person_opts_out(
    offered: ConsentFixture, server: str, session: aiohttp.ClientSession
) -> None:
    lead = await offered.add_lead()
    for path in PATHS:
        for name, content in list_garbage(path.encode()).items():
            answer = await send_raw(server, content)
            assert all(status < 500 for status in read_statuses(answer)), (path, name, answer[:500])
            assert b"aiohttp" not in answer
            assert b"Traceback" not in answer
    async with session.post(build_lead_link(f"{server}/consent/opt-out", SECRET, lead)) as response:
        assert response.status == 200
    assert await offered.active(EMAIL) == ["opt_out"]
    assert await offered.audit(lead) == []


def describe_pages(server: str, link: str, token: str) -> dict[str, Any]:
    """Return an OpenAPI document of the pages, with the link of a real lead and the token of its form among the examples."""
    texts = {"type": "string"}
    signed = {"token": token, "number": NUMBER, "name": "Ana Ruiz", "agree": "yes"}
    form = {
        "type": "object",
        "properties": dict.fromkeys(FIELDS, texts),
        "additionalProperties": texts,
        "examples": [signed, signed | {"agree": ""}, signed | {"number": "12"}, signed | {"name": "\ud83c\udf89"}],
    }
    query = [
        {"name": "l", "in": "query", "schema": texts, "examples": {"link": {"value": link}}},
        {"name": "lang", "in": "query", "schema": texts},
    ]
    get = {"parameters": query, "responses": {"default": {"description": "a page"}}}
    content = {kind: {"schema": form} for kind in ("application/x-www-form-urlencoded", "multipart/form-data")}
    paths = {path: {"get": get, "post": get | {"requestBody": {"content": content}}} for path in PATHS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pages", "version": "1"},
        "servers": [{"url": server}],
        "paths": paths,
    }


async def test_no_made_up_request_causes_a_server_error(
    offered: ConsentFixture, server: str, session: aiohttp.ClientSession, tmp_path: Path
) -> None:
    lead = await offered.add_lead()
    link = build_lead_link("", SECRET, lead).partition("l=")[2]
    token = (await FormVisitor(f"{server}/consent", session).open(lead)).token
    document = tmp_path / "pages.json"
    document.write_text(json.dumps(describe_pages(server, link, token)))
    options = {
        "--url": server,
        "--checks": "not_a_server_error",
        "--phases": "examples,coverage,fuzzing",
        "--max-examples": "60",
        "--suppress-health-check": "all",
        "--request-timeout": "20",
        "--seed": "1",
    }
    flat = [word for option in options.items() for word in option]
    run = "from schemathesis.cli import schemathesis; schemathesis()"
    command = [sys.executable, "-c", run, "run", str(document), "--no-color", *flat]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()[-6_000:]
    assert b"Test cases" in output
    granted = [row["action"] for row in await offered.audit(lead)]
    assert granted.count("granted") == 1, "the examples sign the form"
