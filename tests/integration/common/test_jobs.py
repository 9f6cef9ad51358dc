"""A daily job runs once a local date, whatever replicas there are, and again where it failed or died."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from common import jobs as jobs_module
from common.clock import clock_of, move
from common.database import Database
from common.jobs import Jobs
from common.settings import Settings

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


@pytest.fixture
async def pool(database: Any) -> Any:
    pool = Database(Settings(database_url=SecretStr(database.dsn("recorder"))), "test")
    await pool.start()
    yield pool
    await pool.stop()


def jobs_at(now: datetime, pool: Database, ran: list[str], fails: bool = False) -> Jobs:
    async def work() -> None:
        ran.append("ran")
        if fails:
            raise ValueError("no")

    jobs = Jobs("recorder", pool, clock=lambda: now)
    jobs.daily("upkeep", time(6), work, window=timedelta(hours=10))
    return jobs


async def test_of_many_replicas_one_runs_the_job(pool: Database) -> None:
    ran: list[str] = []
    results = await asyncio.gather(*(jobs_at(NOON, pool, ran).run_due() for _ in range(5)))
    assert len(ran) == 1
    assert sorted(results) == [[], [], [], [], ["recorder.upkeep"]]
    assert await jobs_at(NOON + timedelta(hours=1), pool, ran).run_due() == []
    assert await jobs_at(NOON + timedelta(days=1), pool, ran).run_due() == ["recorder.upkeep"]


async def test_outside_its_window_a_job_is_not_run(pool: Database) -> None:
    ran: list[str] = []
    assert await jobs_at(NOON - timedelta(hours=7), pool, ran).run_due() == []
    assert ran == []


async def test_a_job_that_failed_is_tried_again_after_a_minute(pool: Database, database: Any) -> None:
    ran: list[str] = []
    await jobs_at(NOON, pool, ran, fails=True).run_due()
    assert await jobs_at(NOON, pool, ran).run_due() == []
    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute("update pipeline.job_runs set finished_at = now() - interval '2 minutes'")
    assert await jobs_at(NOON, pool, ran).run_due() == ["recorder.upkeep"]
    assert await connection.fetchval("select outcome from pipeline.job_runs") == "ok"
    await connection.close()


async def test_a_service_claims_its_own_jobs_only(pool: Database) -> None:
    async with pool.connection() as connection:
        assert not await connection.fetchval("select pipeline.claim_job('feeder.feed', '2026-11-20', 'here')")


async def test_a_job_is_not_waited_for_when_a_clock_is_moved(
    pool: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "TICK_SECONDS", 3_600)
    file, ran = tmp_path / "clock", asyncio.Event()

    async def work() -> None:
        ran.set()

    move(file, NOON - timedelta(hours=7))
    jobs = Jobs("recorder", pool, clock_of(file))
    jobs.daily("upkeep", time(6), work, window=timedelta(hours=10))
    await jobs.start()
    assert await jobs.run_due() == []
    move(file, NOON)
    await asyncio.wait_for(ran.wait(), 30)
    await jobs.stop()
