"""Changes between feed and add, and after: leads, brokers, campaigns and suppressions change during a feed."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from feeder.daily_feed.preview import preview_feed
from feeder.settings import FeederSettings
from support.feeding import Feeder, FeedFixture
from support.instantly import FakeWorkspace, build_cursor

TODAY, TOMORROW = date(2026, 11, 16), date(2026, 11, 17)


@pytest.mark.parametrize(
    "change",
    [
        "update app.leads set deceased_owner = true where id = $1",
        "update app.leads set litigator = true where id = $1",
        "update app.leads set campaign_status = 'paused', paused_from = 'active' where id = $1",
        "update app.lead_contacts set verified = false where lead_id = $1",
        "update app.lead_contacts set litigator = true where lead_id = $1",
        "delete from app.lead_contacts where lead_id = $1",
    ],
)
async def test_a_lead_that_became_ineligible_after_the_feed_is_not_added(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, change: str
) -> None:
    broker = await feed_data.add_broker(limit=1)
    [lead] = await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed")
    await feed_data.db.execute(change, lead)
    await feeder.run_jobs("reconcile")
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert workspace.members == {}
    assert await feed_data.select_column("select count(*) from app.leads where campaign_status = 'active'") == [0]


async def test_a_lead_that_changes_its_broker_is_fed_once_by_the_new_one(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    first, second = await feed_data.add_broker(campaigns=("A",)), await feed_data.add_broker(campaigns=("B",))
    [lead] = await feed_data.add_leads(first, 1)
    await feeder.run_jobs("feed")
    await feed_data.db.execute("update app.leads set assigned_broker_id = $2 where id = $1", lead, second)
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}, "not in the name of the first broker"
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert [member["campaign"] for member in workspace.members.values()] == ["B"]
    assert (await feed_data.count_slots(first), await feed_data.count_slots(second, TOMORROW)) == ({}, {"added": 1})


@pytest.mark.parametrize("change", ["active = false", "daily_limit = 0"])
async def test_a_disabled_broker_gets_no_more_leads_and_no_lead_is_lost(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, change: str
) -> None:
    broker = await feed_data.add_broker(limit=3)
    await feed_data.add_leads(broker, 3)
    await feeder.run_jobs("feed")
    await feed_data.db.execute(f"update app.brokers set {change}")
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert await feed_data.count_slots(broker) == {"returned": 3}
    await feed_data.db.execute("update app.brokers set active = true, daily_limit = 2")
    await feeder.run_jobs("top_up", "reconcile")
    assert len(workspace.members) == 2
    assert await feed_data.count_slots(broker, TOMORROW) == {"added": 2}


async def test_a_limit_below_the_used_slots_returns_none_and_reserves_none(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=4)
    await feed_data.add_leads(broker, 9)
    await feeder.run_jobs("feed")
    await feed_data.db.execute("update app.brokers set daily_limit = 2")
    await feeder.run_jobs("top_up", "reconcile", "top_up")
    assert await feed_data.count_slots(broker) == {"added": 4}


async def test_a_campaign_that_is_retired_during_a_feed_blocks_no_slot_for_ever(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=8, campaigns=("A", "B"))
    await feed_data.add_leads(broker, 8)
    await feeder.run_jobs("feed")
    await feed_data.db.execute("update app.campaigns set active = false where vendor_campaign_id = 'A'")
    await feeder.run_jobs("reconcile")
    assert workspace.list_emails("A") == []
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert len(workspace.list_emails("B")) == 8
    assert set(workspace.add_counts.values()) == {1}


async def test_a_lead_that_was_paused_in_its_campaign_gets_no_second_first_email(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=1)
    [lead] = await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed", "reconcile")
    stamped = await feed_data.select_column("select added_to_campaign_at from app.leads")
    await feed_data.db.execute(
        "update app.leads set campaign_status = 'paused', paused_from = 'active' where id = $1", lead
    )
    await feeder.run_jobs("reconcile")
    await feed_data.db.execute(
        "update app.leads set campaign_status = 'active', paused_from = null where id = $1", lead
    )
    for _ in range(2):
        feed_data.clock.advance(days=1)
        await feeder.run_jobs("refresh", "feed", "reconcile", "audit_members", "reconcile")
    assert (workspace.members, set(workspace.add_counts.values())) == ({}, {1})
    assert await feed_data.select_column("select added_to_campaign_at from app.leads") == stamped
    assert await feed_data.count_slots(broker) == {"added": 1}


async def erase(feed_data: FeedFixture, lead: UUID) -> None:
    """Erase *lead* as erasure does: destroy its key and with it every detail, and stop the lead for good."""
    await feed_data.db.execute(
        "update app.leads set data_key = null, campaign_status = 'do_not_contact' where id = $1", lead
    )
    await feed_data.db.execute("delete from app.lead_contacts where lead_id = $1", lead)


async def test_an_erased_lead_is_removed_although_its_address_is_unknown(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    member, _ = await feed_data.add_leads(broker, 2)
    await feeder.run_jobs("feed", "reconcile")
    await erase(feed_data, member)
    await feeder.run_jobs("reconcile")
    assert [one["payload"]["lead_id"] != str(member) for one in workspace.members.values()] == [True]


async def test_an_audit_removes_an_erased_lead_whose_add_had_no_response(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1)
    workspace.fails_after_add = True
    await feeder.run_jobs("feed", "reconcile")
    await erase(feed_data, lead)
    for _ in range(4):
        feed_data.clock.advance(minutes=1)
        await feed_data.end_backoff()
        await feeder.run_jobs("reconcile")
    assert len(workspace.members) == 1, "its address is unknown, so it cannot be looked up"
    await feeder.run_jobs("audit_members", "reconcile")
    assert workspace.members == {}


async def test_an_audit_removes_a_member_whose_lead_is_deleted(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute("delete from app.leads")
    await feeder.run_jobs("audit_members")
    assert workspace.members == {}


async def test_an_audit_continues_where_it_stopped_and_one_replica_audits_at_a_time(
    feed_data: FeedFixture, workspace: FakeWorkspace, settings: FeederSettings
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    await feed_data.add_leads(broker, 250)
    async with Feeder(settings, feed_data.clock) as first, Feeder(settings, feed_data.clock) as second:
        await first.run_jobs("feed", "reconcile")
        gone = sorted(workspace.members)[150]
        del workspace.members[gone]
        pages = iter([None, b"<html>"])
        workspace.corrupt_list = lambda body: next(pages, None) or body
        feed_data.clock.advance(hours=1)
        await first.run_jobs("audit_members")
        [kept] = await feed_data.select_column("select audit_cursor from app.campaigns where audit_cursor is not null")
        assert kept == build_cursor(sorted([*workspace.members, gone])[99])
        calls = workspace.calls["POST /leads/list"]
        await feed_data.end_backoff()
        feed_data.clock.advance(minutes=30)
        await asyncio.gather(first.run_jobs("audit_members"), second.run_jobs("audit_members"))
        assert workspace.calls["POST /leads/list"] - calls == 3, "the remaining pages and the empty one, once"
        assert await feed_data.select_column(
            "select vendor_lead_id from app.vendor_memberships where actual = 'unknown'"
        ) == [gone]


async def test_a_repeated_cursor_ends_the_audit(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A", "B"))
    await feed_data.add_leads(broker, 10)
    await feeder.run_jobs("feed", "reconcile")
    workspace.corrupt_list = lambda body: body | {"next_starting_after": "00000000-0000-0000-0000-000000000000"}
    before = workspace.calls["POST /leads/list"]
    async with asyncio.timeout(20):
        await feeder.run_jobs("audit_members")
    assert workspace.calls["POST /leads/list"] - before <= 4
    assert await feed_data.select_column("select distinct actual from app.vendor_memberships") == ["in"]


async def test_no_campaign_is_created_while_the_list_of_campaigns_never_ends(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.db.execute("insert into app.campaigns (broker_id, name) values ($1, 'new')", broker)
    known = dict(workspace.campaigns)
    endless = {"items": [{"id": "A", "name": "A"}], "next_starting_after": "A"}
    workspace.corrupt_campaigns = lambda _: endless
    async with asyncio.timeout(20):
        await feeder.run_jobs("sync_campaigns")
    assert workspace.campaigns == known


@pytest.mark.parametrize(
    ("now", "feeds"),
    [
        (
            datetime(2026, 7, 3, 13, 0, tzinfo=UTC),
            False,
        ),  # Independence Day falls on a Saturday: observed on the Friday
        (datetime(2027, 12, 24, 14, 0, tzinfo=UTC), False),  # Christmas on a Saturday
        (datetime(2026, 3, 8, 13, 0, tzinfo=UTC), False),  # the Sunday on which clocks go forward
        (datetime(2026, 11, 1, 14, 0, tzinfo=UTC), False),  # the Sunday on which they go back
        (datetime(2026, 3, 9, 12, 59, tzinfo=UTC), False),  # 05:59 PDT, which was 04:59 the week before
        (datetime(2026, 3, 9, 13, 0, tzinfo=UTC), True),
        (datetime(2026, 11, 2, 13, 59, tzinfo=UTC), False),  # 05:59 PST
        (datetime(2026, 11, 2, 14, 0, tzinfo=UTC), True),
    ],
)
async def test_the_top_up_keeps_local_hours_and_holidays(
    feed_data: FeedFixture, feeder: Feeder, now: datetime, feeds: bool
) -> None:
    feed_data.clock.now = now
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 2)
    await feeder.run_jobs("top_up")
    assert await feed_data.count_slots(broker) == ({"reserved": 1} if feeds else {})


async def test_a_clock_that_is_set_back_during_a_feed_feeds_no_lead_twice(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=4)
    await feed_data.add_leads(broker, 9)
    feed_data.clock.advance(hours=1.5)
    await feeder.run_jobs("feed", "reconcile")
    feed_data.clock.advance(hours=-1)
    await feeder.run_jobs("feed", "reconcile", "top_up", "audit_members", "reconcile")
    assert await feed_data.count_slots(broker, TODAY) == {"added": 4}
    assert set(workspace.add_counts.values()) == {1}


async def test_a_preview_locks_no_lead_of_a_feed_at_the_same_moment(feed_data: FeedFixture, feeder: Feeder) -> None:
    from common.bus import Tx
    from feeder.daily_feed.feed import DailyFeed
    from feeder.daily_feed.feed_chunk import EarlierChunks

    broker = await feed_data.add_broker(limit=2)
    leads = await feed_data.add_leads(broker, 4)
    feed = DailyFeed(feeder.service.bus, settings_of(feeder), feed_data.clock)
    async with feeder.service.database.transaction() as connection:
        chunk = await feed.preview_chunk(Tx(connection, "feeder"), broker_id=broker, day=TODAY, earlier=EarlierChunks())
        await asyncio.wait_for(feeder.run_jobs("feed"), 10)
    assert [lead.lead_id for lead in chunk.fed] == leads[:2]
    assert set(await feed_data.select_column("select lead_id from app.feed_slots")) == set(leads[:2])


@pytest.mark.parametrize(
    "change",
    ["campaign_status = 'paused', paused_from = 'queued'", "assigned_broker_id = null", "email_verified = false"],
)
async def test_the_limit_is_filled_when_the_best_leads_have_left_the_queue(
    feed_data: FeedFixture, feeder: Feeder, change: str
) -> None:
    broker = await feed_data.add_broker(limit=3)
    leads = await feed_data.add_leads(broker, 80)
    await feed_data.db.execute(f"update app.leads set {change} where id = any ($1)", leads[:70])
    await feed_data.db.execute("update app.lead_contacts set verified = false where lead_id = any ($1)", leads[:70])
    seen = await preview_feed(settings_of(feeder), broker, TODAY)
    still_queued = leads[70:] if change.startswith(("campaign", "assigned")) else leads
    assert {lead.lead_id for lead in seen.leads} <= set(still_queued)
    await feeder.run_jobs("feed")
    fed = await feed_data.select_column("select lead_id from app.feed_slots")
    assert set(fed) == set(leads[70:73]) == {lead.lead_id for lead in seen.leads if lead.outcome == "fed"}
    if still_queued != leads:
        assert await feed_data.select_column("select count(*) from app.feed_skips") == [0]


def settings_of(feeder: Feeder) -> Any:
    return feeder.service.settings
