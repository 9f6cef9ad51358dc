"""No household is fed twice, neither through two leads of one home nor through one address on several leads."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from feeder.app import build
from feeder.settings import FeederSettings
from support.commandline import Equity
from support.feeding import MONDAY, Feeder, FeedFixture, clock_at
from support.installation import SECRETS
from support.instantly import FakeWorkspace


@pytest.fixture
def equity(feed_data: FeedFixture, tmp_path: Path) -> Equity:
    environment = {"DATABASE_DIRECT_URL": feed_data.database.superuser_dsn, "CLOCK_FILE": clock_at(MONDAY, tmp_path)}
    return Equity(environment | SECRETS)


async def set_ages(feed_data: FeedFixture, *oldest_first: UUID) -> None:
    for days, lead in enumerate(reversed(oldest_first), 1):
        at = MONDAY - timedelta(days=days)
        await feed_data.db.execute("update app.leads set created_at = $2 where id = $1", lead, at)


async def read_skip_reasons(feed_data: FeedFixture) -> dict[UUID, str]:
    rows = await feed_data.db.fetch("select lead_id, reason from app.feed_skips")
    return {row["lead_id"]: row["reason"] for row in rows}


@pytest.mark.parametrize("column", ["mak", "addr_hash"])
@pytest.mark.parametrize("recorded_of_the_younger", [True, False])
async def test_of_two_leads_of_one_home_the_older_is_fed_and_the_younger_skipped(
    feed_data: FeedFixture, feeder: Feeder, column: str, recorded_of_the_younger: bool
) -> None:
    broker, other = await feed_data.add_broker(), await feed_data.add_broker()
    [younger], [older] = await feed_data.add_leads(broker, 1), await feed_data.add_leads(other, 1)
    await set_ages(feed_data, older, younger)
    pair = (younger, older) if recorded_of_the_younger else (older, younger)
    await feed_data.add_conflict(*pair, column)
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [older]
    assert await read_skip_reasons(feed_data) == {younger: "duplicate_household"}
    asked = "select reason from pipeline.contact_decisions where lead_id = $1"
    assert await feed_data.select_column(asked, younger) == ["duplicate"]


async def test_a_parcel_that_two_leads_share_is_no_household(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker()
    first, second = await feed_data.add_leads(broker, 2)
    await feed_data.add_conflict(first, second, "apn_key")
    await feeder.run_jobs("feed")
    assert set(await feed_data.select_column("select lead_id from app.feed_slots")) == {first, second}


@pytest.mark.parametrize(
    "contacted",
    [
        "update app.leads set campaign_status = 'replied' where id = $1",
        "update app.leads set campaign_status = 'converted' where id = $1",
        "update app.leads set campaign_status = 'unsubscribed' where id = $1",
        "update app.leads set campaign_status = 'paused', added_to_campaign_at = now() where id = $1",
        "update app.leads set campaign_status = 'bounced', last_reply_at = now() where id = $1",
        "update app.leads set campaign_status = 'new', call_attempt_count = 1 where id = $1",
    ],
)
async def test_the_older_lead_is_skipped_if_the_younger_was_contacted(
    feed_data: FeedFixture, feeder: Feeder, contacted: str
) -> None:
    broker = await feed_data.add_broker()
    older, younger = await feed_data.add_leads(broker, 2)
    await set_ages(feed_data, older, younger)
    await feed_data.add_conflict(younger, older)
    await feed_data.db.execute(contacted, younger)
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker) == {}
    assert await read_skip_reasons(feed_data) == {older: "duplicate_household"}


async def test_the_older_lead_is_skipped_if_the_younger_was_fed_before_the_conflict_was_known(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=1)
    younger, older = await feed_data.add_leads(broker, 2)
    await set_ages(feed_data, older, younger)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.add_conflict(younger, older)
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [younger]
    assert await read_skip_reasons(feed_data) == {older: "duplicate_household"}


async def test_neither_lead_is_fed_while_their_conflict_is_being_recorded(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker()
    older, younger = await feed_data.add_leads(broker, 2)
    await set_ages(feed_data, older, younger)
    async with feed_data.db.transaction():
        await feed_data.add_conflict(younger, older)
        await feeder.run_jobs("feed")
        assert await feed_data.select_column("select count(*) from app.feed_slots") == [0]
    await feeder.run_jobs("top_up")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [older]


async def test_preview_shows_the_household_until_its_conflict_is_resolved(
    feed_data: FeedFixture, feeder: Feeder, equity: Equity
) -> None:
    broker = await feed_data.add_broker()
    older, younger = await feed_data.add_leads(broker, 2)
    await set_ages(feed_data, older, younger)
    conflict = await feed_data.add_conflict(younger, older)
    expected = [(str(older), "fed", ""), (str(younger), "skipped", "duplicate_household")]
    for _ in range(2):  # before the feed and after it
        seen = (await equity.soon("feed", "preview", broker, "--json")).ok().json
        assert [(lead["lead_id"], lead["outcome"], lead["reason"]) for lead in seen["leads"]] == expected
        await feeder.run_jobs("feed")
        expected = expected[1:]
    (await equity.soon("conflicts", "resolve", conflict, "dismiss", "--note", "two homes")).ok()
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed")
    assert set(await feed_data.select_column("select lead_id from app.feed_slots")) == {older, younger}


async def test_one_address_of_two_brokers_leads_is_fed_once_at_the_same_moment(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    for _ in range(2):
        broker = await feed_data.add_broker()
        await feed_data.add_leads(broker, 20, emails=[f"shared{number}@example.com" for number in range(20)])
    replicas = [build(settings, feed_data.clock) for _ in range(3)]
    for replica in replicas:
        await replica.database.start()
    await asyncio.gather(*(replica.jobs.run_job("feeder.top_up") for replica in replicas))
    for replica in replicas:
        await replica.database.stop()
    fed_addresses = "select count(*), count(distinct value_hash) from app.vendor_memberships where desired = 'in'"
    assert [tuple(row) for row in await feed_data.db.fetch(fed_addresses)] == [(20, 20)]


async def test_an_address_that_left_a_campaign_is_not_fed_through_another_lead(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=1)
    first, second = await feed_data.add_leads(broker, 2, emails=["rich@example.com"] * 2)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute("update app.leads set campaign_status = 'paused' where id = $1", first)
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert (workspace.members, await read_skip_reasons(feed_data)) == ({}, {second: "duplicate"})
