"""The control API: faults on and off, and what was counted."""

import asyncio
import json
import math
from typing import Any

import aiohttp
import pytest

from support.vendors import melissa_record

RECORD = melissa_record(1)


async def statuses(call: Any, times: int) -> list[int]:
    return [(await call.verify(RECORD)).status for _ in range(times)]


async def test_a_fault_hits_so_many_calls_after_so_many(call: Any) -> None:
    await call.fault("melissa", "server_error", after=1, times=2)
    assert await statuses(call, 5) == [200, 503, 503, 200, 200]
    [fault] = await call.control("GET", "faults")
    assert (fault["seen"], fault["hits"]) == (5, 2)


async def test_a_rate_hits_the_same_calls_every_time(call: Any) -> None:
    await call.fault("melissa", "server_error", rate=0.3)
    first = await statuses(call, 40)
    await call.control("POST", "reset")
    await call.fault("melissa", "server_error", rate=0.3)
    assert await statuses(call, 40) == first
    assert 4 <= first.count(503) <= 20


async def test_a_fault_can_name_its_operation_and_the_text_it_wants(call: Any) -> None:
    await call.fault("melissa", "server_error", contains="9 Elm St")
    await call.fault("melissa", "server_error", operation="verify_one")
    assert (await call.verify(RECORD)).status == 200
    assert (await call.verify({**RECORD, "AddressLine1": "9 Elm St"})).status == 503


async def test_slow_adds_to_another_fault(call: Any) -> None:
    await call.fault("melissa", "slow", seconds=0.01)
    await call.fault("melissa", "server_error", times=1)
    assert await statuses(call, 2) == [503, 200]


async def test_faults_can_be_switched_off(call: Any) -> None:
    for _ in range(2):
        await call.fault("melissa", "server_error")
    await call.control("DELETE", "faults/1")
    assert await statuses(call, 1) == [503]
    await call.control("DELETE", "faults")
    assert await statuses(call, 1) == [200]
    assert (await call("DELETE", "/_sandbox/faults/1")).status == 404


@pytest.mark.parametrize(
    "fault",
    [
        {"vendor": "nobody", "kind": "slow"},
        {"vendor": "melissa", "kind": "webhook_twice"},
        {"vendor": "melissa", "kind": "slow", "operation": "add_leads"},
        {"vendor": "instantly", "kind": "partial", "operation": "get_lead"},
        {"vendor": "melissa", "kind": "slow", "rate": 2},
        {"vendor": "melissa", "kind": "slow", "rate": math.nan},
        {"vendor": "melissa", "kind": "slow", "rate": -0.5},
        {"vendor": "melissa", "kind": "slow", "seconds": math.nan},
        {"vendor": "melissa", "kind": "slow", "after": 10**18},
        {"vendor": "melissa", "kind": "rate_limited", "retry_after": "1\r\nX-Other: 2"},
        {"vendor": "melissa", "kind": "slow", "how_often": 2},
    ],
)
async def test_a_fault_that_could_never_hit_is_refused(call: Any, fault: Any) -> None:
    reply = await call("POST", "/_sandbox/faults", json.dumps(fault).encode())
    assert reply.status == 422
    assert reply.raw


async def test_every_kind_is_explained(call: Any) -> None:
    kinds = await call.control("GET", "fault-kinds")
    assert set(kinds) == {"every vendor", "melissa", "batchdata", "batchdata_mcp", "instantly"}
    assert all(text.endswith(".") for vendor in kinds.values() for text in vendor.values())


async def test_calls_are_counted_by_minute_and_outcome(call: Any) -> None:
    await call.fault("melissa", "server_error", times=1)
    await statuses(call, 3)
    calls = await call.control("GET", "calls/melissa")
    assert calls["operations"] == {"verify": {"503": 1, "200": 2}}
    assert calls["total"] == sum(calls["minutes"].values()) == 3
    assert (await call("GET", "/_sandbox/calls/nobody")).status == 404


async def test_a_reset_forgets_everything(call: Any) -> None:
    campaign = await call.campaign()
    await call.add(campaign, "a@example.com")
    await statuses(call, 1)
    await call.fault("melissa", "server_error")
    await call.control("POST", "reset")
    assert await call.control("GET", "faults") == []
    assert (await call.control("GET", "calls/melissa"))["total"] == 0
    assert (await call.paid("instantly"))["records"] == 0
    assert (await call.control("GET", "instantly"))["campaigns"] == []


async def test_a_call_that_a_reset_overtakes_has_no_effect_and_is_not_counted(call: Any) -> None:
    await call.fault("melissa", "slow", seconds=0.3)
    late = asyncio.create_task(call.verify(RECORD))
    while not (await call.control("GET", "faults"))[0]["hits"]:
        await asyncio.sleep(0.01)
    await call.control("POST", "reset")
    with pytest.raises(aiohttp.ClientError):
        await late
    assert (await call.paid("melissa"))["records"] == 0
    assert (await call.control("GET", "calls/melissa"))["operations"] == {}


async def test_an_event_with_numbers_beyond_all_bounds_is_delivered(call: Any, hooks: Any) -> None:
    await call.add(await call.campaign(), "a@example.com")
    await call.instantly("POST", "/webhooks", {"target_hook_url": hooks.url})
    event = {"event_type": "x", "email": "a@example.com", "details": {"step": 10**40}}
    assert (await call("POST", "/_sandbox/instantly/events", json.dumps(event).encode())).status == 200
    assert len(hooks.received) == 1


async def test_nothing_happens_to_somebody_unknown(call: Any) -> None:
    reply = await call("POST", "/_sandbox/instantly/events", {"event_type": "email_bounced", "email": "x@example.com"})
    assert reply.status == 404
