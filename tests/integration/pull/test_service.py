"""The pull as a service: at its hour, on Kafka, into leads, and killed with -9 in the middle of it."""

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
from support.pulling import FOUR, Well, streets
from support.reading import everything_on

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Spawn = Callable[..., Awaitable[Spawned]]


async def eventually(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 60) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.1)


async def leads(well: Well) -> list[str]:
    rows = await well.db.fetch("select property_address from app.leads order by 1")
    return sorted(row["property_address"] for row in rows)


def environment(well: Well, transport: str = "http", now: datetime = FOUR) -> dict[str, str]:
    values = {name.upper(): str(value) for name, value in well.environment(transport).items()}
    return values | {
        "CLOCK_FILE": clock_at(now, well.installation.directory),
        "PULL_CATCH_UP_SECONDS": "0.5",
        "PULL_CALL_SECONDS": "2",
        "PULL_PAGE": "10",
        "PULL_UNKNOWN_PAGES": "9",
    }


async def test_at_four_what_is_due_is_pulled_once_and_what_was_missed_until_ten(well: Well) -> None:
    await well.search()
    service = well.service()
    await service.database.start()
    ran = {}
    for minutes in (-1, 0, 1, 359, 24 * 60 + 359, 48 * 60 + 361):
        well.clock.now = FOUR + timedelta(minutes=minutes)
        ran[minutes] = [name for name in await service.jobs.run_due() if name != "pull.clean_up"]
    await service.database.stop()
    assert ran == {-1: [], 0: ["pull.pull"], 1: [], 359: [], 24 * 60 + 359: ["pull.pull"], 48 * 60 + 361: []}
    assert well.paid == len(well.properties())


async def test_a_pull_that_could_not_go_on_is_a_failed_job_and_is_gone_on_with(well: Well) -> None:
    await well.search()
    well.fault("unauthorized")
    service = well.service()
    await service.database.start()
    assert "pull.pull" in await service.jobs.run_due()
    row = await well.db.fetchrow("select outcome, detail from pipeline.job_runs where job = 'pull.pull'")
    assert tuple(row) == ("failed", "PullStoppedError")
    well.no_faults()
    await service.jobs.run_now("pull.catch_up")
    well.clock.now = FOUR + timedelta(hours=7)
    await service.jobs.run_now("pull.catch_up")
    await service.database.stop()
    assert well.paid == len(well.properties())


def test_without_a_token_nothing_is_pulled(well: Well) -> None:
    jobs = well.service(batchdata_token=None).jobs
    assert not jobs._daily
    assert [job.name for job in jobs._repeated] == ["pull.end_still_sessions"]


async def test_what_is_pulled_becomes_leads_once_and_a_changed_property_an_update(
    flowing_well: Well, running: Running
) -> None:
    well = flowing_well
    await well.search()
    everything = streets(well.properties())
    async with running(well.service(), "ingest"):
        await eventually(lambda: leads(well), everything)
        async with well.puller() as puller:
            await well.pull(puller, anyway=True)  # the same facts on the same day: the same ids
        changed = well.properties()[0]
        changed["valuation"]["estimatedValue"] += 1_000
        async with well.puller() as puller:
            await well.pull(puller, anyway=True)
        address, value = changed["address"]["street"], changed["valuation"]["estimatedValue"]

        async def valued() -> Any:
            return await well.db.fetchval("select est_value from app.leads where property_address = $1", address)

        await eventually(valued, value)
    assert await leads(well) == everything
    records = await everything_on(well.installation.kafka, f"{well.installation.prefix}ingest.leads")
    ids = [dict(record.headers)["ce_id"] for record in records]
    assert len(set(ids)) == len(everything) + 1
    verdicts = await everything_on(well.installation.kafka, f"{well.installation.prefix}funnel.dedupe_success")
    assert len({dict(record.headers)["ce_id"] for record in verdicts}) == len(everything) + 1
    assert await everything_on(well.installation.kafka, f"{well.installation.prefix}pipeline.dlq") == []
    assert await well.db.fetchval("select count(*) from app.leads where source = 'batchdata'") == len(everything)


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_killed_in_the_middle_of_pages_it_loses_nothing_and_pays_a_page_for_each_crash_at_most(
    flowing_well: Well, running: Running, spawn: Spawn, transport: str
) -> None:
    well = flowing_well
    await well.search()
    everything = streets(well.properties())
    crashes = 3
    async with running("ingest"):
        spawned = await spawn("pull", **environment(well, transport))
        for crash in range(1, crashes + 1):
            while well.paid < 15 * crash:
                await asyncio.sleep(0.001)
            spawned.kill()
            spawned.start()
        await eventually(lambda: leads(well), everything, 120)

        async def outcome() -> Any:
            return (await well.run())["outcome"]

        await eventually(outcome, "finished")
        assert spawned.stop() == 0
    run = await well.run()
    assert run["records"] == len(everything)
    assert run["unknown_pages"] <= crashes
    assert len(everything) <= well.paid <= len(everything) + crashes * 10
    assert well.paid <= (await well.spent())["2026-11-20"][0] <= len(everything) + crashes * 10
    assert await everything_on(well.installation.kafka, f"{well.installation.prefix}pipeline.dlq") == []


