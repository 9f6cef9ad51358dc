"""Nonsense is refused in the vendor's words, never with a crash of the stand-in."""

import asyncio
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from contracts import batchdata, conform, instantly, melissa
from support.vendors import BATCHDATA, INSTANTLY

ODD: tuple[Any, ...] = (
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
ODDER: tuple[Any, ...] = (
    {"searchCriteria": {"query": 7}},
    {"searchCriteria": {"valuation": {"ltv": 9}}},
    {"searchCriteria": {}, "options": {"skip": "x"}},
    {"requests": [{"address": "1 Elm St"}], "options": []},
)


@pytest.mark.parametrize(
    "path", ["/api/v1/property/skip-trace", "/api/v1/property/search", "/api/v1/property/lookup/all-attributes"]
)
async def test_batchdata_refuses_with_400(call: Any, path: str) -> None:
    for body in (*ODD, *ODDER):
        reply = await call("POST", f"/batchdata{path}", body, BATCHDATA)
        assert reply.status == 400 or reply.json["status"]["code"] == 200, body
        if reply.status == 400:
            conform(batchdata.Failure, reply.json)


@pytest.mark.parametrize(
    "path", ["/campaigns", "/leads", "/leads/add", "/leads/list", "/webhooks", "/block-lists-entries"]
)
async def test_instantly_refuses_with_400(call: Any, path: str) -> None:
    for body in ODD:
        reply = await call.instantly("POST", path, body)
        assert reply.status == 400 or (path == "/leads/list" and isinstance(body, dict)), body
        if reply.status == 400:
            conform(instantly.Failure, reply.json)


async def test_melissa_refuses_records_that_are_none(call: Any) -> None:
    refused = await call.verify("no record")
    assert (refused.status, refused.headers["Content-Type"]) == (400, "application/problem+json")
    assert (await call.verify({"AddressLine1": 7, "FullName": ["x"]})).status == 200


CALLS: dict[str, tuple[str, str, dict[str, str], type[BaseModel]]] = {
    "melissa": ("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", {}, melissa.Problem),
    "batchdata": ("POST", "/batchdata/api/v1/property/skip-trace", BATCHDATA, batchdata.Failure),
    "instantly": ("POST", "/instantly/api/v2/leads/add", INSTANTLY, instantly.Failure),
}
vendors = pytest.mark.parametrize("vendor", CALLS)


async def statuses(call: Any, vendor: str) -> dict[str, int]:
    """The operations' outcomes; no call is open any more."""
    counted = await call.control("GET", f"calls/{vendor}")
    return {outcome: count for counts in counted["operations"].values() for outcome, count in counts.items()}


@vendors
@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [({"Content-Encoding": "gzip"}, b"{}", 400), ({}, b" " * (17 << 20), 413)],
    ids=["not gzip", "too large"],
)
async def test_a_body_that_cannot_be_taken_is_refused_and_counted(
    call: Any, sandbox: Any, session: Any, vendor: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    method, path, key, failure = CALLS[vendor]
    async with session.request(method, sandbox.url + path, data=body, headers=key | headers) as reply:
        assert reply.status == status
        conform(failure, orjson.loads(await reply.read()))
    assert await statuses(call, vendor) == {str(status): 1}
    assert sandbox.world.ledger._open[vendor] == 0


@vendors
async def test_who_leaves_in_the_middle_of_a_body_is_counted(call: Any, sandbox: Any, vendor: str) -> None:
    method, path, _, _ = CALLS[vendor]
    _, writer = await asyncio.open_connection("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc".encode())
    await writer.drain()
    while not sandbox.world.ledger._open[vendor]:
        await asyncio.sleep(0.01)
    writer.close()
    while sandbox.world.ledger._open[vendor]:
        await asyncio.sleep(0.01)
    assert await statuses(call, vendor) == {"dropped": 1}


@vendors
@pytest.mark.parametrize(("method", "more", "status"), [("POST", "/nowhere", 404), ("PUT", "", 405)])
async def test_an_address_or_method_that_there_is_not_is_refused_in_the_vendors_words(
    call: Any, vendor: str, method: str, more: str, status: int
) -> None:
    _, path, key, failure = CALLS[vendor]
    reply = await call(method, path + more, {}, key)
    assert reply.status == status
    conform(failure, reply.json)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "²", "٣", "9" * 5_000, ""])
async def test_a_limit_that_is_none_is_refused(call: Any, limit: str) -> None:
    assert (await call.instantly("GET", f"/campaigns?limit={limit}")).status == 400


async def test_a_campaign_keeps_its_name(call: Any) -> None:
    campaign = await call.campaign("FL")
    assert (await call.instantly("PATCH", f"/campaigns/{campaign}", {"name": None})).status == 400
    assert (await call.instantly("GET", "/campaigns?search=fl")).json["items"][0]["name"] == "FL"


@pytest.mark.parametrize("headers", [{"X-Secret": "a\r\nb"}, {"a\r\nb": "x"}, {"Content-Length": "-1"}])
async def test_a_delivery_that_http_cannot_carry_keeps_nobody(call: Any, hooks: Any, headers: dict[str, str]) -> None:
    await call.add(await call.campaign(), "a@example.com")
    await call.instantly("POST", "/webhooks", {"target_hook_url": hooks.url, "headers": headers})
    await call.control("POST", "instantly/events", {"event_type": "email_bounced", "email": "a@example.com"})
    assert hooks.received == []
