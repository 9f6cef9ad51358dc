"""The feeder against the sandbox's Instantly, which was written apart from it: the way in, the faults, and the way out."""

import importlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from support.commandline import Equity
from support.feeding import Feeder, Ranch, settings_on
from support.installation import SECRETS
from support.instantly import Workspace

pytest.importorskip("sandbox", reason="the sandbox is not installed here")


@pytest.fixture
async def sandbox() -> AsyncIterator[Any]:
    app, settings = importlib.import_module("sandbox.app"), importlib.import_module("sandbox.settings")
    running = app.build(settings.SandboxSettings(sandbox_port=0))
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def feeder(ranch: Ranch, sandbox: Any) -> AsyncIterator[Feeder]:
    place = Workspace(url=f"{sandbox.url}/instantly")
    key = SecretStr("sandbox-instantly-key")
    async with Feeder(settings_on(ranch.database, place, instantly_api_key=key), ranch.clock) as feeder:
        yield feeder


@pytest.fixture
async def fed(ranch: Ranch, feeder: Feeder) -> list[str]:
    """Ten leads with slots, in campaigns of the shipped file."""
    broker = await ranch.broker(limit=10, campaigns=())
    environment = {"DATABASE_DIRECT_URL": ranch.database.superuser_dsn, "POSTAL_ADDRESS": "1 Test St, Tampa, FL 33602"}
    (await Equity(environment | SECRETS).soon("campaigns", "sync")).ok()
    await feeder.run("sync_campaigns")
    assert await ranch.ask("select count(*) from app.campaigns where synced_version < version") == [0]
    emails = [f"owner{number}@example.com" for number in range(10)]
    await ranch.leads(broker, 10, emails=emails)
    await feeder.run("feed")
    return emails


async def shown(sandbox: Any) -> list[str]:
    import aiohttp

    async with aiohttp.ClientSession() as client, client.get(f"{sandbox.url}/_sandbox/instantly") as answer:
        body = await answer.json()
    return sorted(email for campaign in body["campaigns"] for email in campaign["members"])


async def fault(sandbox: Any, kind: str, operation: str, **more: object) -> None:
    import aiohttp

    wanted = {"vendor": "instantly", "kind": kind, "operation": operation, **more}
    async with aiohttp.ClientSession() as client, client.post(f"{sandbox.url}/_sandbox/faults", json=wanted) as answer:
        assert answer.status == 201, await answer.text()


async def settle(ranch: Ranch, feeder: Feeder) -> None:
    for _ in range(20):
        ranch.clock.forward(seconds=30)
        await ranch.end_pause()
        await feeder.run("reconcile")


async def test_leads_go_in_and_the_suppressed_come_out(
    ranch: Ranch, feeder: Feeder, sandbox: Any, fed: list[str]
) -> None:
    await feeder.run("reconcile")
    assert await shown(sandbox) == fed
    await ranch.suppress(fed[0])
    await feeder.run("reconcile", "sweep", "reconcile")
    assert await shown(sandbox) == fed[1:]
    assert await ranch.ask("select distinct desired || actual from app.vendor_memberships order by 1") == [
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
async def test_after_a_fault_everybody_is_in_once(
    ranch: Ranch, feeder: Feeder, sandbox: Any, fed: list[str], kind: str, more: dict[str, object]
) -> None:
    await fault(sandbox, kind, "add_leads", **more)
    await settle(ranch, feeder)
    assert await shown(sandbox) == fed
    assert await ranch.ask("select distinct state from app.feed_slots") == ["added"]
    assert await feeder.events("funnel.campaign_added") == 10
