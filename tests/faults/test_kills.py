"""Kills with -9 during an upload, of each process: every row is accounted for, none twice."""

import asyncio
import random
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.settings import Settings
from support.kill_points import POINTS, with_kill_point
from support.killable_system import KillableSystem
from support.partner import Partner

pytestmark = pytest.mark.timeout(600)
ROWS = 20_000
PRODUCTION_SESSION = str(Settings.model_fields["kafka_session_seconds"].default)
GENERATOR = runpy.run_path(str(Path(__file__).parents[2] / "samples" / "generate.py"))


@pytest.fixture(scope="module")
def seeds() -> Iterator[int]:
    return iter(range(100, 200))


def write_upload(tmp_path: Path, seed: int, rows: int = ROWS) -> bytes:
    return Path(GENERATOR["write"](tmp_path / "leads.csv", rows, seed)).read_bytes()


async def wait_for_report(partner: Partner, upload_id: str, seconds: float = 240) -> dict[str, Any]:
    """Poll until the upload is done and return its report. The gateway itself may be the killed process."""
    deadline = asyncio.get_running_loop().time() + seconds
    last: Any = None
    while asyncio.get_running_loop().time() < deadline:
        try:
            last = await partner.fetch_report(upload_id)
            if last["state"] == "done":
                return dict(last)
        except (OSError, AssertionError) as error:
            last = error
        await asyncio.sleep(0.3)
    raise AssertionError(f"not done: {last}")


async def assert_all_accounted_for(
    system: KillableSystem, report: dict[str, Any], upload_id: str, rows: int = ROWS
) -> None:
    outcomes = ("inserted", "updated", "duplicate", "rejected")
    assert report["rows_total"] == report["rows_published"] == rows
    assert sum(report[outcome] for outcome in outcomes) == rows
    assert sum(report["reasons"].values()) == report["rejected"]
    assert await system.fetch_rows("select count(*) from app.leads") == [(report["inserted"],)]
    assert await system.fetch_rows("select count(*) from app.upload_rejects") == [(report["rejected"],)]
    expected = {
        "dedupe_success": report["inserted"] + report["updated"],
        "lead_rejected": report["rejected"],
        "upload_received": 1,
    }
    events: dict[str, int] = {}
    for _ in range(600):
        events = dict(
            await system.fetch_rows(
                "select event_type, count(*) from app.pipeline_events where correlation_id = $1 group by 1", upload_id
            )
        )
        if events == expected:
            break
        await asyncio.sleep(0.1)
    assert events == expected
    repeated_rows = (
        "select payload ->> 'row' from app.pipeline_events "
        "where correlation_id = $1 and payload ? 'row' group by 1 having count(*) > 1"
    )
    assert await system.fetch_rows(repeated_rows, upload_id) == []
    assert await system.fetch_rows("select count(*) from pipeline.pipeline_dlq") == [(0,)]
    shared_addresses = "select count(*) from (select addr_hash from app.leads group by 1 having count(*) > 1 and addr_hash is not null) d"
    assert await system.fetch_rows(shared_addresses) == [(0,)]


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["gateway", "ingest", "recorder", "kafka", "postgres"])
async def test_killed_several_times_at_random_moments(
    system: KillableSystem, partner: Partner, tmp_path: Path, seeds: Iterator[int], killed: str
) -> None:
    status, answer = await partner.upload(write_upload(tmp_path, next(seeds)))
    assert status == 202, answer
    seeded_random = random.Random(killed)
    for _ in range(3):
        await asyncio.sleep(seeded_random.uniform(0.3, 2.0))
        await system.kill_and_restart(killed)
    report = await wait_for_report(partner, answer["upload_id"])
    await assert_all_accounted_for(system, report, answer["upload_id"])


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_each_point_of_a_commit(
    system: KillableSystem, partner: Partner, tmp_path: Path, seeds: Iterator[int], point: str
) -> None:
    for name in ("ingest", "recorder"):
        service = system.services[name]
        service.stop()
        service.program = with_kill_point(service.program, point, tmp_path / name)
        service.start()
    status, answer = await partner.upload(write_upload(tmp_path, next(seeds), 5_000))
    assert status == 202, answer
    to_kill = {"ingest"} if point == "between acknowledgement and delete" else {"ingest", "recorder"}
    for _ in range(600):
        for name in [name for name in to_kill if not system.services[name].alive]:
            system.services[name].start()
            to_kill.remove(name)
        if not to_kill:
            break
        await asyncio.sleep(0.1)
    assert not to_kill, "a process did not reach the kill point"
    report = await wait_for_report(partner, answer["upload_id"])
    await assert_all_accounted_for(system, report, answer["upload_id"], 5_000)


async def test_two_ingest_replicas_and_a_rebalance_change_nothing(
    system: KillableSystem, partner: Partner, tmp_path: Path, seeds: Iterator[int]
) -> None:
    status, answer = await partner.upload(write_upload(tmp_path, next(seeds)))
    assert status == 202, answer
    second = await system.installation.spawn("ingest", KAFKA_SESSION_SECONDS=PRODUCTION_SESSION)
    await asyncio.sleep(1)
    second.stop()
    third = await system.installation.spawn("ingest", KAFKA_SESSION_SECONDS=PRODUCTION_SESSION)
    system.services["ingest"].stop()
    report = await wait_for_report(partner, answer["upload_id"])
    await assert_all_accounted_for(system, report, answer["upload_id"])
    third.stop()
