"""Every job leaves rows; a daily one runs once a local date, whatever replicas there are, and again where it failed or died."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from common import job_rows
from common import jobs as jobs_module
from common.clock import clock_of, move
from common.database import Database
from common.jobs import JobRunsError, Jobs, NoSuchJobError
from common.settings import Settings

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
TODAY = date(2026, 11, 20)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Database]:
    pool = Database(Settings(database_url=SecretStr(database.dsn("recorder"))), "test")
    await pool.start()
    yield pool
    await pool.stop()


@pytest.fixture
async def db(database: Any) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


def jobs_at(now: datetime, pool: Database, ran: list[str], fails: bool = False) -> Jobs:
    async def work() -> None:
        ran.append("ran")
        if fails:
            raise ValueError("no")

    jobs = Jobs("recorder", pool, clock=lambda: now)
    jobs.daily("upkeep", time(6), work, window=timedelta(hours=10))
    return jobs


async def age(db: Any, column: str, **by: float) -> None:
    await db.execute(f"update pipeline.job_runs set {column} = {column} - $1::interval", timedelta(**by))


async def row(db: Any) -> dict[str, Any]:
    return dict(await db.fetchrow("select * from pipeline.job_runs"))


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < deadline, "it did not come to that"
        await asyncio.sleep(0.05)


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


async def test_a_job_that_failed_is_tried_again_later_and_later(pool: Database, db: Any) -> None:
    ran: list[str] = []
    for failures, minutes in ((1, 1), (2, 2), (3, 4)):
        assert await jobs_at(NOON, pool, ran, fails=True).run_due() == ["recorder.upkeep"]
        assert (await row(db))["failures"] == failures
        assert (await row(db))["detail"] == "ValueError"
        await age(db, "finished_at", seconds=60 * minutes - 20)
        assert await jobs_at(NOON, pool, ran).run_due() == []
        await age(db, "finished_at", seconds=20)
    assert await jobs_at(NOON, pool, ran).run_due() == ["recorder.upkeep"]
    found = await row(db)
    assert (found["outcome"], found["runs"], found["failures"], found["detail"]) == ("ok", 4, 3, "")
    assert found["last_success_at"] == found["finished_at"]


async def test_even_a_job_that_fails_all_day_is_tried_every_half_hour(pool: Database, db: Any) -> None:
    ran: list[str] = []
    await jobs_at(NOON, pool, ran, fails=True).run_due()
    await db.execute("update pipeline.job_runs set failures = 400")
    await age(db, "finished_at", minutes=31)
    assert await jobs_at(NOON, pool, ran).run_due() == ["recorder.upkeep"]


HANGS = """
import asyncio, sys
from datetime import UTC, datetime, time, timedelta
from pydantic import SecretStr
from common.database import Database
from common.jobs import Jobs
from common.settings import Settings

async def hang():
    print("at work", flush=True)
    await asyncio.sleep(600)

async def main():
    pool = Database(Settings(database_url=SecretStr(sys.argv[1])), "test")
    await pool.start()
    jobs = Jobs("recorder", pool, clock=lambda: datetime.fromisoformat(sys.argv[2]))
    jobs.daily("upkeep", time(6), hang, window=timedelta(hours=10))
    await jobs.run_due()

