"""Servers that use MCP differently from the sandbox: each response is read or ends in an outcome of docs/batchdata-pull.md."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import ValidationError

from pull.outcomes import PullStop
from support.pull_fixture import PullFixture
from support.scripted_mcp_server import (
    ScriptedMcpServer,
    page_document,
    property_entry,
    scripted_mcp_server,
    text_result,
)


@pytest.fixture
async def mcp_server() -> AsyncIterator[ScriptedMcpServer]:
    async with scripted_mcp_server() as server:
        yield server


async def pull_from(pulling: PullFixture, mcp_server: ScriptedMcpServer, **more: Any) -> PullStop:
    """Pull one search from this server, and return why the pull stopped."""
    await pulling.save_search()
    settings: dict[str, Any] = {
        "batchdata_mcp_url": mcp_server.url,
        "pull_max_attempts": 2,
    } | more
    async with pulling.open_puller(**settings) as puller:
        return await pulling.pull(puller)


def three_properties(skip: int, take: int) -> dict[str, Any]:
    """Return a page of a search with three results."""
    return page_document([property_entry(number) for number in range(3)][skip : skip + take], 3)


@pytest.mark.parametrize(
    "result",
    [
        lambda page: {"content": [], "structuredContent": page},
        lambda page: text_result(page) | {"structuredContent": {"result": orjson.dumps(page).decode()}},
        lambda page: text_result(page) | {"structuredContent": {}},
        lambda page: {"content": [{"type": "text", "text": "Found: "}, *text_result(page)["content"]]},
        lambda page: {
            "content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}, *text_result(page)["content"]]
        },
    ],
)
async def test_a_page_is_read_from_every_place_of_a_tool_result(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, result: Any
) -> None:
    mcp_server.answer_pages(lambda skip, take: result(three_properties(skip, take)))
    stop = await pull_from(pulling, mcp_server)
    assert (stop.outcome, stop.detail) == ("finished", "")
    assert len(await pulling.outbox_records()) == 3


async def test_a_property_that_violates_the_output_schema_of_the_tool_costs_no_page(
    pulling: PullFixture, mcp_server: ScriptedMcpServer
) -> None:
    number = {"type": "object", "properties": {"_id": {"type": "string"}}, "required": ["_id"]}
    array = {"type": "object", "properties": {"properties": {"type": "array", "items": number}}}
    mcp_server.tools[0]["outputSchema"] = {"type": "object", "properties": {"results": array}}
    page = page_document([property_entry(1), property_entry(2, _id=7)], 2)
    mcp_server.answer_pages(lambda skip, take: text_result(page) | {"structuredContent": page})
    stop = await pull_from(pulling, mcp_server)
    assert (stop.outcome, stop.detail) == ("finished", "")
    assert (mcp_server.tool_calls, len(await pulling.outbox_records())) == (1, 2)


@pytest.mark.parametrize("found", [2**31, "1" + "0" * 30, -1, 1.5, '"9"', "true", "[]", "{}", "null"])
async def test_an_implausible_number_of_results_costs_no_page(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, found: object
) -> None:
    def page(skip: int, take: int) -> dict[str, Any]:
        text = orjson.dumps(
            page_document([property_entry(number) for number in range(3)][skip : skip + take], "FOUND")
        ).decode()
        return text_result(text.replace('"FOUND"', str(found)))

    mcp_server.answer_pages(page)
    assert (await pull_from(pulling, mcp_server)).outcome == "finished"
    latest = await pulling.latest_round()
    assert (latest["unknown_pages"], latest["requested_take"], latest["records"]) == (0, None, 3)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ('{"_id": "\\ud800"}', "missing_address"),
        ('{"_id": "x", "address": {"street": "\\ud800", "city": "a", "state": "FL", "zip": "34698"}}', "broken_text"),
        ('{"_id": 1e999, "address": 7}', "missing_address"),
        ("NaN", "not_an_object"),
        (
            '{"_id": "x", "address": {"street": "'
            + "x" * 1_000_000
            + '", "city": "a", "state": "FL", "zip": "34698"}}',
            "too_large",
        ),
    ],
    ids=["surrogate in id", "surrogate in text", "infinite", "nan", "huge"],
)
async def test_an_entry_that_is_no_property_is_rejected_alone(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, entry: str, reason: str
) -> None:
    text = (
        orjson.dumps(page_document([property_entry(1), "ENTRY", property_entry(2)], 3))
        .decode()
        .replace('"ENTRY"', entry)
    )
    mcp_server.answer_pages(lambda skip, take: text_result(text))
    assert (await pull_from(pulling, mcp_server)).outcome == "finished"
    assert await pulling.outbox_streets() == ["1 Elm St", "2 Elm St"]
    assert await pulling.db.fetchval("select reason from pipeline.pull_rejects") == reason


@pytest.mark.parametrize("entry", ["[" * 5_000 + "]" * 5_000, '{"_id": 1' + "0" * 5_000 + "}"], ids=["deep", "long"])
async def test_an_unreadable_page_is_unknown_and_its_request_closed(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, entry: str
) -> None:
    text = orjson.dumps(page_document([property_entry(1), "ENTRY"], 2)).decode().replace('"ENTRY"', entry)
    mcp_server.answer_pages(lambda skip, take: text_result(text))
    stop = await pull_from(pulling, mcp_server)
    assert (stop.outcome, stop.detail) == ("outcome_unknown", "unreadable")
    latest = await pulling.latest_round()
    assert (latest["requested_take"], latest["unknown_records"]) == (None, 25)


@pytest.mark.parametrize(
    ("status", "headers", "outcome", "detail"),
    [
        (301, {"Location": "https://user:word@elsewhere.example/mcp?state=1"}, "access_denied", "http_301"),
        (307, {"Location": "https://user:word@elsewhere.example/mcp?state=1"}, "access_denied", "http_307"),
        (405, {}, "access_denied", "http_405"),
        (401, {}, "access_denied", "http_401"),
        (402, {}, "access_denied", "http_402"),
        (429, {"Retry-After": "3600"}, "batchdata_unavailable", "http_429"),
        (429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, "batchdata_unavailable", "http_429"),
        (429, {"Retry-After": "Wed, 21 Oct 1999 07:28:00 -0000"}, "batchdata_unavailable", "http_429"),
        (429, {"Retry-After": "soon"}, "batchdata_unavailable", "http_429"),
        (429, {"Retry-After": "99999999999999999999999999"}, "batchdata_unavailable", "http_429"),
        (429, {"Retry-After": "²"}, "batchdata_unavailable", "http_429"),
        (204, {}, "batchdata_unavailable", "no_session"),
        (200, {}, "batchdata_unavailable", "no_session"),
    ],
)
@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
async def test_every_http_status_has_an_outcome(
    pulling: PullFixture,
    mcp_server: ScriptedMcpServer,
    method: str,
    status: int,
    headers: dict[str, str],
    outcome: str,
    detail: str,
) -> None:
    async def answer(_request: Any) -> web.Response:
        return web.Response(status=status, headers=headers)

    mcp_server.handlers[method] = answer
    stop = await pull_from(pulling, mcp_server)
    if method == "tools/call" and detail == "no_session":
        outcome, detail = "outcome_unknown", "unreadable"
    assert stop.outcome == outcome
    assert stop.detail.startswith(detail)
    if "Location" in headers:
        assert "redirects to https://elsewhere.example/mcp" in stop.detail


async def test_a_redirect_on_the_same_server_is_followed(pulling: PullFixture, mcp_server: ScriptedMcpServer) -> None:
    mcp_server.answer_pages(lambda skip, take: text_result(three_properties(skip, take)))
    mcp_server.redirects["/old"] = "/"
    stop = await pull_from(pulling, mcp_server, batchdata_mcp_url=f"{mcp_server.url}old")
    assert (stop.outcome, len(await pulling.outbox_records())) == ("finished", 3)


@pytest.mark.parametrize(
    "words", ["Error: HTTP 504", "API request failed: 502", "timeout of 30000ms exceeded", "Timed out"]
)
async def test_a_tool_that_lost_its_response_is_not_called_again(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, words: str
) -> None:
    mcp_server.answer_pages(lambda skip, take: text_result(words) | {"isError": True})
    stop = await pull_from(pulling, mcp_server)
    assert (stop.outcome, stop.detail, mcp_server.tool_calls) == ("outcome_unknown", "tool_response_lost", 1)


@pytest.mark.parametrize(("name", "outcome"), [("other", "access_denied"), ("search_properties", "finished")])
async def test_an_endless_list_of_tools_is_read_as_far_as_needed(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, name: str, outcome: str
) -> None:
    async def endless(_request: Any) -> dict[str, Any]:
        return {"tools": [mcp_server.tools[0] | {"name": name}], "nextCursor": "again"}

    mcp_server.handlers["tools/list"] = endless
    mcp_server.answer_pages(lambda skip, take: text_result(three_properties(skip, take)))
    stop = await pull_from(pulling, mcp_server)
    assert stop.outcome == outcome
    assert sum(request["method"] == "tools/list" for request in mcp_server.requests) == (
        20 if outcome == "access_denied" else 1
    )


@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
async def test_a_request_to_a_hanging_server_ends_at_the_deadline(
    pulling: PullFixture, mcp_server: ScriptedMcpServer, method: str
) -> None:
    async def hang(_request: Any) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    mcp_server.handlers[method] = hang
    stop = await pull_from(pulling, mcp_server, pull_call_seconds=3 if method == "tools/call" else 0.5)
    assert (stop.outcome, stop.detail) == (
        "outcome_unknown" if method == "tools/call" else "batchdata_unavailable",
        "timeout",
    )


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_endless_response_is_cut_off(pulling: PullFixture, mcp_server: ScriptedMcpServer, kind: str) -> None:
    sent = 0

    async def answer(_request: Any) -> web.Response:
        async def chunks() -> AsyncIterator[bytes]:
            nonlocal sent
            yield b'data: {"jsonrpc": "2.0", "id": 3, "result": {"content": [{"type": "text", "text": "'
            while True:
                sent += 1
                yield b"x" * 1_000_000

        return web.Response(body=chunks(), content_type=kind)

    mcp_server.handlers["tools/call"] = answer
    stop = await pull_from(pulling, mcp_server)
    assert (stop.outcome, stop.detail) == ("outcome_unknown", "unreadable")
    assert sent < 50


async def test_more_records_than_requested_are_paid_and_use_up_the_budget(
    pulling: PullFixture, mcp_server: ScriptedMcpServer
) -> None:
    mcp_server.answer_pages(
        lambda skip, take: text_result(
            page_document([property_entry(number) for number in range(skip, skip + 100)], 1_000)
        )
    )
    assert (await pull_from(pulling, mcp_server, pull_daily_records=10)).outcome == "budget_used"
    assert await pulling.spending_by_day() == {"2026-11-20": (100, 100.0)}


async def test_endless_pages_end_with_the_budget(pulling: PullFixture, mcp_server: ScriptedMcpServer) -> None:
    mcp_server.answer_pages(
        lambda skip, take: text_result(page_document([property_entry(number) for number in range(skip, skip + take)]))
    )
    assert (await pull_from(pulling, mcp_server, pull_daily_records=130)).outcome == "budget_used"
    assert await pulling.spending_by_day() == {"2026-11-20": (130, 130.0)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"batchdata_mcp_url": "no address"}, {"batchdata_mcp_url": "ftp://mcp.batchdata.com"}, {"batchdata_token": "two\nlines"},
        {"batchdata_token": "caf\xe9"},
    ],
)  # fmt: skip
def test_invalid_settings_are_rejected(pulling: PullFixture, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        pulling.settings(**wrong)
