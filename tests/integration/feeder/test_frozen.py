"""A reconciler that stands still in the middle of its work, and goes on after another replica did it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest

from feeder.feed import Feed
from feeder.memberships import Memberships
from feeder.settings import FeederSettings
from feeder.vendors.instantly import Instantly
from support.feeding import Feeder, Ranch
from support.instantly import Workspace

TUESDAY = date(2026, 11, 17)
MARJORIE = "marjorie@example.com"
PAST_ITS_CLAIM = {"seconds": 150}
"""And longer than an add without an answer is given."""


@pytest.fixture
async def other(settings: FeederSettings, ranch: Ranch) -> AsyncIterator[Feeder]:
    async with Feeder(settings, ranch.clock) as feeder:
        yield feeder


@asynccontextmanager
async def standing(
    feeder: Feeder, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, *, behind: bool, job: str = "reconcile"
) -> AsyncIterator[None]:
    """*feeder* does *job* and stands still before or behind a call of *method* while the block runs; then it goes on."""
    stands, go = asyncio.Event(), asyncio.Event()
    original: Callable[..., Awaitable[Any]] = getattr(owner, method)

    async def stand(self: Any, *arguments: Any) -> Any:
        result = await original(self, *arguments) if behind else None
        if not stands.is_set():
            stands.set()
            await go.wait()
        return result if behind else await original(self, *arguments)

    monkeypatch.setattr(owner, method, stand)
    running = asyncio.create_task(feeder.run(job))
    await asyncio.wait_for(stands.wait(), 10)
    try:
        yield
    finally:
        go.set()
        await running


async def one_lead(ranch: Ranch, feeder: Feeder) -> None:
    await ranch.leads(await ranch.broker(), 1, emails=[MARJORIE])
    await feeder.run("feed")


async def memberships(ranch: Ranch) -> list[Any]:
    return await ranch.ask("select desired || ' ' || actual from app.vendor_memberships")


async def by_the_other(ranch: Ranch, other: Feeder) -> None:
    """The other replica finds the claim run out, asks, and does what is to be done."""
    ranch.clock.forward(**PAST_ITS_CLAIM)
    await other.run("reconcile")


async def test_who_was_added_by_another_stays_known_when_a_late_add_is_refused(
    ranch: Ranch, feeder: Feeder, other: Feeder, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_lead(ranch, feeder)
    async with standing(feeder, monkeypatch, Instantly, "add", behind=False):
        await by_the_other(ranch, other)
        assert await memberships(ranch) == ["in in"]
        workspace.answers = [429]
    assert await memberships(ranch) == ["in in"]
    assert workspace.emails("A") == [MARJORIE]


async def test_who_was_added_by_another_stays_known_when_an_old_look_did_not_find_them(
    ranch: Ranch, feeder: Feeder, other: Feeder, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await one_lead(ranch, feeder)
    workspace.answers = [500]
    await feeder.run("reconcile")
    ranch.clock.forward(**PAST_ITS_CLAIM)
    await ranch.end_pause()
    async with standing(feeder, monkeypatch, Instantly, "find", behind=True):
        await by_the_other(ranch, other)
        assert await memberships(ranch) == ["in in"]
    assert await memberships(ranch) == ["in in"]
    await ranch.suppress(MARJORIE)
    await other.run("sweep", "reconcile")
    assert workspace.emails("A") == []


@pytest.mark.parametrize("taken_over", [True, False])
async def test_nobody_is_added_after_the_claim_ran_out(
    ranch: Ranch,
    feeder: Feeder,
    other: Feeder,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    taken_over: bool,
) -> None:
    """They opted out meanwhile, whether somebody looked after them or not."""
    await one_lead(ranch, feeder)
    async with standing(feeder, monkeypatch, Memberships, "claim_adds", behind=True):
        await ranch.suppress(MARJORIE)
        ranch.clock.forward(**PAST_ITS_CLAIM)
        if taken_over:
            await other.run("reconcile")
    assert not workspace.added
    await by_the_other(ranch, other)
    assert not workspace.added
    assert await ranch.ask("select actual from app.vendor_memberships") == ["out"]


@pytest.mark.parametrize(("method", "behind", "there"), [("campaigns", True, 1), ("create_campaign", False, 2)])
async def test_a_campaign_that_another_replica_made_is_not_made_again_or_stays_the_one(
    ranch: Ranch,
    feeder: Feeder,
    other: Feeder,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    behind: bool,
    there: int,
) -> None:
    await ranch.broker()
    workspace.campaigns.clear()
    await ranch.db.execute(
        """update app.campaigns set vendor_campaign_id = null, synced_version = 0,
          settings = '{"from": "09:00", "to": "17:00", "timezone": "America/Detroit"}',
          sequence = '[{"day": 1, "subject": "s", "body": "b"}]'"""
    )
    async with standing(feeder, monkeypatch, Instantly, method, behind=behind, job="sync_campaigns"):
        ranch.clock.forward(minutes=11)
        await other.run("sync_campaigns")
        [made] = await ranch.ask("select vendor_campaign_id from app.campaigns")
    assert await ranch.ask("select vendor_campaign_id from app.campaigns") == [made]
    assert [one["id"] for one in workspace.campaigns.values() if one["status"] == 1] == [made]
    assert len(workspace.campaigns) == there


async def test_a_feed_that_stood_still_over_midnight_takes_no_slots_of_the_day_before(
    ranch: Ranch, feeder: Feeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is added on them any more, and whoever has one would wait for the next morning."""
    broker = await ranch.broker()
    await ranch.leads(broker, 1)
    async with standing(feeder, monkeypatch, Feed, "feed_broker", behind=False, job="feed"):
        ranch.clock.forward(days=1)
    assert await ranch.slots(broker) == {}
    await feeder.run("feed")
    assert await ranch.slots(broker, TUESDAY) == {"reserved": 1}