asyncio.run(main())
"""


async def test_a_job_whose_process_was_killed_is_taken_over_in_its_window_and_not_before_it_is_surely_dead(
    pool: Database, db: Any, database: Any
) -> None:
    arguments = ("-c", HANGS, database.dsn("recorder"), NOON.isoformat())
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"at work\n"
    finally:
        process.kill()
        await process.wait()
    dead = await row(db)
    assert dead["finished_at"] is None
    ran: list[str] = []
    assert await jobs_at(NOON, pool, ran).run_due() == []
    await age(db, "alive_at", seconds=61)
    results = await asyncio.gather(*(jobs_at(NOON, pool, ran).run_due() for _ in range(3)))
    assert sorted(results) == [[], [], ["recorder.upkeep"]]
    found = await row(db)
    assert (found["outcome"], found["runs"], found["failures"], found["host"] != dead["host"]) == ("ok", 2, 1, True)


async def test_a_job_that_takes_long_keeps_its_row_and_one_that_lost_it_does_not_write_over_the_other(
    pool: Database, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_rows, "KEEP_SECONDS", 0.05)
    leave = asyncio.Event()
    jobs = Jobs("recorder", pool, clock=lambda: NOON)
    jobs.daily("upkeep", time(6), leave.wait, window=timedelta(hours=10))
    running = asyncio.create_task(jobs.run_due())
    await until(lambda: db.fetchval("select exists (select from pipeline.job_runs)"))
    await age(db, "alive_at", minutes=10)
    await until(lambda: db.fetchval("select alive_at > now() - interval '1 minute' from pipeline.job_runs"))
    ran: list[str] = []
    assert await jobs_at(NOON, pool, ran).run_due() == []
    await db.execute("update pipeline.job_runs set host = 'another', detail = 'its own'")
    leave.set()
    await running
    found = await row(db)
    assert (found["host"], found["finished_at"], found["detail"]) == ("another", None, "its own")


async def test_a_run_by_hand_counts_for_the_date_that_was_due_last(pool: Database, db: Any) -> None:
    """So that whoever refreshes at four in the morning does not take away the refresh of half past five."""
    ran: list[str] = []
    early = NOON - timedelta(hours=8)
    await jobs_at(early, pool, ran).run_now("recorder.upkeep")
    assert (await row(db))["local_date"] == TODAY - timedelta(days=1)
    assert await jobs_at(NOON, pool, ran).run_due() == ["recorder.upkeep"]
    await jobs_at(NOON, pool, ran).run_now("recorder.upkeep")
    assert len(ran) == 3


async def test_by_hand_a_job_is_not_run_beside_itself(pool: Database, db: Any) -> None:
    ran: list[str] = []
    await db.execute(
        "insert into pipeline.job_runs (job, local_date, host) values ('recorder.upkeep', $1, 'one')", TODAY
    )
    with pytest.raises(JobRunsError, match="runs already, on one"):
        await jobs_at(NOON, pool, ran).run_now("recorder.upkeep")
    with pytest.raises(NoSuchJobError, match="there are recorder"):
        await jobs_at(NOON, pool, ran).run_now("recorder.nothing")
    await age(db, "alive_at", seconds=61)
    await jobs_at(NOON, pool, ran).run_now("recorder.upkeep")
    assert ran == ["ran"]


class Chores:
    """A repeated job that fails as told."""

    def __init__(self, pool: Database) -> None:
        self.runs = 0
        self.fails = False
        self.jobs = Jobs("recorder", pool, clock=lambda: NOON)
        self.jobs.every(0.01, "chore", self.work)

    async def work(self) -> None:
        self.runs += 1
        if self.fails:
            raise ValueError("no")

    async def ran(self, more: int) -> None:
        enough = self.runs + more
        while self.runs < enough:
            await asyncio.sleep(0.01)


async def test_a_repeated_job_leaves_one_row_a_day_written_seldom_and_at_once_when_its_outcome_changes(
    pool: Database, db: Any
) -> None:
    chores = Chores(pool)
    await chores.jobs.start()
    await until(lambda: db.fetchval("select exists (select from pipeline.job_runs where outcome = 'ok')"))
    first = await row(db)
    await chores.ran(20)
    assert (await row(db))["runs"] == first["runs"]
    chores.fails = True
    await until(lambda: db.fetchval("select outcome = 'failed' from pipeline.job_runs"))
    failed = await row(db)
    assert (failed["detail"], failed["runs"] > 20, failed["failures"] > 0) == ("ValueError", True, True)
    chores.fails = False
    await until(lambda: db.fetchval("select outcome = 'ok' from pipeline.job_runs"))
    await chores.jobs.stop()
    last = await row(db)
    assert (last["runs"], last["local_date"], last["detail"]) == (chores.runs, TODAY, "ValueError")
    assert last["last_success_at"] >= failed["finished_at"]


async def test_notes_never_fail_or_delay_a_job_and_are_written_once_the_database_takes_them(
    pool: Database, db: Any
) -> None:
    await db.execute("alter table pipeline.job_runs add constraint closed check (runs < 0) not valid")
    chores = Chores(pool)
    await chores.jobs.start()
    await chores.ran(50)
    assert await db.fetchval("select count(*) from pipeline.job_runs") == 0
    await db.execute("alter table pipeline.job_runs drop constraint closed")
    await chores.jobs.stop()
    assert (await row(db))["runs"] == chores.runs


async def test_replicas_add_up(pool: Database, db: Any) -> None:
    replicas = [Chores(pool) for _ in range(3)]
    for chores in replicas:
        await chores.jobs.start()
        await chores.ran(5)
    for chores in replicas:
        await chores.jobs.stop()
    assert (await row(db))["runs"] == sum(chores.runs for chores in replicas)


async def test_jobs_that_a_service_has_no_more_are_listed_no_more(pool: Database, db: Any) -> None:
    await db.execute("insert into pipeline.jobs (job, every_seconds) values ('recorder.gone', 1), ('feeder.feed', 1)")
    await jobs_at(NOON, pool, [])._declare()
    assert [one["job"] for one in await db.fetch("select job from pipeline.jobs order by job")] == [
        "feeder.feed",
        "recorder.upkeep",
    ]


async def test_a_service_writes_about_its_own_jobs_only(pool: Database, db: Any) -> None:
    async with pool.connection() as connection:
        assert not await connection.fetchval("select pipeline.claim_job('feeder.feed', '2026-11-20', 'here')")
        await connection.execute("select pipeline.note_job('feeder.sweep', '2026-11-20', 'here', 1, 0, 'ok', '')")
    assert await db.fetchval("select count(*) from pipeline.job_runs") == 0


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
