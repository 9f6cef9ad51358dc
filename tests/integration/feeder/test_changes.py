"""What changes between feed and add, and after: leads, brokers, campaigns and people go their own way in mid-feed."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from feeder.preview import preview
from feeder.settings import FeederSettings
from support.feeding import Feeder, Ranch
from support.instantly import Workspace, cursor

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
async def test_who_may_not_be_written_to_any_more_is_not_added(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, change: str
) -> None:
    broker = await ranch.broker(limit=1)
    [lead] = await ranch.leads(broker, 1)
    await feeder.run("feed")
    await ranch.db.execute(change, lead)
    await feeder.run("reconcile")
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert workspace.members == {}
    assert await ranch.ask("select count(*) from app.leads where campaign_status = 'active'") == [0]


async def test_a_lead_that_goes_to_another_broker_is_fed_by_that_one_and_once(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    first, second = await ranch.broker(campaigns=("A",)), await ranch.broker(campaigns=("B",))
    [lead] = await ranch.leads(first, 1)
    await feeder.run("feed")
    await ranch.db.execute("update app.leads set assigned_broker_id = $2 where id = $1", lead, second)
    await feeder.run("reconcile")
    assert workspace.members == {}, "not in the first one's name"
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert [member["campaign"] for member in workspace.members.values()] == ["B"]
    assert (await ranch.slots(first), await ranch.slots(second, TOMORROW)) == ({}, {"added": 1})


@pytest.mark.parametrize("change", ["active = false", "daily_limit = 0"])
async def test_a_broker_that_is_switched_off_gets_nobody_more_and_nobody_is_lost(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, change: str
) -> None:
    broker = await ranch.broker(limit=3)
    await ranch.leads(broker, 3)
    await feeder.run("feed")
    await ranch.db.execute(f"update app.brokers set {change}")
    await feeder.run("reconcile")
    assert workspace.members == {}
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert await ranch.slots(broker) == {"refused": 3}
    await ranch.db.execute("update app.brokers set active = true, daily_limit = 2")
    await feeder.run("top_up", "reconcile")
    assert len(workspace.members) == 2
    assert await ranch.slots(broker, TOMORROW) == {"added": 2}


async def test_a_limit_below_what_was_used_takes_nothing_back_and_adds_nothing(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=4)
    await ranch.leads(broker, 9)
    await feeder.run("feed")
    await ranch.db.execute("update app.brokers set daily_limit = 2")
    await feeder.run("top_up", "reconcile", "top_up")
    assert await ranch.slots(broker) == {"added": 4}


async def test_a_campaign_that_is_retired_in_mid_feed_eats_no_slot_for_ever(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=8, campaigns=("A", "B"))
    await ranch.leads(broker, 8)
    await feeder.run("feed")
    await ranch.db.execute("update app.campaigns set active = false where vendor_campaign_id = 'A'")
    await feeder.run("reconcile")
    assert workspace.emails("A") == []
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert len(workspace.emails("B")) == 8
    assert set(workspace.added.values()) == {1}


async def test_a_lead_that_was_paused_in_its_campaign_goes_on_without_a_second_first_email(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=1)
    [lead] = await ranch.leads(broker, 1)
    await feeder.run("feed", "reconcile")
    stamped = await ranch.ask("select added_to_campaign_at from app.leads")
    await ranch.db.execute(
        "update app.leads set campaign_status = 'paused', paused_from = 'active' where id = $1", lead
    )
    await feeder.run("reconcile")
    await ranch.db.execute("update app.leads set campaign_status = 'active', paused_from = null where id = $1", lead)
    for _ in range(2):
        ranch.clock.forward(days=1)
        await feeder.run("refresh", "feed", "reconcile", "sweep", "reconcile")
    assert (workspace.members, set(workspace.added.values())) == ({}, {1})
    assert await ranch.ask("select added_to_campaign_at from app.leads") == stamped
    assert await ranch.slots(broker) == {"added": 1}


async def erase(ranch: Ranch, lead: UUID) -> None:
    """What erasure does: the key is destroyed and with it every detail; the lead is left alone for good."""
    await ranch.db.execute(
        "update app.leads set data_key = null, campaign_status = 'do_not_contact' where id = $1", lead
    )
    await ranch.db.execute("delete from app.lead_contacts where lead_id = $1", lead)


async def test_an_erased_lead_is_taken_out_though_nobody_knows_its_address(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    member, _ = await ranch.leads(broker, 2)
    await feeder.run("feed", "reconcile")
    await erase(ranch, member)
    await feeder.run("reconcile")
    assert [one["payload"]["lead_id"] != str(member) for one in workspace.members.values()] == [True]


async def test_the_same_where_the_add_was_never_answered(ranch: Ranch, feeder: Feeder, workspace: Workspace) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1)
    workspace.mute_after_add = True
    await feeder.run("feed", "reconcile")
    await erase(ranch, lead)
    for _ in range(4):
        ranch.clock.forward(minutes=1)
        await ranch.end_pause()
        await feeder.run("reconcile")
    assert len(workspace.members) == 1, "by its address nobody can ask"
    await feeder.run("sweep", "reconcile")
    assert workspace.members == {}


async def test_a_member_whose_lead_is_deleted_is_taken_out_by_the_sweep(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 1)
    await feeder.run("feed", "reconcile")
    await ranch.db.execute("delete from app.leads")
    await feeder.run("sweep")
    assert workspace.members == {}


async def test_a_sweep_goes_on_where_it_stopped_and_one_replica_sweeps_at_a_time(
    ranch: Ranch, workspace: Workspace, settings: FeederSettings
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    await ranch.leads(broker, 250)
    async with Feeder(settings, ranch.clock) as first, Feeder(settings, ranch.clock) as second:
        await first.run("feed", "reconcile")
        gone = sorted(workspace.members)[150]
        del workspace.members[gone]
        pages = iter([None, b"<html>"])
        workspace.spoil_list = lambda body: next(pages, None) or body
        ranch.clock.forward(hours=1)
        await first.run("sweep")
        [kept] = await ranch.ask("select sweep_cursor from app.campaigns where sweep_cursor is not null")
        assert kept == cursor(sorted([*workspace.members, gone])[99])
        calls = workspace.calls["POST /leads/list"]
        await ranch.end_pause()
        ranch.clock.forward(minutes=30)
        await asyncio.gather(first.run("sweep"), second.run("sweep"))
        assert workspace.calls["POST /leads/list"] - calls == 3, "the pages that were left and the empty one, once"
        assert await ranch.ask("select vendor_lead_id from app.vendor_memberships where actual = 'unknown'") == [gone]


async def test_a_cursor_that_leads_nowhere_ends_the_sweep(ranch: Ranch, feeder: Feeder, workspace: Workspace) -> None:
    broker = await ranch.broker(campaigns=("A", "B"))
    await ranch.leads(broker, 10)
    await feeder.run("feed", "reconcile")
    workspace.spoil_list = lambda body: body | {"next_starting_after": "00000000-0000-0000-0000-000000000000"}
    before = workspace.calls["POST /leads/list"]
    async with asyncio.timeout(20):
        await feeder.run("sweep")
    assert workspace.calls["POST /leads/list"] - before <= 4
    assert await ranch.ask("select distinct actual from app.vendor_memberships") == ["in"]


async def test_campaigns_whose_list_never_ends_are_not_made_twice(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.db.execute("insert into app.campaigns (broker_id, name) values ($1, 'new')", broker)
    known = dict(workspace.campaigns)
    endless = {"items": [{"id": "A", "name": "A"}], "next_starting_after": "A"}
    workspace.spoil_campaigns = lambda _: endless
    async with asyncio.timeout(20):
        await feeder.run("sync_campaigns")
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
    ranch: Ranch, feeder: Feeder, now: datetime, feeds: bool
) -> None:
    ranch.clock.now = now
    broker = await ranch.broker(limit=1)
    await ranch.leads(broker, 2)
    await feeder.run("top_up")
    assert await ranch.slots(broker) == ({"reserved": 1} if feeds else {})


async def test_a_clock_that_is_set_back_in_mid_feed_feeds_nobody_twice(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=4)
    await ranch.leads(broker, 9)
    ranch.clock.forward(hours=1.5)
    await feeder.run("feed", "reconcile")
    ranch.clock.forward(hours=-1)
    await feeder.run("feed", "reconcile", "top_up", "sweep", "reconcile")
    assert await ranch.slots(broker, TODAY) == {"added": 4}
    assert set(workspace.added.values()) == {1}


async def test_a_preview_keeps_no_lead_from_a_feed_at_the_same_moment(ranch: Ranch, feeder: Feeder) -> None:
    from common.bus import Tx
    from feeder.feed import Feed, Seen

    broker = await ranch.broker(limit=2)
    leads = await ranch.leads(broker, 4)
    looking = Feed(feeder.service.bus, settings_of(feeder), ranch.clock)
    async with feeder.service.database.transaction() as connection:
        chunk = await looking.look(Tx(connection, "feeder"), broker_id=broker, day=TODAY, seen=Seen())
        await asyncio.wait_for(feeder.run("feed"), 10)
    assert [lead for lead, _ in chunk.fed] == leads[:2]
    assert set(await ranch.ask("select lead_id from app.feed_slots")) == set(leads[:2])


@pytest.mark.parametrize(
    "change",
    ["campaign_status = 'paused', paused_from = 'queued'", "assigned_broker_id = null", "email_verified = false"],
)
async def test_a_list_whose_best_leads_left_the_line_still_fills_the_limit(
    ranch: Ranch, feeder: Feeder, change: str
) -> None:
    broker = await ranch.broker(limit=3)
    leads = await ranch.leads(broker, 80)
    await ranch.db.execute(f"update app.leads set {change} where id = any ($1)", leads[:70])
    await ranch.db.execute("update app.lead_contacts set verified = false where lead_id = any ($1)", leads[:70])
    seen = await preview(settings_of(feeder), broker, TODAY)
    still_in_line = leads[70:] if change.startswith(("campaign", "assigned")) else leads
    assert {lead["lead_id"] for lead in seen["leads"]} <= set(still_in_line)
    await feeder.run("feed")
    fed = await ranch.ask("select lead_id from app.feed_slots")
    assert set(fed) == set(leads[70:73]) == {lead["lead_id"] for lead in seen["leads"] if lead["outcome"] == "fed"}
    if still_in_line != leads:
        assert await ranch.ask("select count(*) from app.feed_holds") == [0]


def settings_of(feeder: Feeder) -> Any:
    return feeder.service.settings
