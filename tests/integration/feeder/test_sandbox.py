"""The feeder against the sandbox's Instantly, an independent implementation: adds, faults and removals."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from support.commandline import Equity
from support.feeding import Feeder, FeedFixture, make_feeder_settings, reconcile_for_minutes
from support.installation import SECRETS
from support.instantly import FakeWorkspace


@pytest.fixture
async def feeder(feed_data: FeedFixture, sandbox: Any) -> AsyncIterator[Feeder]:
    place = FakeWorkspace(url=f"{sandbox.url}/instantly")
    key = SecretStr("sandbox-instantly-key")
    async with Feeder(
        make_feeder_settings(feed_data.database, place, instantly_api_key=key), feed_data.clock
    ) as feeder:
        yield feeder


@pytest.fixture
async def fed(feed_data: FeedFixture, feeder: Feeder) -> list[str]:
    """Feed ten leads into campaigns of the shipped file; return their addresses."""
    broker = await feed_data.add_broker(limit=10, campaigns=())
    environment = {
        "DATABASE_DIRECT_URL": feed_data.database.superuser_dsn,
        "POSTAL_ADDRESS": "1 Test St, Tampa, FL 33602",
    }
    (await Equity(environment | SECRETS).soon("campaigns", "sync")).ok()
    async with asyncio.timeout(60):  # a slow machine may exceed the short time limit of a call
        await feeder.run_jobs("sync_campaigns")
        while await feed_data.select_column("select count(*) from app.campaigns where synced_version < version") != [0]:
            await asyncio.sleep(0.2)
            await feed_data.end_backoff()
            await feeder.run_jobs("sync_campaigns")
    emails = [f"owner{number}@example.com" for number in range(10)]
    await feed_data.add_leads(broker, 10, emails=emails)
    await feeder.run_jobs("feed")
    return emails


async def list_sandbox_members(sandbox: Any) -> list[str]:
    import aiohttp

    async with aiohttp.ClientSession() as client, client.get(f"{sandbox.url}/_sandbox/instantly") as answer:
        body = await answer.json()
    return sorted(email for campaign in body["campaigns"] for email in campaign["members"])


async def inject_fault(sandbox: Any, kind: str, operation: str, **more: object) -> None:
    import aiohttp

    wanted = {"vendor": "instantly", "kind": kind, "operation": operation, **more}
    async with aiohttp.ClientSession() as client, client.post(f"{sandbox.url}/_sandbox/faults", json=wanted) as answer:
        assert answer.status == 201, await answer.text()


async def test_leads_become_members_and_suppressed_ones_are_removed(
    feed_data: FeedFixture, feeder: Feeder, sandbox: Any, fed: list[str]
) -> None:
    await feeder.run_jobs("reconcile")
    assert await list_sandbox_members(sandbox) == fed
    await feed_data.suppress_email(fed[0])
    await feeder.run_jobs("reconcile", "audit_members", "reconcile")
    assert await list_sandbox_members(sandbox) == fed[1:]
    assert await feed_data.select_column(
        "select distinct desired || actual from app.vendor_memberships order by 1"
    ) == [
        "inin",
        "outout",
    ]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("rate_limited", {"times": 3}),
        ("server_error", {"times": 2}),
        ("error_after_effect", {"times": 2}),
        ("lost_answer", {"times": 2, "seconds": 1.5}),
        ("broken_json", {"times": 2}),
        ("reset", {"times": 2}),
        ("timeout", {"times": 2, "seconds": 1.5}),
        ("unauthorized", {"times": 2}),
        ("rate_limited", {"times": 2, "retry_after": 60}),
        ("html", {"times": 2}),
        ("empty", {"times": 2}),
        ("wrong_types", {"times": 2}),
        ("duplicates", {"times": 2}),
        ("server_error", {"rate": 0.5, "times": 4}),
    ],
)
async def test_all_leads_are_members_once_after_a_fault(
    feed_data: FeedFixture, feeder: Feeder, sandbox: Any, fed: list[str], kind: str, more: dict[str, object]
) -> None:
    await inject_fault(sandbox, kind, "add_leads", **more)
    await reconcile_for_minutes(feed_data, feeder, rounds=20)
    assert await list_sandbox_members(sandbox) == fed
    assert await feed_data.select_column("select distinct state from app.feed_slots") == ["added"]
    assert await feeder.count_events("funnel.campaign_added") == 10
