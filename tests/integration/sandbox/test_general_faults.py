"""General faults: each one on a call of each vendor that is paid for or has an effect."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from sandbox.faults import GENERAL_FAULTS

Call = Callable[[Any, str], Awaitable[Any]]


async def verify(client: Any, _campaign: str) -> Any:
    return await client.verify_records(
        *({"RecordID": f"ld_{n}", "AddressLine1": f"{n} Elm St", "PostalCode": "34698"} for n in (1, 2))
    )


async def trace(client: Any, _campaign: str) -> Any:
    places = ({"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"} for number in (1, 2, 3))
    return await client.trace_properties(
        *({"requestId": f"ld_{n}", "propertyAddress": place} for n, place in enumerate(places))
    )


async def add(client: Any, campaign: str) -> Any:
    return await client.add_leads(campaign, "a@example.com", "b@example.com")


CALL_AND_OPERATION = {
    "melissa": (verify, "verify"),
    "batchdata": (trace, "skip_trace"),
    "instantly": (add, "add_leads"),
}
BEFORE_EFFECT = ("timeout", "reset", "server_error", "rate_limited", "unauthorized", "html")
AFTER_EFFECT = ("slow", "lost_answer", "error_after_effect", "empty", "broken_json", "wrong_types", "duplicates")
vendors = pytest.mark.parametrize("vendor", CALL_AND_OPERATION)


def test_every_general_fault_is_tested() -> None:
    assert {*BEFORE_EFFECT, *AFTER_EFFECT} == GENERAL_FAULTS.keys()


@pytest.fixture
async def call_vendor(client: Any) -> Callable[[str], Awaitable[Any]]:
    """Return a function that makes the paid call to a vendor: `await call_vendor("melissa")`."""
    campaign = await client.create_campaign()

    async def call_vendor(vendor: str) -> Any:
        return await CALL_AND_OPERATION[vendor][0](client, campaign)

    return call_vendor


@vendors
@pytest.mark.parametrize("kind", BEFORE_EFFECT)
async def test_faults_before_the_effect_cost_nothing(client: Any, call_vendor: Any, vendor: str, kind: str) -> None:
    await client.add_fault(vendor, kind, operation=CALL_AND_OPERATION[vendor][1])
    with suppress(aiohttp.ClientError):
        await call_vendor(vendor)
    assert (await client.fetch_charges(vendor))["records"] == 0


@vendors
@pytest.mark.parametrize("kind", AFTER_EFFECT)
async def test_faults_after_the_effect_are_paid_for(client: Any, call_vendor: Any, vendor: str, kind: str) -> None:
    await client.add_fault(vendor, kind, operation=CALL_AND_OPERATION[vendor][1])
    with suppress(aiohttp.ClientError):
        await call_vendor(vendor)
    assert (await client.fetch_charges(vendor))["records"] > 0


@vendors
@pytest.mark.parametrize("kind", ["timeout", "reset", "lost_answer"])
async def test_a_connection_closes_without_a_response(client: Any, call_vendor: Any, vendor: str, kind: str) -> None:
    await client.add_fault(vendor, kind, operation=CALL_AND_OPERATION[vendor][1])
    with pytest.raises(aiohttp.ClientError):
        await call_vendor(vendor)
    operations = (await client.call_control_api("GET", f"calls/{vendor}"))["operations"]
    assert operations[CALL_AND_OPERATION[vendor][1]] == {"dropped": 1}


@vendors
async def test_a_slow_response_is_correct_but_late(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "slow", operation=CALL_AND_OPERATION[vendor][1], seconds=0.3)
    began = asyncio.get_running_loop().time()
    assert (await call_vendor(vendor)).status == 200
    assert asyncio.get_running_loop().time() - began >= 0.3


@vendors
async def test_a_caller_that_does_not_wait_for_a_slow_response_still_causes_its_effect(
    client: Any, call_vendor: Any, vendor: str
) -> None:
    await client.add_fault(vendor, "slow", operation=CALL_AND_OPERATION[vendor][1], seconds=0.4)
    with suppress(TimeoutError):
        await asyncio.wait_for(call_vendor(vendor), 0.1)
    assert (await client.fetch_charges(vendor))["records"] == 0
    await asyncio.sleep(0.6)
    assert (await client.fetch_charges(vendor))["records"] > 0


@vendors
async def test_a_timeout_lasts_for_the_seconds_of_the_fault(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "timeout", operation=CALL_AND_OPERATION[vendor][1], seconds=0.3)
    began = asyncio.get_running_loop().time()
    with pytest.raises(aiohttp.ClientError):
        await call_vendor(vendor)
    assert asyncio.get_running_loop().time() - began >= 0.3


@vendors
async def test_a_server_error_has_the_status_of_the_fault(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "server_error", operation=CALL_AND_OPERATION[vendor][1], status=500)
    assert (await call_vendor(vendor)).status == 500


@vendors
async def test_an_error_after_the_effect_comes_from_a_proxy(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "error_after_effect", operation=CALL_AND_OPERATION[vendor][1], status=502)
    response = await call_vendor(vendor)
    assert (response.status, response.headers["Content-Type"]) == (502, "text/html")


@vendors
async def test_a_rate_limit_has_retry_after_only_if_the_fault_has_it(
    client: Any, call_vendor: Any, vendor: str
) -> None:
    await client.add_fault(vendor, "rate_limited", operation=CALL_AND_OPERATION[vendor][1], times=1)
    await client.add_fault(vendor, "rate_limited", operation=CALL_AND_OPERATION[vendor][1], retry_after=7)
    first, second = await call_vendor(vendor), await call_vendor(vendor)
    assert (first.status, first.headers.get("Retry-After")) == (429, None)
    assert (second.status, second.headers.get("Retry-After")) == (429, "7")


@vendors
async def test_a_revoked_key_is_a_401(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "unauthorized", operation=CALL_AND_OPERATION[vendor][1])
    assert (await call_vendor(vendor)).status == 401


@vendors
async def test_a_login_page_comes_with_200(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "html", operation=CALL_AND_OPERATION[vendor][1])
    response = await call_vendor(vendor)
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/html")


@vendors
async def test_an_empty_body_comes_with_200(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "empty", operation=CALL_AND_OPERATION[vendor][1])
    response = await call_vendor(vendor)
    assert (response.status, response.raw) == (200, b"")


@vendors
async def test_broken_json_cannot_be_parsed(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "broken_json", operation=CALL_AND_OPERATION[vendor][1])
    response = await call_vendor(vendor)
    assert response.status == 200
    with pytest.raises(orjson.JSONDecodeError):
        _ = response.json


LIST_OF_RESPONSE = {
    "melissa": lambda body: body["Records"],
    "batchdata": lambda body: body["results"]["persons"],
    "instantly": lambda body: body["created_leads"],
}


@vendors
async def test_wrong_types_make_objects_of_lists(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "wrong_types", operation=CALL_AND_OPERATION[vendor][1])
    assert isinstance(LIST_OF_RESPONSE[vendor]((await call_vendor(vendor)).json), dict)


@vendors
async def test_duplicates_repeat_the_first_entry(client: Any, call_vendor: Any, vendor: str) -> None:
    await client.add_fault(vendor, "duplicates", operation=CALL_AND_OPERATION[vendor][1])
    entries = LIST_OF_RESPONSE[vendor]((await call_vendor(vendor)).json)
    assert entries[0] == entries[-1]
    assert len(entries) == len({str(entry) for entry in entries}) + 1
