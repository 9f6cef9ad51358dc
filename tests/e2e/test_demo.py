"""`equity demo` does the main job on the shipped sample, and shows how a repeat is refused."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from common.calendar.clock import clock_offset
from feeder.daily_feed.feed_calendar import FeedCalendar
from sandbox.app import Sandbox
from sandbox.settings import SandboxSettings
from support.commandline import Equity
from support.demo import DEMO_SECONDS, start_demo_services
from support.installation import Installation
from support.vendors import SandboxClient, run_sandbox

ROUTES = {
    "interested": ("consent_link", "replied"),
    "question": ("question", "replied"),
    "not_interested": ("pause", "paused"),
    "out_of_office": ("continue", "active"),
    "wrong_person": ("wrong_person", "active"),
    "unsubscribe": ("opt_out", "unsubscribed"),
    "other": ("question", "replied"),
}
"""The route of each kind of reply, and the status of its lead."""
MEMBER = "select vendor_lead_id from app.vendor_memberships where (desired, actual) = ('in', 'in') limit 1"
NO_AUDIT = str(90 * 24 * 3600)
"""The demo moves the clock by days, and an audit would find the member that this test removes before the demo counts it."""
QUICK_START = (Path(__file__).parents[2] / "docs" / "quick-start.md").read_text()


def read_quick_start_count(name: str) -> int:
    found = re.search(rf"^{name} +(\d+) ", QUICK_START, re.MULTILINE)
    assert found, f"the quick start does not mention {name}"
    return int(found[1])


def assert_costs(rows: list[dict[str, Any]]) -> None:
    """The vendors count as many paid records as the product."""
    paid = {row["vendor"]: row for row in rows}
    assert paid["melissa"]["asked"] == paid["melissa"]["counted_by_vendor"]
    assert paid["batchdata"]["cents"] == 10 * paid["batchdata"]["counted_by_vendor"]
    for check in ("batchdata_dnc", "batchdata_tcpa"):
        assert paid[check]["cents"] == paid[check]["counted_by_vendor"] > 0


def assert_conversations(result: dict[str, Any]) -> None:
    """Every kind of reply to three emails has its route, each way out works in a minute, and the proof is intact."""
    routes = Counter((row["intent"], row["email"], row["route"], row["status"]) for row in result["replies"])
    assert routes == {(intent, email, *route): 1 for intent, route in ROUTES.items() for email in (1, 2, 3)}
    assert result["form_titles"] == ["Thank you"] * 3
    assert len(result["opt_outs"]) == 6
    assert all(row["refused_after"] < 60 and row["out_after"] < 60 for row in result["opt_outs"])
    happened = [moment["event"] for moment in result["history"]]
    assert happened[0] == "dedupe_success"
    assert happened.index("email_replied") < happened.index("reply_classified") < happened.index("consent_granted")
    assert "The chain of proof is intact." in result["proof"]
    assert "Demo Home Equity, LLC" in result["proof"]


async def find_member(installation: Installation) -> str:
    """Return Instantly's id of a lead that stays in its campaign. Leads that answered leave theirs by themselves."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    try:
        return str(await connection.fetchval(MEMBER))
    finally:
        await connection.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(SandboxSettings(sandbox_port=0, sandbox_melissa_records_per_second=400)) as sandbox:
        yield sandbox


async def test_without_vendors_the_sample_becomes_leads_and_a_second_time_a_repeat(installation: Installation) -> None:
    services = await installation.spawn("gateway", "ingest", "recorder")
    equity = Equity(services.environment)

    first = (await equity.soon("demo", "--json")).ok().json
    report, funnel = first["report"], {row["event_type"]: row for row in first["funnel"]}
    assert not first["repeats"]
    assert first["campaign"] is None
    assert report["state"] == "done"
    assert report["rows_total"] == 1000
    assert sum(report[outcome] for outcome in ("inserted", "updated", "duplicate", "rejected")) == 1000
    assert sum(report["reasons"].values()) == report["rejected"] > 0
    assert funnel["upload_received"]["count"] == 1
    assert funnel["dedupe_success"]["outcomes"] == {name: report[name] for name in ("inserted", "updated")}
    assert funnel["lead_rejected"]["count"] == report["rejected"]
    for outcome in ("inserted", "rejected"):  # the others depend on the rows that are in one batch
        assert read_quick_start_count(outcome) == report[outcome]

    second = (await equity.soon("demo")).ok()
    assert "409" in second.err
    assert report["upload_id"] in second.err
    assert "The demo ends here" in second.err
    assert f"equity uploads rejects {report['upload_id']}" in second.out
    assert (await equity.soon("uploads", "rejects", report["upload_id"])).ok().out.count("\n") > report["rejected"]
    (broker,) = (await equity.soon("brokers", "list", "--json")).ok().json
    assert broker["leads"] == report["inserted"]
    services.stop()


@pytest.mark.timeout(2 * DEMO_SECONDS)
async def test_with_the_sandbox_250_leads_a_day_go_into_campaigns_and_people_answer(
    installation: Installation, sandbox: Sandbox, tmp_path: Path
) -> None:
    services = await start_demo_services(installation, sandbox, tmp_path, AUDIT_SECONDS=NO_AUDIT)
    equity = Equity(services.environment, DEMO_SECONDS)

    first = (await equity.soon("demo", "--json")).ok().json
    report, campaign = first["report"], first["campaign"]
    funnel = {row["event_type"]: row["leads"] for row in first["funnel"]}
    assert funnel["dedupe_success"] == report["inserted"]
    opened = {row["state"] for row in (await equity.soon("states", "list", "Demo Broker", "--json")).ok().json}
    assert {"FL", "GA", "TX"} <= opened
    assert "CA" not in opened
    assert funnel["lead_verified"] + funnel["lead_unverifiable"] == report["inserted"]
    assert funnel["campaign_queued"] == funnel["lead_verified"]
    assert funnel["campaign_added"] == campaign["fed"] == campaign["added"] == 250
    for event in ("lead_verified", "lead_unverifiable", "campaign_queued", "campaign_added"):
        assert read_quick_start_count(event) == pytest.approx(funnel[event], abs=20)  # on a busy machine calls time out
    assert campaign["waiting"] + campaign["waiting_without_email"] + 250 == funnel["campaign_queued"]
    at_instantly = campaign["instantly"]
    assert len(at_instantly["campaigns"]) == 45
    assert (at_instantly["members"], at_instantly["missing"], at_instantly["unknown"]) == (250, 0, 0)
    assert_costs(campaign["paid"])
    day = date.fromisoformat(campaign["day"])
    assert FeedCalendar().is_feed_day(day)
    shown = (await equity.soon("clock", "show", "--json")).ok().json
    assert shown["local"].startswith(f"{day}T06:0")
    assert shown["ahead_s"] == pytest.approx(clock_offset(tmp_path / "clock").total_seconds(), abs=0.01)

    assert_conversations(first["conversations"])

    async with aiohttp.ClientSession() as session:
        call = SandboxClient(sandbox.url, session)
        lost = await find_member(installation)
        assert (await call.call_instantly("DELETE", f"/leads/{lost}")).status == 200
        second = (await equity.soon("demo")).ok()
    assert "409" in second.err
    assert re.search(r"fed +250\b", second.out)
    assert re.search(r"\d+ members in all: not those .* 1 of the database are missing, 0 are unknown to it", second.out)
    assert "equity feed preview" in second.out
    days = {row["local_date"]: row["added"] for row in (await equity.soon("feed", "slots", "--json")).ok().json}
    assert sorted(days.values()) == [250, 250]
    assert min(days) == str(day) < max(days)
    services.stop()
