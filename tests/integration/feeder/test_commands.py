"""`equity feed`, `jobs` and `brokers set`, as their users run them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feeder import queries
from support.commandline import Equity
from support.feeding import MONDAY, Feeder, FeedFixture, clock_at
from support.installation import SECRETS


@pytest.fixture
def equity(feed_data: FeedFixture, tmp_path: Path) -> Equity:
    environment = {"DATABASE_DIRECT_URL": feed_data.database.superuser_dsn, "CLOCK_FILE": clock_at(MONDAY, tmp_path)}
    return Equity(environment | SECRETS)


async def test_preview_shows_fed_skipped_and_waiting_leads_and_changes_nothing(
    feed_data: FeedFixture, equity: Equity
) -> None:
    broker = await feed_data.add_broker(limit=2)
    leads = await feed_data.add_leads(broker, 5, emails=["stop@example.com"])
    await feed_data.suppress_email("stop@example.com")
    seen = (await equity.soon("feed", "preview", broker, "--json")).ok().json
    assert [(lead["lead_id"], lead["outcome"], lead["reason"]) for lead in seen["leads"]] == [
        (str(leads[1]), "fed", ""),
        (str(leads[2]), "fed", ""),
        (str(leads[0]), "skipped", "suppressed"),
        (str(leads[3]), "waiting", "limit_reached"),
        (str(leads[4]), "waiting", "limit_reached"),
    ]
    assert (seen["day"], seen["would_be_fed"], seen["queued"]) == ("2026-11-16", 2, 5)
    assert await feed_data.select_column("select count(*) from app.feed_slots") == [0]
    assert await feed_data.select_column("select count(*) from pipeline.contact_decisions") == [0]
    assert "limit_reached" in (await equity.soon("feed", "preview", broker)).ok().out
    holiday = (await equity.soon("feed", "preview", broker, "--date", "2026-11-26", "--json")).ok().json
    assert (holiday["stop_reason"], holiday["would_be_fed"]) == ("day_off", 0)


async def test_a_manual_run_of_a_job_is_in_its_history(feed_data: FeedFixture, equity: Equity) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 5, refresh=False)
    (await equity.soon("jobs", "run", "feeder.refresh")).ok()
    (await equity.soon("jobs", "run", "feeder.feed")).ok()
    (await equity.soon("jobs", "run", "feeder.feed")).ok()
    assert await feed_data.count_slots(broker) == {"reserved": 2}
    runs = (await equity.soon("jobs", "history", "--json")).ok().json
    assert {(run["job"], run["local_date"], run["outcome"]) for run in runs} == {
        ("feeder.feed", "2026-11-16", "ok"),
        ("feeder.refresh", "2026-11-16", "ok"),
    }
    slots = (await equity.soon("feed", "slots", "--days", 365, "--json")).ok().json
    assert [(row["added"], row["reserved"]) for row in slots] == [(0, 2)]
    unknown = await equity.soon("jobs", "run", "feeder.nothing")
    assert (unknown.code, "no job" in unknown.err) == (2, True)


async def test_services_declare_their_jobs(feed_data: FeedFixture, feeder: Feeder, equity: Equity) -> None:
    await feeder.service.jobs._declare()
    listed = {row["job"]: row["when"] for row in (await equity.soon("jobs", "list", "--json")).ok().json}
    assert listed["feeder.refresh"] == "05:30 daily, until 6 h later"
    assert listed["feeder.feed"] == "06:00 Mon to Fri, until 6 h later"
    assert listed["feeder.audit_members"] == "every 60 s"


async def test_unwanted_members_are_measured_until_the_vendor_confirms_their_removal(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=3)
    await feed_data.add_leads(broker, 3, emails=["stop@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    assert await _unwanted(feed_data) == (0, 0)
    await feed_data.suppress_email("stop@example.com")
    await feed_data.db.execute("update app.suppressions set at = now() - interval '11 minutes'")
    members, seconds = await _unwanted(feed_data)
    assert (members, seconds >= 660) == (1, True)
    await feeder.run_jobs("reconcile", "watch_members")
    assert await _unwanted(feed_data) == (0, 0)


async def test_the_age_of_the_oldest_audit_is_measured(feed_data: FeedFixture, feeder: Feeder) -> None:
    await feed_data.add_broker()
    await feeder.run_jobs("audit_members")
    feed_data.clock.advance(hours=4)
    assert await queries.measure_audit_lag(feed_data.db, now=feed_data.clock()) >= 4 * 3_600
    await feeder.run_jobs("audit_members", "watch_members")
    assert await queries.measure_audit_lag(feed_data.db, now=feed_data.clock()) == 0


async def _unwanted(feed_data: FeedFixture) -> tuple[int, float]:
    row = await queries.count_unwanted_members(feed_data.db)
    return row.members, row.oldest_seconds


async def test_a_brokers_limit_and_calendar_are_set(feed_data: FeedFixture, feeder: Feeder, equity: Equity) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 9)
    set_ = ("brokers", "set", broker, "--json")
    shown = (await equity.soon(*set_, "--daily-limit", 3, "--days", "mon,wed", "--day-off", "2026-11-18")).ok().json
    assert (shown["daily_limit"], shown["feed_weekdays"], shown["days_off"]) == (3, [1, 3], ["2026-11-18"])
    for day, fed in ((16, 3), (17, 3), (18, 3)):
        feed_data.clock.now = datetime(2026, 11, day, 14, 0, tzinfo=UTC)
        await feeder.run_jobs("feed", "reconcile")
        assert await feed_data.count_slots(broker) == {"added": fed}
    assert (await equity.soon(*set_, "--days", "sat")).code == 2
    assert (await equity.soon(*set_, "--clear-days-off", "--holidays")).ok().json["days_off"] == []
