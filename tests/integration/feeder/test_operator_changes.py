"""`equity leads pause` and `resume` of leads that the feed handled: campaigns, suppressions and flags."""

import pytest

from support.commandline import Equity
from support.feeding import Feeder, FeedFixture
from support.installation import SECRETS
from support.instantly import FakeWorkspace

REASON = ("--reason", "asked by phone")


@pytest.fixture
def equity(feed_data: FeedFixture) -> Equity:
    return Equity({"OPERATOR_DATABASE_URL": feed_data.database.dsn("operator"), **SECRETS})


async def test_a_paused_lead_leaves_its_campaign_and_is_not_added_again(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    [lead] = await feed_data.add_leads(await feed_data.add_broker(), 1)
    await feeder.run_jobs("feed", "reconcile")
    assert len(workspace.members) == 1
    (await equity.soon("leads", "pause", lead, *REASON)).ok()
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}
    (await equity.soon("leads", "resume", lead, *REASON)).ok()
    await feed_data.refresh_snapshot()
    await feeder.run_jobs("feed", "reconcile")
    assert workspace.members == {}
    assert await feed_data.select_column("select campaign_status::text from app.leads") == ["active"]


async def test_a_lead_that_is_paused_before_its_add_is_not_added(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    [lead] = await feed_data.add_leads(await feed_data.add_broker(), 1)
    await feeder.run_jobs("feed")
    (await equity.soon("leads", "pause", lead, *REASON)).ok()
    await feeder.run_jobs("reconcile")
    assert workspace.bulk_sizes == []


async def test_resume_lifts_no_suppression(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    [lead] = await feed_data.add_leads(await feed_data.add_broker(), 1, emails=["stop@example.com"])
    (await equity.soon("leads", "pause", lead, *REASON)).ok()
    await feed_data.suppress_email("stop@example.com")
    (await equity.soon("leads", "resume", lead, *REASON)).ok()
    await feed_data.refresh_snapshot()
    await feeder.run_jobs("feed", "reconcile")
    assert workspace.bulk_sizes == []
    assert await feed_data.select_column("select count(*) from app.suppressions") == [1]
    assert await feed_data.select_column("select reason from app.feed_skips") == ["suppressed"]


async def test_an_address_that_an_operator_suppresses_leaves_its_campaign_and_is_not_fed(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1, emails=["member@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    assert len(workspace.members) == 1
    [waiting] = await feed_data.add_leads(broker, 1, emails=["waiting@example.com"])
    for email in ("member@example.com", "waiting@example.com"):
        add = ("suppressions", "add", "--email", email, "--reason", "operator", "--note", "another office")
        (await equity.soon(*add)).ok()
    await feeder.run_jobs("reconcile", "top_up", "reconcile")
    assert workspace.members == {}
    assert await feed_data.select_column("select reason from app.feed_skips where lead_id = $1", waiting) == [
        "suppressed"
    ]
