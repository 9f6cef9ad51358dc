"""No household is written to twice: not through two leads of one home, nor through one address on several leads."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from feeder.app import build
from feeder.settings import FeederSettings
from support.commandline import Equity
from support.feeding import MONDAY, Feeder, Ranch, clock_at
from support.installation import SECRETS
from support.instantly import Workspace


@pytest.fixture
def equity(ranch: Ranch, tmp_path: Path) -> Equity:
    environment = {"DATABASE_DIRECT_URL": ranch.database.superuser_dsn, "CLOCK_FILE": clock_at(MONDAY, tmp_path)}
    return Equity(environment | SECRETS)


async def age(ranch: Ranch, *oldest_first: UUID) -> None:
    for days, lead in enumerate(reversed(oldest_first), 1):
        at = MONDAY - timedelta(days=days)
        await ranch.db.execute("update app.leads set created_at = $2 where id = $1", lead, at)


async def reasons(ranch: Ranch) -> dict[UUID, str]:
    rows = await ranch.db.fetch("select lead_id, reason from app.feed_holds")
    return {row["lead_id"]: row["reason"] for row in rows}


@pytest.mark.parametrize("column", ["mak", "addr_hash"])
@pytest.mark.parametrize("recorded_of_the_younger", [True, False])
async def test_of_two_leads_of_one_home_the_older_is_fed_and_the_younger_held(
    ranch: Ranch, feeder: Feeder, column: str, recorded_of_the_younger: bool
) -> None:
    broker, other = await ranch.broker(), await ranch.broker()
    [younger], [older] = await ranch.leads(broker, 1), await ranch.leads(other, 1)
    await age(ranch, older, younger)
    pair = (younger, older) if recorded_of_the_younger else (older, younger)
    await ranch.conflict(*pair, column)
    await feeder.run("feed")
    assert await ranch.ask("select lead_id from app.feed_slots") == [older]
    assert await reasons(ranch) == {younger: "duplicate_household"}
    asked = "select reason from pipeline.contact_decisions where lead_id = $1"
    assert await ranch.ask(asked, younger) == ["duplicate"]


async def test_a_parcel_that_two_leads_share_is_no_household(ranch: Ranch, feeder: Feeder) -> None:
    broker = await ranch.broker()
    first, second = await ranch.leads(broker, 2)
    await ranch.conflict(first, second, "apn_key")
    await feeder.run("feed")
    assert set(await ranch.ask("select lead_id from app.feed_slots")) == {first, second}


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
async def test_the_older_is_held_too_where_the_younger_was_contacted(
    ranch: Ranch, feeder: Feeder, contacted: str
) -> None:
    broker = await ranch.broker()
    older, younger = await ranch.leads(broker, 2)
    await age(ranch, older, younger)
    await ranch.conflict(younger, older)
    await ranch.db.execute(contacted, younger)
    await feeder.run("feed")
    assert await ranch.slots(broker) == {}
    assert await reasons(ranch) == {older: "duplicate_household"}


async def test_the_older_is_held_where_the_younger_was_fed_before_anybody_knew(ranch: Ranch, feeder: Feeder) -> None:
    broker = await ranch.broker(limit=1)
    younger, older = await ranch.leads(broker, 2)
    await age(ranch, older, younger)
    await feeder.run("feed", "reconcile")
    await ranch.conflict(younger, older)
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed")
    assert await ranch.ask("select lead_id from app.feed_slots") == [younger]
    assert await reasons(ranch) == {older: "duplicate_household"}


async def test_a_conflict_that_is_being_recorded_keeps_both_from_being_fed_meanwhile(
    ranch: Ranch, feeder: Feeder
) -> None:
    broker = await ranch.broker()
    older, younger = await ranch.leads(broker, 2)
    await age(ranch, older, younger)
    async with ranch.db.transaction():
        await ranch.conflict(younger, older)
        await feeder.run("feed")
        assert await ranch.ask("select count(*) from app.feed_slots") == [0]
    await feeder.run("top_up")
    assert await ranch.ask("select lead_id from app.feed_slots") == [older]


async def test_preview_names_the_reason_and_a_resolved_conflict_lifts_it(
    ranch: Ranch, feeder: Feeder, equity: Equity
) -> None:
    broker = await ranch.broker()
    older, younger = await ranch.leads(broker, 2)
    await age(ranch, older, younger)
    conflict = await ranch.conflict(younger, older)
    expected = [(str(older), "fed", ""), (str(younger), "held", "duplicate_household")]
    for _ in range(2):  # before the feed and after it
        seen = (await equity.soon("feed", "preview", broker, "--json")).ok().json
        assert [(lead["lead_id"], lead["outcome"], lead["reason"]) for lead in seen["leads"]] == expected
        await feeder.run("feed")
        expected = expected[1:]
    (await equity.soon("conflicts", "resolve", conflict, "dismiss", "--note", "two homes")).ok()
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed")
    assert set(await ranch.ask("select lead_id from app.feed_slots")) == {older, younger}


async def test_one_address_on_leads_of_two_brokers_fed_at_the_same_moment_is_written_to_once(
    ranch: Ranch, settings: FeederSettings, workspace: Workspace
) -> None:
    for _ in range(2):
        broker = await ranch.broker()
        await ranch.leads(broker, 20, emails=[f"shared{number}@example.com" for number in range(20)])
    replicas = [build(settings, ranch.clock) for _ in range(3)]
    for replica in replicas:
        await replica.database.start()
    await asyncio.gather(*(replica.jobs.run_now("feeder.top_up") for replica in replicas))
    for replica in replicas:
        await replica.database.stop()
    written = "select count(*), count(distinct value_hash) from app.vendor_memberships where desired = 'in'"
    assert [tuple(row) for row in await ranch.db.fetch(written)] == [(20, 20)]


async def test_who_was_in_a_campaign_and_is_out_again_is_not_written_to_through_another_lead(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=1)
    first, second = await ranch.leads(broker, 2, emails=["rich@example.com"] * 2)
    await feeder.run("feed", "reconcile")
    await ranch.db.execute("update app.leads set campaign_status = 'paused' where id = $1", first)
    await feeder.run("reconcile")
    assert workspace.members == {}
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert (workspace.members, await reasons(ranch)) == ({}, {second: "duplicate"})
