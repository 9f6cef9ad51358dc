"""`equity feed`, `jobs` and `brokers set`, as their users run them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from feeder.jobs import queries
from support.commandline import Equity
from support.feeding import MONDAY, Feeder, Ranch, clock_at
from support.installation import SECRETS


@pytest.fixture
def equity(ranch: Ranch, tmp_path: Path) -> Equity:
    environment = {"DATABASE_DIRECT_URL": ranch.database.superuser_dsn, "CLOCK_FILE": clock_at(MONDAY, tmp_path)}
    return Equity(environment | SECRETS)


async def test_preview_says_who_would_be_fed_and_who_not_and_why_and_changes_nothing(
    ranch: Ranch, equity: Equity
) -> None:
    broker = await ranch.broker(limit=2)
    leads = await ranch.leads(broker, 5, emails=["stop@example.com"])
    await ranch.suppress("stop@example.com")
    seen = (await equity.soon("feed", "preview", broker, "--json")).ok().json
    assert [(lead["lead_id"], lead["outcome"], lead["reason"]) for lead in seen["leads"]] == [
        (str(leads[1]), "fed", ""),
        (str(leads[2]), "fed", ""),
        (str(leads[0]), "held", "suppressed"),
        (str(leads[3]), "waits", "limit_reached"),
        (str(leads[4]), "waits", "limit_reached"),
    ]
    assert (seen["day"], seen["would_be_fed"], seen["in_line"]) == ("2026-11-16", 2, 5)
    assert await ranch.ask("select count(*) from app.feed_slots") == [0]
    assert await ranch.ask("select count(*) from pipeline.contact_decisions") == [0]
    assert "limit_reached" in (await equity.soon("feed", "preview", broker)).ok().out
    holiday = (await equity.soon("feed", "preview", broker, "--date", "2026-11-26", "--json")).ok().json
    assert (holiday["ends_because"], holiday["would_be_fed"]) == ("day_off", 0)


async def test_a_job_is_run_by_hand_and_its_run_is_kept(ranch: Ranch, equity: Equity) -> None:
    broker = await ranch.broker(limit=2)
    await ranch.leads(broker, 5, refresh=False)
    (await equity.soon("jobs", "run", "feeder.refresh")).ok()
    (await equity.soon("jobs", "run", "feeder.feed")).ok()
    (await equity.soon("jobs", "run", "feeder.feed")).ok()
    assert await ranch.slots(broker) == {"reserved": 2}
    runs = (await equity.soon("jobs", "history", "--json")).ok().json
    assert {(run["job"], run["local_date"], run["outcome"]) for run in runs} == {
        ("feeder.feed", "2026-11-16", "ok"),
        ("feeder.refresh", "2026-11-16", "ok"),
    }
    slots = (await equity.soon("feed", "slots", "--days", 365, "--json")).ok().json
    assert [(row["added"], row["reserved"]) for row in slots] == [(0, 2)]
    unknown = await equity.soon("jobs", "run", "feeder.nothing")
    assert (unknown.code, "no job" in unknown.err) == (2, True)


async def test_services_declare_their_jobs(ranch: Ranch, feeder: Feeder, equity: Equity) -> None:
    await feeder.service.jobs._declare()
    listed = {row["job"]: row["when"] for row in (await equity.soon("jobs", "list", "--json")).ok().json}
    assert listed["feeder.refresh"] == "05:30 daily, until 6 h later"
    assert listed["feeder.feed"] == "06:00 Mon to Fri, until 6 h later"
    assert listed["feeder.sweep"] == "every 60 s"


async def test_whoever_must_not_be_in_a_campaign_is_watched_until_the_vendor_said_that_they_are_out(
    ranch: Ranch, feeder: Feeder
) -> None:
    broker = await ranch.broker(limit=3)
    await ranch.leads(broker, 3, emails=["stop@example.com"])
    await feeder.run("feed", "reconcile")
    assert await _unwanted(ranch) == (0, 0)
    await ranch.suppress("stop@example.com")
    await ranch.db.execute("update app.suppressions set at = now() - interval '11 minutes'")
    members, seconds = await _unwanted(ranch)
    assert (members, seconds >= 660) == (1, True)
    await feeder.run("reconcile", "watch_members")
    assert await _unwanted(ranch) == (0, 0)


async def test_how_long_a_campaign_was_not_swept_is_watched(ranch: Ranch, feeder: Feeder) -> None:
    await ranch.broker()
    await feeder.run("sweep")
    ranch.clock.forward(hours=4)
    assert await queries.sweep_lag(ranch.db, now=ranch.clock()) >= 4 * 3_600
    await feeder.run("sweep", "watch_members")
    assert await queries.sweep_lag(ranch.db, now=ranch.clock()) == 0


async def _unwanted(ranch: Ranch) -> tuple[int, float]:
    row = await queries.unwanted_members(ranch.db)
    return row["members"], row["oldest_seconds"]


async def test_a_brokers_limit_and_calendar_are_set(ranch: Ranch, feeder: Feeder, equity: Equity) -> None:
    broker = await ranch.broker(limit=2)
    await ranch.leads(broker, 9)
    set_ = ("brokers", "set", broker, "--json")
    shown = (await equity.soon(*set_, "--daily-limit", 3, "--days", "mon,wed", "--day-off", "2026-11-18")).ok().json
    assert (shown["daily_limit"], shown["feed_weekdays"], shown["days_off"]) == (3, [1, 3], ["2026-11-18"])
    for day, fed in ((16, 3), (17, 3), (18, 3)):
        ranch.clock.now = datetime(2026, 11, day, 14, 0, tzinfo=UTC)
        await feeder.run("feed", "reconcile")
        assert await ranch.slots(broker) == {"added": fed}
    assert (await equity.soon(*set_, "--days", "sat")).code == 2
    assert (await equity.soon(*set_, "--clear-days-off", "--holidays")).ok().json["days_off"] == []
