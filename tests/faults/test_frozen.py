"""Frozen processes, as on a paused machine, that continue after another replica did their work."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skiptrace.app import build
from support.installation import Installation, Spawned
from support.kill_points import with_kill_point
from support.verification import SkipTraceScenario, VerificationPipeline, providers_at, read_metric, url_of

pytestmark = pytest.mark.timeout(180)

ALL_FINISHED = """
select count(distinct lead_id) = 8
from app.pipeline_events
where event_type in ('lead_verified', 'lead_unverifiable')
and lead_id in (select id from app.leads where property_address = any ($1))
"""


@pytest.fixture(scope="module")
def intake(shared_installation: Installation) -> Spawned:
    return asyncio.run(shared_installation.spawn("ingest", "recorder"))


@pytest.fixture
async def replicas(pipeline: VerificationPipeline, intake: Spawned) -> AsyncIterator[list[Spawned]]:
    found: list[Spawned] = []
    yield found
    for replica in found:
        await asyncio.to_thread(replica.kill)


async def spawn_to_freeze(installation: Installation, point: str, marker: Path, **settings: str) -> Spawned:
    """Start a skiptrace that freezes when it first reaches *point*; then *marker* exists."""
    spawned = await installation.spawn("skiptrace", **settings)
    await asyncio.to_thread(spawned.stop)
    spawned.program = with_kill_point(spawned.program, point, marker, signal.SIGSTOP, passes_before=0)
    spawned.start()
    await spawned.ready()
    return spawned


async def run_job(pipeline: VerificationPipeline, job: str, settings: dict[str, str]) -> None:
    """Run a job of skiptrace in this process, beside the service."""
    values = {name.lower(): value for name, value in settings.items()}
    service = build(pipeline.installation.settings("skiptrace", **values))  # type: ignore[arg-type]
    await service.database.start()
    for part in service.parts:
        await part.start()
    try:
        await service.jobs.run_job(f"skiptrace.{job}")
    finally:
        for part in service.parts:
            await part.stop()
        await service.database.stop()


@pytest.mark.parametrize("point", ["before a paid call", "behind a paid call"])
async def test_a_frozen_skiptrace_makes_no_outdated_call_and_its_late_response_is_merged(
    pipeline: VerificationPipeline,
    sandbox: Spawned,
    scenario: SkipTraceScenario,
    replicas: list[Spawned],
    tmp_path: Path,
    point: str,
) -> None:
    """Meanwhile another replica finished its leads, because the provider's response seemed lost."""
    settings = providers_at(url_of(sandbox), SKIPTRACE_ORDER="melissa", SKIPTRACE_CONSUMER_INSTANCES="1")
    settings["KAFKA_SESSION_SECONDS"] = "10"  # frozen for longer than a call may take
    frozen = await spawn_to_freeze(pipeline.installation, point, tmp_path / "frozen", **settings)
    replicas.append(frozen)
    await pipeline.send(scenario.pick_households(reachable=8))
    async with asyncio.timeout(30):
        while not (tmp_path / "frozen").exists():
            await asyncio.sleep(0.05)
    in_flight = await pipeline.count("app.skip_trace_attempts")
    await pipeline.end_leases()
    replicas.append(await pipeline.installation.spawn("skiptrace", **settings))
    await pipeline.until(ALL_FINISHED, list(pipeline.households))
    assert await pipeline.count_unknown("melissa") == in_flight
    assert frozen.process
    frozen.process.send_signal(signal.SIGCONT)
    await pipeline.until(
        "select not exists (select from app.skip_trace_requests where outcome in ('asked', 'unknown'))"
    )
    late = in_flight if point == "behind a paid call" else 0
    assert await pipeline.count_charged("melissa") == 8 - in_flight + late
    assert await read_metric(frozen, "equity_skiptrace_records_total", outcome="answered") == late
    await pipeline.db.execute("update app.skip_trace_requests set answered_at = answered_at - interval '10 minutes'")
    await run_job(pipeline, "merge_unmerged_responses", settings)
    assert sum(row["email_verified"] for row in (await pipeline.load_outcomes()).values()) == 8 - in_flight + late
