"""Control API: faults on and off, counts and events."""

import asyncio
import json
import math
from typing import Any

import aiohttp
import pytest

from support.vendors import create_melissa_record

RECORD = create_melissa_record(1)


async def fetch_statuses(client: Any, times: int) -> list[int]:
    return [(await client.verify_records(RECORD)).status for _ in range(times)]


async def test_a_fault_with_after_and_times_hits_only_those_calls(client: Any) -> None:
    await client.add_fault("melissa", "server_error", after=1, times=2)
    assert await fetch_statuses(client, 5) == [200, 503, 503, 200, 200]
    [fault] = await client.call_control_api("GET", "faults")
    assert (fault["seen"], fault["hits"]) == (5, 2)


async def test_a_rate_hits_the_same_calls_after_every_reset(client: Any) -> None:
    await client.add_fault("melissa", "server_error", rate=0.3)
    first = await fetch_statuses(client, 40)
    await client.call_control_api("POST", "reset")
    await client.add_fault("melissa", "server_error", rate=0.3)
    assert await fetch_statuses(client, 40) == first
    assert 4 <= first.count(503) <= 20


async def test_a_fault_hits_only_its_operation_and_calls_with_its_text(client: Any) -> None:
    await client.add_fault("melissa", "server_error", contains="9 Elm St")
    await client.add_fault("melissa", "server_error", operation="verify_one")
    assert (await client.verify_records(RECORD)).status == 200
    assert (await client.verify_records({**RECORD, "AddressLine1": "9 Elm St"})).status == 503


async def test_slow_adds_to_another_fault(client: Any) -> None:
    await client.add_fault("melissa", "slow", seconds=0.01)
    await client.add_fault("melissa", "server_error", times=1)
    assert await fetch_statuses(client, 2) == [503, 200]


async def test_faults_can_be_switched_off(client: Any) -> None:
    for _ in range(2):
        await client.add_fault("melissa", "server_error")
    await client.call_control_api("DELETE", "faults/1")
    assert await fetch_statuses(client, 1) == [503]
    await client.call_control_api("DELETE", "faults")
    assert await fetch_statuses(client, 1) == [200]
    assert (await client.send_request("DELETE", "/_sandbox/faults/1")).status == 404


@pytest.mark.parametrize(
    "fault",
    [
        {"vendor": "unknown", "kind": "slow"},
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
async def test_a_fault_that_could_never_hit_is_refused(client: Any, fault: Any) -> None:
    response = await client.send_request("POST", "/_sandbox/faults", json.dumps(fault).encode())
    assert response.status == 422
    assert response.raw


async def test_every_kind_of_fault_has_a_description(client: Any) -> None:
    kinds = await client.call_control_api("GET", "fault-kinds")
    assert set(kinds) == {"every vendor", "melissa", "batchdata", "batchdata_mcp", "instantly", "openrouter", "smtp"}
    assert all(text.endswith(".") for vendor in kinds.values() for text in vendor.values())


async def test_calls_are_counted_by_minute_and_outcome(client: Any) -> None:
    await client.add_fault("melissa", "server_error", times=1)
    await fetch_statuses(client, 3)
    calls = await client.call_control_api("GET", "calls/melissa")
    assert calls["operations"] == {"verify": {"503": 1, "200": 2}}
    assert calls["total"] == sum(calls["minutes"].values()) == 3
    assert (await client.send_request("GET", "/_sandbox/calls/unknown")).status == 404


async def test_a_reset_deletes_state_faults_and_counts(client: Any) -> None:
    campaign = await client.create_campaign()
    await client.add_leads(campaign, "a@example.com")
    await fetch_statuses(client, 1)
    await client.add_fault("melissa", "server_error")
    await client.call_control_api("POST", "reset")
    assert await client.call_control_api("GET", "faults") == []
    assert (await client.call_control_api("GET", "calls/melissa"))["total"] == 0
    assert (await client.fetch_charges("instantly"))["records"] == 0
    assert (await client.call_control_api("GET", "instantly"))["campaigns"] == []


async def test_a_call_that_is_open_during_a_reset_has_no_effect_and_is_not_counted(client: Any) -> None:
    await client.add_fault("melissa", "slow", seconds=0.3)
    late = asyncio.create_task(client.verify_records(RECORD))
    while not (await client.call_control_api("GET", "faults"))[0]["hits"]:
        await asyncio.sleep(0.01)
    await client.call_control_api("POST", "reset")
    with pytest.raises(aiohttp.ClientError):
        await late
    assert (await client.fetch_charges("melissa"))["records"] == 0
    assert (await client.call_control_api("GET", "calls/melissa"))["operations"] == {}


async def test_an_event_with_a_huge_number_is_delivered(client: Any, listener: Any) -> None:
    await client.add_leads(await client.create_campaign(), "a@example.com")
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "all_events"})
    event = {"event_type": "x", "email": "a@example.com", "details": {"step": 10**40}}
    assert (await client.send_request("POST", "/_sandbox/instantly/events", json.dumps(event).encode())).status == 200
    assert len(listener.received) == 1


async def test_an_event_for_an_unknown_email_is_a_404(client: Any) -> None:
    response = await client.send_request(
        "POST", "/_sandbox/instantly/events", {"event_type": "email_bounced", "email": "x@example.com"}
    )
    assert response.status == 404
