"""Processes that stand still, as a paused machine does, and go on after another replica did their work."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from skiptrace.app import build
from support.installation import Installation, Spawned
from support.verification import Casting, Line, metric, providers_at, url_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ENDED = """
select count(distinct lead_id) = 8
from app.pipeline_events
where event_type in ('lead_verified', 'lead_unverifiable')
and lead_id in (select id from app.leads where property_address = any ($1))
"""


@pytest.fixture(scope="module")
def intake(place: Installation) -> Spawned:
    return asyncio.run(place.spawn("ingest", "recorder"))


@pytest.fixture
async def replicas(line: Line, intake: Spawned) -> AsyncIterator[list[Spawned]]:
    found: list[Spawned] = []
    yield found
    for replica in found:
        await asyncio.to_thread(replica.kill)


async def spawn_to_stand(installation: Installation, point: str, marker: Path, **settings: str) -> Spawned:
    """A skiptrace that stands still when it comes to *point* for the first time; then *marker* is there."""
    spawned = await installation.spawn("skiptrace", **settings)
    await asyncio.to_thread(spawned.stop)
    arm = f"arm({point!r}, {str(marker)!r}, signal.SIGSTOP, 0)"
    spawned.program = f"import signal; from support.crash import arm; {arm}; {spawned.program}"
    spawned.start()
    await spawned.ready()
    return spawned


async def run_job(line: Line, job: str, settings: dict[str, str]) -> None:
    """A job of skiptrace, in this process, beside the service."""
    values = {name.lower(): value for name, value in settings.items()}
    service = build(line.installation.settings("skiptrace", **values))  # type: ignore[arg-type]
    await service.database.start()
    for part in service.parts:
        await part.start()
    try:
        await service.jobs.run_now(f"skiptrace.{job}")
    finally:
        for part in service.parts:
            await part.stop()
        await service.database.stop()


@pytest.mark.parametrize("point", ["before a paid call", "behind a paid call"])
async def test_a_woken_skiptrace_pays_for_nothing_in_vain_and_what_it_brings_late_is_merged(
    line: Line, sandbox: Spawned, casting: Casting, replicas: list[Spawned], tmp_path: Path, point: str
) -> None:
    """Its leads were given up meanwhile, because the provider's answer seemed to be lost."""
    settings = providers_at(url_of(sandbox), SKIPTRACE_ORDER="melissa", SKIPTRACE_LANES="1")
    frozen = await spawn_to_stand(line.installation, point, tmp_path / "stands", **settings)
    replicas.append(frozen)
    await line.send(casting.cast(good=8))
    async with asyncio.timeout(30):
        while not (tmp_path / "stands").exists():
            await asyncio.sleep(0.05)
    stood = await line.count("app.skip_trace_attempts")
    await line.time_passes()
    replicas.append(await line.installation.spawn("skiptrace", **settings))
    await line.until(ENDED, list(line.cast))
    assert await line.unknown("melissa") == stood
    assert frozen.process
    frozen.process.send_signal(signal.SIGCONT)
    await line.until("select not exists (select from app.skip_trace_requests where outcome in ('asked', 'unknown'))")
    late = stood if point == "behind a paid call" else 0
    assert await line.paid("melissa") == 8 - stood + late
    assert await metric(frozen, "equity_skiptrace_records_total", outcome="answered") == late
    await line.db.execute("update app.skip_trace_requests set answered_at = answered_at - interval '10 minutes'")
    await run_job(line, "merge_forgotten", settings)
    assert sum(row["email_verified"] for row in (await line.ends()).values()) == 8 - stood + late
