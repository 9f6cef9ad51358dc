"""Metrics of requests and webhooks: never by path, which holds ids, nor by a method or type that a sender invents."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import uuid4

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.installation import Spawned

NAME = "http_server_request_duration_seconds"


@pytest.fixture
async def gateway(spawn: Callable[..., Awaitable[Spawned]]) -> Spawned:
    return await spawn("gateway")


async def count_measured(gateway: Spawned, session: aiohttp.ClientSession) -> dict[tuple[str, str, str], int]:
    """Return the number of measured requests by method, route and status."""
    async with session.get(f"{gateway.health}/metrics") as answer:
        families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
    return {
        tuple(sample.labels[f"http_{name}"] for name in ("request_method", "route", "response_status_code")): int(sample.value)  # type: ignore[misc]
        for sample in families[NAME].samples
        if sample.name == f"{NAME}_count"
    }  # fmt: skip


async def test_each_request_is_measured_under_its_route(gateway: Spawned, session: aiohttp.ClientSession) -> None:
    for _ in range(3):
        await session.get(f"{gateway.gateway}/v1/uploads/{uuid4()}")
    await session.get(f"{gateway.gateway}/v1/uploads/{uuid4()}/rejects.csv")
    await session.get(f"{gateway.gateway}/openapi.json")
    await session.post(f"{gateway.gateway}/v1/webhooks/{uuid4()}", data=b"{}")
    assert await count_measured(gateway, session) == {
        ("GET", "/v1/uploads/{upload_id}", "400"): 3,
        ("GET", "/v1/uploads/{upload_id}/rejects.csv", "400"): 1,
        ("GET", "/openapi.json", "200"): 1,
        ("POST", "/v1/webhooks/{vendor}", "404"): 1,
    }


async def test_invented_paths_and_methods_share_one_series(gateway: Spawned, session: aiohttp.ClientSession) -> None:
    for _ in range(4):
        await session.get(f"{gateway.gateway}/{uuid4()}")
        await session.request("PROPFIND", f"{gateway.gateway}/openapi.json")
    assert await count_measured(gateway, session) == {("GET", "unknown", "404"): 4, ("_OTHER", "unknown", "405"): 4}


async def test_the_buckets_distinguish_fast_and_slow_responses(
    gateway: Spawned, session: aiohttp.ClientSession
) -> None:
    await session.get(f"{gateway.gateway}/openapi.json")
    async with session.get(f"{gateway.health}/metrics") as answer:
        text = await answer.text()
    buckets = [line for line in text.splitlines() if line.startswith(f"{NAME}_bucket")]
    assert {float(line.split('le="')[1].split('"')[0]) for line in buckets} >= {0.005, 0.1, 1, 10}


async def test_webhooks_are_counted_by_vendor_type_and_outcome(
    spawn: Callable[..., Awaitable[Spawned]], session: aiohttp.ClientSession
) -> None:
    gateway = await spawn("gateway", INSTANTLY_WEBHOOK_SECRETS="webhook-secret")
    sent_at = datetime.now(UTC).isoformat()
    for event_type, text in (("reply_received", "one"), ("reply_received", "two"), ("Hot lead!", "one")):
        for secret in ("webhook-secret", "another"):
            message = {"event_type": event_type, "timestamp": sent_at, "text": text}
            headers = {"X-EC-Webhook-Secret": secret}
            await session.post(f"{gateway.gateway}/v1/webhooks/instantly", json=message, headers=headers)
    async with session.get(f"{gateway.health}/metrics") as answer:
        families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
    counted = {
        (sample.labels["vendor"], sample.labels["type"], sample.labels["outcome"]): int(sample.value)
        for sample in families["equity_webhooks"].samples
        if sample.name == "equity_webhooks_total"
    }
    assert counted == {
        ("instantly", "reply_received", "received"): 1,
        ("instantly", "reply_received", "conflict"): 1,
        ("instantly", "other", "received"): 1,
        ("instantly", "unknown", "refused"): 3,
    }
