"""BatchData's MCP server, called with the official MCP client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import orjson
import pytest
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from contracts import batchdata, conform
from support.vendors import BATCHDATA_HEADERS

transports = pytest.mark.parametrize("transport", ["http", "sse"])
SEARCH_ARGUMENTS = {"searchCriteria": {"query": "Pinellas County, FL"}, "options": {"skip": 0, "take": 100}}


@asynccontextmanager
async def open_session(url: str, transport: str) -> AsyncIterator[ClientSession]:
    if transport == "sse":
        async with (
            sse_client(f"{url}/batchdata_mcp/sse", headers=BATCHDATA_HEADERS) as streams,
            ClientSession(*streams) as session,
        ):
            await session.initialize()
            yield session
        return
    async with (
        httpx2.AsyncClient(headers=BATCHDATA_HEADERS, timeout=5) as client,
        streamable_http_client(f"{url}/batchdata_mcp/mcp", http_client=client) as streams,
        ClientSession(*streams) as session,
    ):
        await session.initialize()
        yield session


async def call_tool(session: ClientSession, name: str = "search_properties", arguments: Any = None) -> Any:
    return await session.call_tool(name, arguments or SEARCH_ARGUMENTS)


def parse_document(result: Any) -> batchdata.Found:
    assert not result.is_error
    return conform(
        batchdata.Found,
        orjson.loads(result.content[0].text.partition("{")[1] + result.content[0].text.partition("{")[2]),
    )


@transports
async def test_tools_can_be_listed_and_called(sandbox: Any, transport: str) -> None:
    async with open_session(sandbox.url, transport) as session:
        tools = {tool.name for tool in (await session.list_tools()).tools}
        found = parse_document(await call_tool(session))
    assert {"search_properties", "lookup_property", "search-properties", "lookup-property"} == tools
    assert len(found.results.properties) == 100


async def test_the_tools_find_what_the_rest_api_finds(client: Any, sandbox: Any) -> None:
    response = await client.send_request(
        "POST", "/batchdata/api/v1/property/search", SEARCH_ARGUMENTS, BATCHDATA_HEADERS
    )
    async with open_session(sandbox.url, "http") as session:
        assert parse_document(await call_tool(session)) == conform(batchdata.Found, response.json)


async def test_the_community_server_writes_text_before_the_document(sandbox: Any) -> None:
    async with open_session(sandbox.url, "http") as session:
        arguments = {"query": "Pinellas County, FL", "minEquityPercent": 60, "take": 3}
        result = await call_tool(session, "search-properties", arguments)
    assert result.content[0].text.startswith("Found 0 properties matching criteria:\n\n{")
    assert all(entry.valuation.equityPercent >= 60 for entry in parse_document(result).results.properties)


@pytest.mark.parametrize("name", ["lookup_property", "lookup-property"])
async def test_a_property_can_be_looked_up(sandbox: Any, name: str) -> None:
    async with open_session(sandbox.url, "http") as session:
        found = parse_document(
            await call_tool(session, name, {"street": "1 Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"})
        )
    assert found.results.properties[0].address.street == "1 Elm St"


@pytest.mark.parametrize(("name", "arguments"), [("no_such_tool", {}), ("search_properties", {"options": {}})])
async def test_an_invalid_call_is_an_error_of_the_tool(sandbox: Any, name: str, arguments: Any) -> None:
    async with open_session(sandbox.url, "http") as session:
        assert (await session.call_tool(name, arguments)).is_error


@transports
async def test_a_tool_may_fail(client: Any, sandbox: Any, transport: str) -> None:
    await client.add_fault("batchdata_mcp", "tool_error", times=1)
    async with open_session(sandbox.url, transport) as session:
        assert (await call_tool(session)).is_error
        assert not (await call_tool(session)).is_error


async def test_a_document_may_end_in_the_middle(client: Any, sandbox: Any) -> None:
    await client.add_fault("batchdata_mcp", "tool_broken_json")
    async with open_session(sandbox.url, "http") as session:
        text = (await call_tool(session)).content[0].text
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(text)


async def test_a_document_may_have_wrong_types(client: Any, sandbox: Any) -> None:
    await client.add_fault("batchdata_mcp", "tool_wrong_types")
    async with open_session(sandbox.url, "http") as session:
        assert isinstance(orjson.loads((await call_tool(session)).content[0].text)["results"]["properties"], dict)


async def test_a_document_may_repeat_a_property(client: Any, sandbox: Any) -> None:
    await client.add_fault("batchdata_mcp", "tool_duplicates")
    async with open_session(sandbox.url, "http") as session:
        found = parse_document(await call_tool(session)).results.properties
    assert found[0] == found[-1]


async def test_a_page_may_be_shorter_than_requested(client: Any, sandbox: Any) -> None:
    await client.add_fault("batchdata_mcp", "tool_short_page")
    async with open_session(sandbox.url, "http") as session:
        assert len(parse_document(await call_tool(session)).results.properties) == 25


@pytest.mark.parametrize(
    "kind", ["server_error", "rate_limited", "unauthorized", "html", "reset", "lost_answer", "broken_json"]
)
async def test_faults_of_http_reach_the_client_as_errors(client: Any, sandbox: Any, kind: str) -> None:
    with pytest.RaisesGroup(pytest.RaisesExc(Exception), flatten_subgroups=True, allow_unwrapped=True):
        async with open_session(sandbox.url, "http") as session:
            await client.add_fault("batchdata_mcp", kind, operation="mcp")
            await call_tool(session)


async def test_without_the_token_there_is_no_session(sandbox: Any) -> None:
    async with httpx2.AsyncClient() as client:
        response = await client.post(f"{sandbox.url}/batchdata_mcp/mcp", json={})
    assert response.status_code == 401
