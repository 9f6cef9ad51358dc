"""Outlook of a lead in `equity leads show`: it agrees with what the feed then does."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from support.commandline import Equity
from support.feeding import MONDAY, Feeder, FeedFixture, clock_at
from support.installation import SECRETS


@pytest.fixture
def equity(feed_data: FeedFixture) -> Equity:
    """The command line with the owner's login, which takes the role of operators."""
    return Equity({"DATABASE_DIRECT_URL": feed_data.database.superuser_dsn, **SECRETS})


async def show(equity: Equity, lead: UUID, clock: str = "") -> dict[str, Any]:
    return dict((await equity.soon("leads", "show", lead, "--json", CLOCK_FILE=clock)).ok().json)


async def test_the_outlook_agrees_with_the_feed(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, tmp_path: Path
) -> None:
    """The leads that are shown as fed now are those that the feed takes; the others are not fed."""
    broker = await feed_data.add_broker(limit=2)
    added = await feed_data.add_leads(broker, 4, emails=["stop@example.com"])
    await feed_data.suppress_email("stop@example.com")
    clock = clock_at(MONDAY + timedelta(minutes=1), tmp_path)
    steps = {lead: (await show(equity, lead, clock))["next"] for lead in added}
    assert steps[added[0]]["reasons"] == ["suppressed"]
    await feeder.run_jobs("feed")
    fed = set(await feed_data.select_column("select lead_id from app.feed_slots"))
    assert fed == {added[1], added[2]}
    assert steps[added[1]]["text"].startswith("the feed: now")


async def test_a_lead_that_was_skipped_today_is_checked_on_the_next_feed_day(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder, tmp_path: Path
) -> None:
    added = await feed_data.add_leads(await feed_data.add_broker(limit=1), 1, emails=["stop@example.com"])
    await feed_data.suppress_email("stop@example.com")
    await feeder.run_jobs("feed")
    await feed_data.db.execute("delete from app.suppressions")
    step = (await show(equity, added[0], clock_at(MONDAY + timedelta(minutes=5), tmp_path)))["next"]
    assert step["text"] == "the feed: Tuesday 2026-11-17 06:00 in Los Angeles (place 1 of the queue, 1 a day)"


async def test_a_lead_of_a_campaign_shows_slot_and_campaign(
    equity: Equity, feed_data: FeedFixture, feeder: Feeder
) -> None:
    [lead] = await feed_data.add_leads(await feed_data.add_broker(), 1)
    await feeder.run_jobs("feed", "reconcile")
    page = await show(equity, lead)
    [campaign], [day] = page["campaigns"], page["feed_days"]
    assert (campaign["campaign"], campaign["actual"], day["result"]) == ("A", "in", "added")
    assert page["next"]["text"] == "Instantly sends the next email of A"
