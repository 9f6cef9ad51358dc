"""Invalid requests: each is refused in the vendor's format, without an error of the stand-in."""

import asyncio
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from contracts import batchdata, conform, instantly, melissa
from support.vendors import BATCHDATA_HEADERS, INSTANTLY_HEADERS

INVALID_BODIES: tuple[Any, ...] = (
    [],
    "text",
    7,
    None,
    {},
    {"requests": 7},
    {"requests": [[]]},
    {"leads": {}},
    {"searchCriteria": []},
)
INVALID_SEARCHES: tuple[Any, ...] = (
    {"searchCriteria": {"query": 7}},
    {"searchCriteria": {"valuation": {"ltv": 9}}},
    {"searchCriteria": {}, "options": {"skip": "x"}},
    {"requests": [{"address": "1 Elm St"}], "options": []},
)


@pytest.mark.parametrize(
    "path", ["/api/v1/property/skip-trace", "/api/v1/property/search", "/api/v1/property/lookup/all-attributes"]
)
async def test_batchdata_refuses_with_400(client: Any, path: str) -> None:
    for body in (*INVALID_BODIES, *INVALID_SEARCHES):
        response = await client.send_request("POST", f"/batchdata{path}", body, BATCHDATA_HEADERS)
        assert response.status == 400 or response.json["status"]["code"] == 200, body
        if response.status == 400:
            conform(batchdata.Failure, response.json)


@pytest.mark.parametrize(
    "path", ["/campaigns", "/leads", "/leads/add", "/leads/list", "/webhooks", "/block-lists-entries"]
)
async def test_instantly_refuses_with_400(client: Any, path: str) -> None:
    for body in INVALID_BODIES:
        response = await client.call_instantly("POST", path, body)
        assert response.status == 400 or (path == "/leads/list" and isinstance(body, dict)), body
        if response.status == 400:
            conform(instantly.Failure, response.json)


async def test_melissa_refuses_records_that_are_not_objects(client: Any) -> None:
    refused = await client.verify_records("not an object")
    assert (refused.status, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert (await client.verify_records({"AddressLine1": 7, "FullName": ["x"]})).status == 200


CALL_OF_VENDOR: dict[str, tuple[str, str, dict[str, str], type[BaseModel]]] = {
    "melissa": ("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", {}, melissa.Problem),
    "batchdata": ("POST", "/batchdata/api/v1/property/skip-trace", BATCHDATA_HEADERS, batchdata.Failure),
    "instantly": ("POST", "/instantly/api/v2/leads/add", INSTANTLY_HEADERS, instantly.Failure),
}
vendors = pytest.mark.parametrize("vendor", CALL_OF_VENDOR)


async def fetch_outcomes(client: Any, vendor: str) -> dict[str, int]:
    """Return how often each outcome was counted, over all operations."""
    counted = await client.call_control_api("GET", f"calls/{vendor}")
    return {outcome: count for counts in counted["operations"].values() for outcome, count in counts.items()}


@vendors
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [({"Content-Encoding": "gzip"}, b"{}", 400), ({}, b" " * (17 << 20), 413)],
    ids=["not gzip", "too large"],
)
async def test_an_unreadable_body_is_refused_and_counted(
    client: Any, sandbox: Any, session: Any, vendor: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    method, path, key, failure = CALL_OF_VENDOR[vendor]
    async with session.request(method, sandbox.url + path, data=body, headers=key | headers) as response:
        assert response.status == status
        conform(failure, orjson.loads(await response.read()))
    assert await fetch_outcomes(client, vendor) == {str(status): 1}
    assert sandbox.state.statistics._open_calls[vendor] == 0


@vendors
async def test_a_caller_that_leaves_in_the_middle_of_a_body_is_counted(client: Any, sandbox: Any, vendor: str) -> None:
    method, path, _, _ = CALL_OF_VENDOR[vendor]
    _, writer = await asyncio.open_connection("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
    await writer.drain()
    while not sandbox.state.statistics._open_calls[vendor]:
        await asyncio.sleep(0.01)
    writer.close()
    while sandbox.state.statistics._open_calls[vendor]:
        await asyncio.sleep(0.01)
    assert await fetch_outcomes(client, vendor) == {"dropped": 1}


@vendors
@pytest.mark.parametrize(("method", "more", "status"), [("POST", "/nowhere", 404), ("PUT", "", 405)])
async def test_an_unknown_path_or_method_is_refused_in_the_vendors_format(
    client: Any, vendor: str, method: str, more: str, status: int
) -> None:
    _, path, key, failure = CALL_OF_VENDOR[vendor]
    response = await client.send_request(method, path + more, {}, key)
    assert response.status == status
    conform(failure, response.json)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "²", "٣", "9" * 5_000, ""])
async def test_an_invalid_limit_is_refused(client: Any, limit: str) -> None:
    assert (await client.call_instantly("GET", f"/campaigns?limit={limit}")).status == 400


async def test_the_name_of_a_campaign_cannot_be_removed(client: Any) -> None:
    campaign = await client.create_campaign("FL")
    assert (await client.call_instantly("PATCH", f"/campaigns/{campaign}", {"name": None})).status == 400
    assert (await client.call_instantly("GET", "/campaigns?search=fl")).json["items"][0]["name"] == "FL"


@pytest.mark.parametrize("headers", [{"X-Secret": "a\r\nb"}, {"a\r\nb": "x"}, {"Content-Length": "-1"}])
async def test_a_delivery_that_http_cannot_carry_does_not_block_the_event(
    client: Any, listener: Any, headers: dict[str, str]
) -> None:
    await client.add_leads(await client.create_campaign(), "a@example.com")
    webhook = {"target_hook_url": listener.url, "event_type": "all_events", "headers": headers}
    await client.call_instantly("POST", "/webhooks", webhook)
    await client.call_control_api("POST", "instantly/events", {"event_type": "email_bounced", "email": "a@example.com"})
    assert listener.received == []
    [event] = (await client.call_instantly("GET", "/webhook-events")).json["items"]
    assert (event["success"], event["status_code"]) == (False, None)
