"""Processes that are frozen during their work and continue after another replica has done it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest

from feeder.campaign_sync.claims import MembershipClaims
from feeder.daily_feed.feed import DailyFeed
from feeder.settings import FeederSettings
from feeder.vendors.instantly import InstantlyClient
from support.feeding import Feeder, FeedFixture
from support.instantly import FakeWorkspace

TUESDAY = date(2026, 11, 17)
MARJORIE = "marjorie@example.com"
AFTER_THE_CLAIM = {"seconds": 150}
"""Longer than a claim, and than the time in which an add without a response may still arrive."""


@pytest.fixture
async def other(settings: FeederSettings, feed_data: FeedFixture) -> AsyncIterator[Feeder]:
    async with Feeder(settings, feed_data.clock) as feeder:
        yield feeder


@asynccontextmanager
async def frozen(
    feeder: Feeder, monkeypatch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool, job: str = "reconcile"
) -> AsyncIterator[None]:
    """Run *job* and freeze it before or after a call of *method* while the block runs; then let it continue."""
    is_frozen, may_continue = asyncio.Event(), asyncio.Event()
    original: Callable[..., Awaitable[Any]] = getattr(owner, method)

    async def freeze(self: Any, *arguments: Any) -> Any:
        result = await original(self, *arguments) if after else None
        if not is_frozen.is_set():
            is_frozen.set()
            await may_continue.wait()
        return result if after else await original(self, *arguments)

    monkeypatch.setattr(owner, method, freeze)
    running = asyncio.create_task(feeder.run_jobs(job))
    await asyncio.wait_for(is_frozen.wait(), 10)
    try:
        yield
    finally:
        may_continue.set()
        await running


async def feed_one_lead(feed_data: FeedFixture, feeder: Feeder) -> None:
    await feed_data.add_leads(await feed_data.add_broker(), 1, emails=[MARJORIE])
    await feeder.run_jobs("feed")


async def list_memberships(feed_data: FeedFixture) -> list[Any]:
    return await feed_data.select_column("select desired || ' ' || actual from app.vendor_memberships")


async def reconcile_after_the_claim(feed_data: FeedFixture, other: Feeder) -> None:
    """Let *other* find the expired claim, look the members up and reconcile."""
    feed_data.clock.advance(**AFTER_THE_CLAIM)
    await other.run_jobs("reconcile")


async def test_a_member_that_another_replica_added_stays_known_after_a_late_add_is_refused(
    feed_data: FeedFixture, feeder: Feeder, other: Feeder, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed_one_lead(feed_data, feeder)
    async with frozen(feeder, monkeypatch, InstantlyClient, "add_members", after=False):
        await reconcile_after_the_claim(feed_data, other)
        assert await list_memberships(feed_data) == ["in in"]
        workspace.add_statuses = [429]
    assert await list_memberships(feed_data) == ["in in"]
    assert workspace.list_emails("A") == [MARJORIE]


async def test_a_member_that_another_replica_added_stays_known_after_an_outdated_lookup(
    feed_data: FeedFixture, feeder: Feeder, other: Feeder, workspace: FakeWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feed_one_lead(feed_data, feeder)
    workspace.add_statuses = [500]
    await feeder.run_jobs("reconcile")
    feed_data.clock.advance(**AFTER_THE_CLAIM)
    await feed_data.end_backoff()
    async with frozen(feeder, monkeypatch, InstantlyClient, "find_members", after=True):
        await reconcile_after_the_claim(feed_data, other)
        assert await list_memberships(feed_data) == ["in in"]
    assert await list_memberships(feed_data) == ["in in"]
    await feed_data.suppress_email(MARJORIE)
    await other.run_jobs("audit_members", "reconcile")
    assert workspace.list_emails("A") == []


@pytest.mark.parametrize("taken_over", [True, False])
async def test_no_lead_is_added_after_its_claim_has_expired(
    feed_data: FeedFixture,
    feeder: Feeder,
    other: Feeder,
    workspace: FakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    taken_over: bool,
) -> None:
    """The lead opts out meanwhile, whether another replica takes the claim over or not."""
    await feed_one_lead(feed_data, feeder)
    async with frozen(feeder, monkeypatch, MembershipClaims, "claim_adds", after=True):
        await feed_data.suppress_email(MARJORIE)
        feed_data.clock.advance(**AFTER_THE_CLAIM)
        if taken_over:
            await other.run_jobs("reconcile")
    assert not workspace.add_counts
    await reconcile_after_the_claim(feed_data, other)
    assert not workspace.add_counts
    assert await feed_data.select_column("select actual from app.vendor_memberships") == ["out"]


@pytest.mark.parametrize(
    ("method", "after", "expected_campaigns"), [("list_campaigns", True, 1), ("create_campaign", False, 2)]
)
async def test_a_campaign_that_another_replica_created_is_not_created_again_or_stays_the_stored_one(
    feed_data: FeedFixture,
    feeder: Feeder,
    other: Feeder,
    workspace: FakeWorkspace,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    after: bool,
    expected_campaigns: int,
) -> None:
    await feed_data.add_broker()
    workspace.campaigns.clear()
    await feed_data.db.execute(
        """update app.campaigns set vendor_campaign_id = null, synced_version = 0,
          settings = '{"from": "09:00", "to": "17:00", "timezone": "America/Detroit"}',
          sequence = '[{"day": 1, "subject": "s", "body": "b"}]'"""
    )
    async with frozen(feeder, monkeypatch, InstantlyClient, method, after=after, job="sync_campaigns"):
        feed_data.clock.advance(minutes=11)
        await other.run_jobs("sync_campaigns")
        [created] = await feed_data.select_column("select vendor_campaign_id from app.campaigns")
    assert await feed_data.select_column("select vendor_campaign_id from app.campaigns") == [created]
    assert [one["id"] for one in workspace.campaigns.values() if one["status"] == 1] == [created]
    assert len(workspace.campaigns) == expected_campaigns


async def test_a_feed_that_was_frozen_over_midnight_reserves_no_slots_of_the_day_before(
    feed_data: FeedFixture, feeder: Feeder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No lead is added on such slots, and leads with one would wait for the next morning."""
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1)
    async with frozen(feeder, monkeypatch, DailyFeed, "feed_broker", after=False, job="feed"):
        feed_data.clock.advance(days=1)
    assert await feed_data.count_slots(broker) == {}
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker, TUESDAY) == {"reserved": 1}
