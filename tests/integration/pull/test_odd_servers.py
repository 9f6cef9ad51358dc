"""Servers that speak MCP otherwise than the sandbox does: each answer is read, or ends in a state that the documents name."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import ValidationError

from pull.pulling import Stop
from support.odd_mcp import OddServer, document, house, odd_server, text_of
from support.pulling import Well


@pytest.fixture
async def odd() -> AsyncIterator[OddServer]:
    async with odd_server() as server:
        yield server


async def pulled(well: Well, odd: OddServer, **more: Any) -> Stop:
    """How a search of this server stops."""
    await well.search()
    settings: dict[str, Any] = {"batchdata_mcp_url": odd.url, "pull_tries": 2, "pull_call_seconds": 3} | more
    async with well.puller(**settings) as puller:
        stop = await well.pull(puller)
    assert stop is not None
    return stop


def three(skip: int, take: int) -> dict[str, Any]:
    """Three homes, page by page."""
    return document([house(number) for number in range(3)][skip : skip + take], 3)


@pytest.mark.parametrize(
    "result",
    [
        lambda page: {"content": [], "structuredContent": page},
        lambda page: text_of(page) | {"structuredContent": {"result": orjson.dumps(page).decode()}},
        lambda page: text_of(page) | {"structuredContent": {}},
        lambda page: {"content": [{"type": "text", "text": "Found: "}, *text_of(page)["content"]]},
        lambda page: {
            "content": [{"type": "image", "data": "aGk=", "mimeType": "image/png"}, *text_of(page)["content"]]
        },
    ],
)
async def test_a_page_is_found_wherever_a_result_may_hold_it(well: Well, odd: OddServer, result: Any) -> None:
    odd.page(lambda skip, take: result(three(skip, take)))
    stop = await pulled(well, odd)
    assert (stop.reason, stop.detail) == ("finished", "")
    assert len(await well.sent()) == 3


async def test_a_property_that_is_not_as_the_tool_declares_costs_no_page(well: Well, odd: OddServer) -> None:
    number = {"type": "object", "properties": {"_id": {"type": "string"}}, "required": ["_id"]}
    array = {"type": "object", "properties": {"properties": {"type": "array", "items": number}}}
    odd.tools[0]["outputSchema"] = {"type": "object", "properties": {"results": array}}
    page = document([house(1), house(2, _id=7)], 2)
    odd.page(lambda skip, take: text_of(page) | {"structuredContent": page})
    stop = await pulled(well, odd)
    assert (stop.reason, stop.detail) == ("finished", "")
    assert (odd.calls, len(await well.sent())) == (1, 2)


@pytest.mark.parametrize("found", [2**31, "1" + "0" * 30, -1, 1.5, '"9"', "true", "[]", "{}", "null"])
async def test_a_count_that_makes_no_sense_costs_no_page(well: Well, odd: OddServer, found: object) -> None:
    def page(skip: int, take: int) -> dict[str, Any]:
        text = orjson.dumps(document([house(number) for number in range(3)][skip : skip + take], "FOUND")).decode()
        return text_of(text.replace('"FOUND"', str(found)))

    odd.page(page)
    assert (await pulled(well, odd)).reason == "finished"
    run = await well.run()
    assert (run["unknown_pages"], run["asked_take"], run["records"]) == (0, None, 3)


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
    ids=["no text for an id", "no text", "infinite", "nan", "huge"],
)
async def test_an_entry_that_makes_no_sense_costs_itself(well: Well, odd: OddServer, entry: str, reason: str) -> None:
    text = orjson.dumps(document([house(1), "ENTRY", house(2)], 3)).decode().replace('"ENTRY"', entry)
    odd.page(lambda skip, take: text_of(text))
    assert (await pulled(well, odd)).reason == "finished"
    assert await well.streets_sent() == ["1 Elm St", "2 Elm St"]
    assert await well.db.fetchval("select reason from pipeline.pull_rejects") == reason


@pytest.mark.parametrize("entry", ["[" * 5_000 + "]" * 5_000, '{"_id": 1' + "0" * 5_000 + "}"], ids=["deep", "long"])
async def test_a_page_that_no_reader_takes_is_unknown_and_closed(well: Well, odd: OddServer, entry: str) -> None:
    text = orjson.dumps(document([house(1), "ENTRY"], 2)).decode().replace('"ENTRY"', entry)
    odd.page(lambda skip, take: text_of(text))
    stop = await pulled(well, odd)
    assert (stop.reason, stop.detail) == ("unknown_answer", "unreadable")
    run = await well.run()
    assert (run["asked_take"], run["unknown_records"]) == (None, 25)


@pytest.mark.parametrize(
    ("status", "headers", "reason", "detail"),
    [
        (301, {"Location": "https://user:word@elsewhere.example/mcp?state=1"}, "refused", "http_301"),
        (307, {"Location": "https://user:word@elsewhere.example/mcp?state=1"}, "refused", "http_307"),
        (405, {}, "refused", "http_405"),
        (401, {}, "refused", "http_401"),
        (402, {}, "refused", "http_402"),
        (429, {"Retry-After": "3600"}, "batchdata_down", "http_429"),
        (429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, "batchdata_down", "http_429"),
        (429, {"Retry-After": "Wed, 21 Oct 1999 07:28:00 -0000"}, "batchdata_down", "http_429"),
        (429, {"Retry-After": "soon"}, "batchdata_down", "http_429"),
        (429, {"Retry-After": "99999999999999999999999999"}, "batchdata_down", "http_429"),
        (429, {"Retry-After": "²"}, "batchdata_down", "http_429"),
        (204, {}, "batchdata_down", "no_session"),
        (200, {}, "batchdata_down", "no_session"),
    ],
)
@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
async def test_every_status_has_its_name(
    well: Well, odd: OddServer, method: str, status: int, headers: dict[str, str], reason: str, detail: str
) -> None:
    async def answer(_request: Any) -> web.Response:
        return web.Response(status=status, headers=headers)

    odd.answers[method] = answer
    stop = await pulled(well, odd)
    if method == "tools/call" and detail == "no_session":
        reason, detail = "unknown_answer", "unreadable"
    assert stop.reason == reason
    assert stop.detail.startswith(detail)
    if "Location" in headers:
        assert "redirects to https://elsewhere.example/mcp" in stop.detail


async def test_a_redirect_on_the_same_server_is_followed(well: Well, odd: OddServer) -> None:
    odd.page(lambda skip, take: text_of(three(skip, take)))
    odd.moved["/old"] = "/"
    stop = await pulled(well, odd, batchdata_mcp_url=f"{odd.url}old")
    assert (stop.reason, len(await well.sent())) == ("finished", 3)


@pytest.mark.parametrize(
    "words", ["Error: HTTP 504", "API request failed: 502", "timeout of 30000ms exceeded", "Timed out"]
)
async def test_a_tool_that_lost_its_own_answer_is_not_asked_again(well: Well, odd: OddServer, words: str) -> None:
    odd.page(lambda skip, take: text_of(words) | {"isError": True})
    stop = await pulled(well, odd)
    assert (stop.reason, stop.detail, odd.calls) == ("unknown_answer", "tool_lost_it", 1)


@pytest.mark.parametrize(("name", "reason"), [("other", "refused"), ("search_properties", "finished")])
async def test_a_list_of_tools_that_never_ends_is_read_as_far_as_needed(
    well: Well, odd: OddServer, name: str, reason: str
) -> None:
    async def endless(_request: Any) -> dict[str, Any]:
        return {"tools": [odd.tools[0] | {"name": name}], "nextCursor": "again"}

    odd.answers["tools/list"] = endless
    odd.page(lambda skip, take: text_of(three(skip, take)))
    stop = await pulled(well, odd)
    assert stop.reason == reason
    assert sum(request["method"] == "tools/list" for request in odd.seen) == (20 if reason == "refused" else 1)


@pytest.mark.parametrize("method", ["initialize", "tools/list", "tools/call"])
async def test_a_server_that_hangs_is_not_waited_for(well: Well, odd: OddServer, method: str) -> None:
    async def hang(_request: Any) -> web.Response:
        await asyncio.sleep(60)
        return web.Response()

    odd.answers[method] = hang
    stop = await pulled(well, odd, pull_call_seconds=0.5)
    assert (stop.reason, stop.detail) == ("unknown_answer" if method == "tools/call" else "batchdata_down", "timeout")


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
async def test_an_answer_without_end_is_cut_off(well: Well, odd: OddServer, kind: str) -> None:
    sent = 0

    async def answer(_request: Any) -> web.Response:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal sent
            yield b'data: {"jsonrpc": "2.0", "id": 3, "result": {"content": [{"type": "text", "text": "'
            while True:
                sent += 1
                yield b"x" * 1_000_000

        return web.Response(body=pieces(), content_type=kind)

    odd.answers["tools/call"] = answer
    stop = await pulled(well, odd, pull_call_seconds=20)
    assert (stop.reason, stop.detail) == ("unknown_answer", "unreadable")
    assert sent < 50


async def test_what_is_given_unasked_is_paid_and_ends_the_day(well: Well, odd: OddServer) -> None:
    odd.page(lambda skip, take: text_of(document([house(number) for number in range(skip, skip + 100)], 1_000)))
    assert (await pulled(well, odd, pull_daily_records=10)).reason == "budget_used"
    assert await well.spent() == {"2026-11-20": (100, 100.0)}


async def test_pages_that_never_end_end_with_the_budget(well: Well, odd: OddServer) -> None:
    odd.page(lambda skip, take: text_of(document([house(number) for number in range(skip, skip + take)])))
    assert (await pulled(well, odd, pull_daily_records=130)).reason == "budget_used"
    assert await well.spent() == {"2026-11-20": (130, 130.0)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"batchdata_mcp_url": "no address"}, {"batchdata_mcp_url": "ftp://mcp.batchdata.com"}, {"batchdata_token": "two\nlines"},
        {"batchdata_token": "caf\xe9"},
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(well: Well, wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        well.settings(**wrong)