DEATHS = {
    "before the call": ("pull.vendors.batchdata_mcp", "BatchDataMcp", "search", False, 0),
    "behind the call": ("pull.vendors.batchdata_mcp", "BatchDataMcp", "search", True, 10),
    "before the commit": ("common.bus.tx", "Tx", "flush", True, 10),
    "behind the commit": ("pull.ledger", "Ledger", "keep", True, 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("point", DEATHS)
async def test_killed_at_each_step_of_a_page(
    flowing_well: Well, running: Running, spawn: Spawn, tmp_path: Path, point: str
) -> None:
    well = flowing_well
    await well.search()
    module, owner, method, behind, in_vain = DEATHS[point]
    marker = tmp_path / "died"
    spawned = await spawn(
        "pull", **environment(well, now=FOUR - timedelta(hours=4)) | {"PULL_CATCH_UP_SECONDS": "3600"}
    )
    spawned.kill()
    spawned.program = (
        f"import os, pathlib, {module}\n"
        f"owner, marker, passes = {module}.{owner}, pathlib.Path({str(marker)!r}), 0\n"
        f"original = owner.{method}\n"
        "def die():\n"
        "    marker.touch()\n"
        "    os.kill(os.getpid(), 9)\n"
        "async def dying(*arguments, **named):\n"
        "    global passes\n"
        "    passes += 1\n"
        "    due = passes == 2 and not marker.exists()\n"
        f"    if due and not {behind}: die()\n"
        "    result = await original(*arguments, **named)\n"
        "    if due: die()\n"
        "    return result\n"
        f"owner.{method} = dying\n"
        "from cli.main import main; main()"
    )
    spawned.environment = {**spawned.environment, **environment(well)}
    spawned.start()
    assert spawned.process is not None
    assert await asyncio.to_thread(spawned.process.wait, 60) == -9
    spawned.start()
    everything = streets(well.properties())
    async with running("ingest"):
        await eventually(lambda: leads(well), everything, 120)
    assert spawned.stop() == 0
    run = await well.run()
    assert well.paid - len(everything) == in_vain
    unknown = 0 if point == "behind the commit" else 1  # nobody can tell a call that was never made from one that was
    assert (run["unknown_pages"], run["unknown_records"]) == (unknown, 10 * unknown)
    assert run["records"] == len(everything)


async def test_the_metrics_tell_pages_records_cents_what_is_left_and_when(well: Well) -> None:
    await well.search()
    async with well.puller(pull_daily_records=100) as puller:
        await well.pull(puller)
    left = telemetry.gauge("equity_pull_budget_left", "Records left of the day's budget")
    assert list(left._values.values()) == [100 - len(well.properties())]
    last = telemetry.gauge("equity_pull_last_success", "When a page was last kept, Unix seconds")
    assert list(last._values.values()) == [well.clock.now.timestamp()]
