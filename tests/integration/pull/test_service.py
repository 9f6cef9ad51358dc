"""The pull service: its schedule, its way over Kafka into leads, and kills in the middle of a pull."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from common import telemetry
from support.feeding import clock_at
from support.installation import Spawned
from support.kill_points import with_kill_point
from support.pull_fixture import FOUR_AM, PullFixture
from support.topic_reader import read_all_messages

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Spawn = Callable[..., Awaitable[Spawned]]


async def eventually(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.1)


async def leads(pulling: PullFixture) -> list[str]:
    rows = await pulling.db.fetch("select property_address from app.leads order by 1")
    return sorted(row["property_address"] for row in rows)


def environment(pulling: PullFixture, transport: str = "http", now: datetime = FOUR_AM) -> dict[str, str]:
    values = {name.upper(): str(value) for name, value in pulling.environment(transport).items()}
    return values | {
        "CLOCK_FILE": clock_at(now, pulling.installation.directory),
        "PULL_CATCH_UP_SECONDS": "0.5",
        "PULL_PAGE": "10",
        "PULL_UNKNOWN_PAGES": "9",
    }


async def test_a_due_search_is_pulled_once_at_four_or_if_missed_until_ten(pulling: PullFixture) -> None:
    await pulling.save_search()
    service = pulling.build_service()
    await service.database.start()
    ran = {}
    for minutes in (-1, 0, 1, 359, 24 * 60 + 359, 48 * 60 + 361):
        pulling.clock.now = FOUR_AM + timedelta(minutes=minutes)
        ran[minutes] = [name for name in await service.jobs.run_due_jobs() if name != "pull.clean_up"]
    await service.database.stop()
    assert ran == {-1: [], 0: ["pull.pull"], 1: [], 359: [], 24 * 60 + 359: ["pull.pull"], 48 * 60 + 361: []}
    assert pulling.paid_records == len(pulling.matching_properties())


async def test_a_stopped_pull_is_a_failed_job_and_is_continued_within_the_window(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("unauthorized")
    service = pulling.build_service()
    await service.database.start()
    assert "pull.pull" in await service.jobs.run_due_jobs()
    row = await pulling.db.fetchrow("select outcome, detail from pipeline.job_runs where job = 'pull.pull'")
    assert tuple(row) == ("failed", "PullStoppedError")
    pulling.clear_faults()
    await service.jobs.run_job("pull.catch_up")
    pulling.clock.now = FOUR_AM + timedelta(hours=7)
    await service.jobs.run_job("pull.catch_up")
    await service.database.stop()
    assert pulling.paid_records == len(pulling.matching_properties())


def test_without_a_token_the_service_has_no_pull_jobs(pulling: PullFixture) -> None:
    jobs = pulling.build_service(batchdata_token=None).jobs
    assert not jobs._daily
    assert [job.name for job in jobs._repeated] == ["pull.end_stalled_sessions"]


async def test_pulled_properties_become_leads_once_and_a_changed_property_an_update(
    pulling_to_kafka: PullFixture, running: Running
) -> None:
    pulling = pulling_to_kafka
    await pulling.save_search()
    everything = pulling.matching_streets()
    async with running(pulling.build_service(), "ingest"):
        await eventually(lambda: leads(pulling), everything)
        async with pulling.open_puller() as puller:
            await pulling.try_pull(puller, start_early=True)  # the same facts on the same day: the same ids
        changed = pulling.matching_properties()[0]
        changed["valuation"]["estimatedValue"] += 1_000
        async with pulling.open_puller() as puller:
            await pulling.try_pull(puller, start_early=True)
        address, value = changed["address"]["street"], changed["valuation"]["estimatedValue"]

        async def valued() -> Any:
            return await pulling.db.fetchval("select est_value from app.leads where property_address = $1", address)

        await eventually(valued, value)
    assert await leads(pulling) == everything
    records = await read_all_messages(pulling.installation.kafka, f"{pulling.installation.prefix}ingest.leads")
    ids = [dict(record.headers)["ce_id"] for record in records]
    assert len(set(ids)) == len(everything) + 1
    outcomes = await read_all_messages(
        pulling.installation.kafka, f"{pulling.installation.prefix}funnel.dedupe_success"
    )
    assert len({dict(record.headers)["ce_id"] for record in outcomes}) == len(everything) + 1
    assert await read_all_messages(pulling.installation.kafka, f"{pulling.installation.prefix}pipeline.dlq") == []
    assert await pulling.db.fetchval("select count(*) from app.leads where source = 'batchdata'") == len(everything)


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_kills_lose_no_record_and_cost_at_most_one_page_each(
    pulling_to_kafka: PullFixture, running: Running, spawn: Spawn, transport: str
) -> None:
    pulling = pulling_to_kafka
    await pulling.save_search()
    everything = pulling.matching_streets()
    crashes = 3
    async with running("ingest"):
        spawned = await spawn("pull", **environment(pulling, transport))
        for crash in range(1, crashes + 1):
            while pulling.paid_records < 15 * crash:
                await asyncio.sleep(0.001)
            spawned.kill()
            await pulling.end_leases()
            spawned.start()
        await eventually(lambda: leads(pulling), everything, 120)

        async def outcome() -> Any:
            return (await pulling.latest_round())["outcome"]

        await eventually(outcome, "finished")
        assert spawned.stop() == 0
    latest = await pulling.latest_round()
    assert latest["records"] == len(everything)
    assert latest["unknown_pages"] <= crashes
    assert len(everything) <= pulling.paid_records <= len(everything) + crashes * 10
    assert pulling.paid_records <= (await pulling.spending_by_day())["2026-11-20"][0] <= len(everything) + crashes * 10
    assert await read_all_messages(pulling.installation.kafka, f"{pulling.installation.prefix}pipeline.dlq") == []


WASTED_RECORDS = {
    "before a page request": 0,
    "after a page request": 10,
    "before the commit": 10,
    "after a page is recorded": 0,
}
"""Kill points, and the records that are paid for in vain."""


@pytest.mark.parametrize("point", WASTED_RECORDS)
async def test_a_kill_at_each_step_of_a_page_loses_no_record(
    pulling_to_kafka: PullFixture, running: Running, spawn: Spawn, tmp_path: Path, point: str
) -> None:
    pulling = pulling_to_kafka
    await pulling.save_search()
    marker = tmp_path / "killed"
    spawned = await spawn(
        "pull", **environment(pulling, now=FOUR_AM - timedelta(hours=4)) | {"PULL_CATCH_UP_SECONDS": "3600"}
    )
    spawned.kill()
    spawned.program = with_kill_point(spawned.program, point, marker)
    spawned.environment = {**spawned.environment, **environment(pulling)}
    spawned.start()
    assert spawned.process is not None
    assert await asyncio.to_thread(spawned.process.wait, 60) == -9
    await pulling.end_leases()
    spawned.start()
    everything = pulling.matching_streets()
    async with running("ingest"):
        await eventually(lambda: leads(pulling), everything, 120)
    assert spawned.stop() == 0
    latest = await pulling.latest_round()
    assert pulling.paid_records - len(everything) == WASTED_RECORDS[point]
    unknown = (
        0 if point == "after a page is recorded" else 1
    )  # the page log cannot tell a sent call from one that was not sent
    assert (latest["unknown_pages"], latest["unknown_records"]) == (unknown, 10 * unknown)
    assert latest["records"] == len(everything)


async def test_metrics_report_the_budget_left_and_the_last_success(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(pull_daily_records=100) as puller:
        await pulling.pull(puller)
    left = telemetry.gauge("equity_pull_budget_left_records", "Records left of the day's budget")
    assert list(left._values.values()) == [100 - len(pulling.matching_properties())]
    last = telemetry.gauge("equity_pull_last_success_seconds", "Unix time of the last committed page")
    assert list(last._values.values()) == [pulling.clock.now.timestamp()]
