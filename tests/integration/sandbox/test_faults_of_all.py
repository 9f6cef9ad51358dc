"""Every fault that can hit any vendor, on one paid or effective call of each."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from sandbox.faults import GENERAL

Call = Callable[[Any, str], Awaitable[Any]]


async def verify(call: Any, _campaign: str) -> Any:
    return await call.verify(
        *({"RecordID": f"ld_{n}", "AddressLine1": f"{n} Elm St", "PostalCode": "34698"} for n in (1, 2))
    )


async def trace(call: Any, _campaign: str) -> Any:
    places = ({"street": f"{number} Elm St", "city": "Dunedin", "state": "FL", "zip": "34698"} for number in (1, 2, 3))
    return await call.trace(*({"requestId": f"ld_{n}", "propertyAddress": place} for n, place in enumerate(places)))


async def add(call: Any, campaign: str) -> Any:
    return await call.add(campaign, "a@example.com", "b@example.com")


VENDORS = {"melissa": (verify, "verify"), "batchdata": (trace, "skip_trace"), "instantly": (add, "add_leads")}
BEFORE = ("timeout", "reset", "server_error", "rate_limited", "unauthorized", "html")
AFTER = ("slow", "lost_answer", "error_after_effect", "empty", "broken_json", "wrong_types", "duplicates")
vendors = pytest.mark.parametrize("vendor", VENDORS)


def test_every_general_fault_is_tested() -> None:
    assert {*BEFORE, *AFTER} == GENERAL.keys()


@pytest.fixture
async def ask(call: Any) -> Callable[[str], Awaitable[Any]]:
    """`await ask("melissa")`: the vendor's call that costs money."""
    campaign = await call.campaign()

    async def ask_vendor(vendor: str) -> Any:
        return await VENDORS[vendor][0](call, campaign)

    return ask_vendor


@vendors
@pytest.mark.parametrize("kind", BEFORE)
async def test_faults_before_the_effect_cost_nothing(call: Any, ask: Any, vendor: str, kind: str) -> None:
    await call.fault(vendor, kind, operation=VENDORS[vendor][1])
    with suppress(aiohttp.ClientError):
        await ask(vendor)
    assert (await call.paid(vendor))["records"] == 0


@vendors
@pytest.mark.parametrize("kind", AFTER)
async def test_faults_after_the_effect_are_paid_for(call: Any, ask: Any, vendor: str, kind: str) -> None:
    await call.fault(vendor, kind, operation=VENDORS[vendor][1])
    with suppress(aiohttp.ClientError):
        await ask(vendor)
    assert (await call.paid(vendor))["records"] > 0


@vendors
@pytest.mark.parametrize("kind", ["timeout", "reset", "lost_answer"])
async def test_a_connection_closes_without_an_answer(call: Any, ask: Any, vendor: str, kind: str) -> None:
    await call.fault(vendor, kind, operation=VENDORS[vendor][1])
    with pytest.raises(aiohttp.ClientError):
        await ask(vendor)
    operations = (await call.control("GET", f"calls/{vendor}"))["operations"]
    assert operations[VENDORS[vendor][1]] == {"dropped": 1}


@vendors
async def test_a_slow_answer_is_right_but_late(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "slow", operation=VENDORS[vendor][1], seconds=0.3)
    began = asyncio.get_running_loop().time()
    assert (await ask(vendor)).status == 200
    assert asyncio.get_running_loop().time() - began >= 0.3


@vendors
async def test_who_does_not_wait_for_a_slow_answer_has_its_effect_all_the_same(
    call: Any, ask: Any, vendor: str
) -> None:
    await call.fault(vendor, "slow", operation=VENDORS[vendor][1], seconds=0.4)
    with suppress(TimeoutError):
        await asyncio.wait_for(ask(vendor), 0.1)
    assert (await call.paid(vendor))["records"] == 0
    await asyncio.sleep(0.6)
    assert (await call.paid(vendor))["records"] > 0


@vendors
async def test_a_timeout_lasts_as_long_as_it_is_told(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "timeout", operation=VENDORS[vendor][1], seconds=0.3)
    began = asyncio.get_running_loop().time()
    with pytest.raises(aiohttp.ClientError):
        await ask(vendor)
    assert asyncio.get_running_loop().time() - began >= 0.3


@vendors
async def test_a_server_error_has_the_status_that_is_asked_for(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "server_error", operation=VENDORS[vendor][1], status=500)
    assert (await ask(vendor)).status == 500


@vendors
async def test_an_error_after_the_effect_comes_from_a_proxy(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "error_after_effect", operation=VENDORS[vendor][1], status=502)
    reply = await ask(vendor)
    assert (reply.status, reply.headers["Content-Type"]) == (502, "text/html")


@vendors
async def test_a_rate_limit_names_no_time_unless_told(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "rate_limited", operation=VENDORS[vendor][1], times=1)
    await call.fault(vendor, "rate_limited", operation=VENDORS[vendor][1], retry_after=7)
    first, second = await ask(vendor), await ask(vendor)
    assert (first.status, first.headers.get("Retry-After")) == (429, None)
    assert (second.status, second.headers.get("Retry-After")) == (429, "7")


@vendors
async def test_a_revoked_key_is_a_401(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "unauthorized", operation=VENDORS[vendor][1])
    assert (await ask(vendor)).status == 401


@vendors
async def test_a_login_page_comes_with_200(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "html", operation=VENDORS[vendor][1])
    reply = await ask(vendor)
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")


@vendors
async def test_an_empty_body_comes_with_200(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "empty", operation=VENDORS[vendor][1])
    reply = await ask(vendor)
    assert (reply.status, reply.raw) == (200, b"")


@vendors
async def test_broken_json_is_no_json(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "broken_json", operation=VENDORS[vendor][1])
    reply = await ask(vendor)
    assert reply.status == 200
    with pytest.raises(orjson.JSONDecodeError):
        _ = reply.json


LISTS = {
    "melissa": lambda body: body["Records"],
    "batchdata": lambda body: body["results"]["persons"],
    "instantly": lambda body: body["created_leads"],
}


@vendors
async def test_wrong_types_make_objects_of_lists(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "wrong_types", operation=VENDORS[vendor][1])
    assert isinstance(LISTS[vendor]((await ask(vendor)).json), dict)


@vendors
async def test_duplicates_repeat_the_first_entry(call: Any, ask: Any, vendor: str) -> None:
    await call.fault(vendor, "duplicates", operation=VENDORS[vendor][1])
    entries = LISTS[vendor]((await ask(vendor)).json)
    assert entries[0] == entries[-1]
    assert len(entries) == len({str(entry) for entry in entries}) + 1
