"""Jobs and their rows. A daily job runs once for a local date in all replicas, and again after a failure or a crash."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from common.calendar.clock import clock_from_file, move_clock
from common.database import Connection, Database
from common.jobs import job_runs
from common.jobs import scheduler as jobs_module
from common.jobs.scheduler import JobRunningError, JobScheduler, UnknownJobError
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


def jobs_at(now: datetime, pool: Database, ran: list[str], fails: bool = False) -> JobScheduler:
    async def work() -> None:
        ran.append("ran")
        if fails:
            raise ValueError("no")

    jobs = JobScheduler("recorder", pool, clock=lambda: now)
    jobs.add_daily("clean_up", time(6), work, window=timedelta(hours=10))
    return jobs


async def backdate(db: Any, column: str, **by: float) -> None:
    await db.execute(f"update pipeline.job_runs set {column} = {column} - $1::interval", timedelta(**by))


async def row(db: Any) -> dict[str, Any]:
    return dict(await db.fetchrow("select * from pipeline.job_runs"))


async def until(check: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not await check():
        assert asyncio.get_running_loop().time() < deadline, "the condition was not met in time"
        await asyncio.sleep(0.05)


async def test_one_of_many_replicas_runs_a_daily_job(pool: Database) -> None:
    ran: list[str] = []
    results = await asyncio.gather(*(jobs_at(NOON, pool, ran).run_due_jobs() for _ in range(5)))
    assert len(ran) == 1
    assert sorted(results) == [[], [], [], [], ["recorder.clean_up"]]
    assert await jobs_at(NOON + timedelta(hours=1), pool, ran).run_due_jobs() == []
    assert await jobs_at(NOON + timedelta(days=1), pool, ran).run_due_jobs() == ["recorder.clean_up"]


async def test_a_job_does_not_run_outside_its_window(pool: Database) -> None:
    ran: list[str] = []
    assert await jobs_at(NOON - timedelta(hours=7), pool, ran).run_due_jobs() == []
    assert ran == []


async def test_a_failed_job_is_retried_with_growing_backoff(pool: Database, db: Any) -> None:
    ran: list[str] = []
    for failures, minutes in ((1, 1), (2, 2), (3, 4)):
        assert await jobs_at(NOON, pool, ran, fails=True).run_due_jobs() == ["recorder.clean_up"]
        assert (await row(db))["failures"] == failures
        assert (await row(db))["detail"] == "ValueError"
        await backdate(db, "finished_at", seconds=60 * minutes - 20)
        assert await jobs_at(NOON, pool, ran).run_due_jobs() == []
        await backdate(db, "finished_at", seconds=20)
    assert await jobs_at(NOON, pool, ran).run_due_jobs() == ["recorder.clean_up"]
    found = await row(db)
    assert (found["outcome"], found["runs"], found["failures"], found["detail"]) == ("ok", 4, 3, "")
    assert found["last_success_at"] == found["finished_at"]


async def test_a_job_that_fails_all_day_is_retried_every_half_hour(pool: Database, db: Any) -> None:
    ran: list[str] = []
    await jobs_at(NOON, pool, ran, fails=True).run_due_jobs()
    await db.execute("update pipeline.job_runs set failures = 400")
    await backdate(db, "finished_at", minutes=31)
    assert await jobs_at(NOON, pool, ran).run_due_jobs() == ["recorder.clean_up"]


PROGRAM_WITH_HANGING_JOB = """
import asyncio, sys
from datetime import UTC, datetime, time, timedelta
from pydantic import SecretStr
from common.database import Connection, Database
from common.jobs.scheduler import JobScheduler
from common.settings import Settings

async def hang():
    print("running", flush=True)
    await asyncio.sleep(600)

async def main():
    pool = Database(Settings(database_url=SecretStr(sys.argv[1])), "test")
    await pool.start()
    jobs = JobScheduler("recorder", pool, clock=lambda: datetime.fromisoformat(sys.argv[2]))
    jobs.add_daily("clean_up", time(6), hang, window=timedelta(hours=10))
    await jobs.run_due_jobs()

asyncio.run(main())
"""


async def test_a_job_whose_process_was_killed_is_taken_over_in_its_window_after_the_lease_ended(
    pool: Database, db: Any, database: Any
) -> None:
    arguments = ("-c", PROGRAM_WITH_HANGING_JOB, database.dsn("recorder"), NOON.isoformat())
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"running\n"
    finally:
        process.kill()
        await process.wait()
    killed = await row(db)
    assert killed["finished_at"] is None
    ran: list[str] = []
    assert await jobs_at(NOON, pool, ran).run_due_jobs() == []
    await backdate(db, "alive_at", seconds=61)
    results = await asyncio.gather(*(jobs_at(NOON, pool, ran).run_due_jobs() for _ in range(3)))
    assert sorted(results) == [[], [], ["recorder.clean_up"]]
    found = await row(db)
    assert (found["outcome"], found["runs"], found["failures"], found["host"] != killed["host"]) == ("ok", 2, 1, True)


async def test_a_long_job_keeps_its_lease_and_a_job_that_lost_it_does_not_overwrite_the_new_holder(
    pool: Database, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runs, "HEARTBEAT_SECONDS", 0.05)
    finish = asyncio.Event()
    jobs = JobScheduler("recorder", pool, clock=lambda: NOON)
    jobs.add_daily("clean_up", time(6), finish.wait, window=timedelta(hours=10))
    running = asyncio.create_task(jobs.run_due_jobs())
    await until(lambda: db.fetchval("select exists (select from pipeline.job_runs)"))
    await backdate(db, "alive_at", minutes=10)
    await until(lambda: db.fetchval("select alive_at > now() - interval '1 minute' from pipeline.job_runs"))
    ran: list[str] = []
    assert await jobs_at(NOON, pool, ran).run_due_jobs() == []
    await db.execute("update pipeline.job_runs set host = 'another', detail = 'of the new holder'")
    finish.set()
    await running
    found = await row(db)
    assert (found["host"], found["finished_at"], found["detail"]) == ("another", None, "of the new holder")


async def test_a_run_by_command_counts_for_the_last_due_date(pool: Database, db: Any) -> None:
    """Otherwise a refresh by command at four in the morning would replace the scheduled refresh of half past five."""
    ran: list[str] = []
    early = NOON - timedelta(hours=8)
    await jobs_at(early, pool, ran).run_job("recorder.clean_up")
    assert (await row(db))["local_date"] == TODAY - timedelta(days=1)
    assert await jobs_at(NOON, pool, ran).run_due_jobs() == ["recorder.clean_up"]
    await jobs_at(NOON, pool, ran).run_job("recorder.clean_up")
    assert len(ran) == 3


async def test_a_command_does_not_run_a_job_that_already_runs(pool: Database, db: Any) -> None:
    ran: list[str] = []
    await db.execute(
        "insert into pipeline.job_runs (job, local_date, host) values ('recorder.clean_up', $1, 'one')", TODAY
    )
    with pytest.raises(JobRunningError, match="runs already, on one"):
        await jobs_at(NOON, pool, ran).run_job("recorder.clean_up")
    with pytest.raises(UnknownJobError, match="there are recorder"):
        await jobs_at(NOON, pool, ran).run_job("recorder.nothing")
    await backdate(db, "alive_at", seconds=61)
    await jobs_at(NOON, pool, ran).run_job("recorder.clean_up")
    assert ran == ["ran"]


class RepeatedWork:
    """Repeated job that fails on demand."""

    def __init__(self, pool: Database) -> None:
        self.runs = 0
        self.fails = False
        self.jobs = JobScheduler("recorder", pool, clock=lambda: NOON)
        self.jobs.add_repeated(0.01, "work", self.run)

    async def run(self) -> None:
        self.runs += 1
        if self.fails:
            raise ValueError("no")

    async def wait_for_runs(self, more: int) -> None:
        enough = self.runs + more
        while self.runs < enough:
            await asyncio.sleep(0.01)


async def test_a_repeated_job_has_one_row_a_day_which_is_written_at_once_when_its_outcome_changes(
    pool: Database, db: Any
) -> None:
    work = RepeatedWork(pool)
    await work.jobs.start()
    await until(lambda: db.fetchval("select exists (select from pipeline.job_runs where outcome = 'ok')"))
    first = await row(db)
    await work.wait_for_runs(20)
    assert (await row(db))["runs"] == first["runs"]
    work.fails = True
    await until(lambda: db.fetchval("select outcome = 'failed' from pipeline.job_runs"))
    failed = await row(db)
    assert (failed["detail"], failed["runs"] > 20, failed["failures"] > 0) == ("ValueError", True, True)
    work.fails = False
    await until(lambda: db.fetchval("select outcome = 'ok' from pipeline.job_runs"))
    await work.jobs.stop()
    last = await row(db)
    assert (last["runs"], last["local_date"], last["detail"]) == (work.runs, TODAY, "ValueError")
    assert last["last_success_at"] >= failed["finished_at"]


async def test_run_notes_neither_fail_nor_delay_a_job_and_are_written_once_the_database_accepts_them(
    pool: Database, db: Any
) -> None:
    await db.execute("alter table pipeline.job_runs add constraint closed check (runs < 0) not valid")
    work = RepeatedWork(pool)
    await work.jobs.start()
    await work.wait_for_runs(50)
    assert await db.fetchval("select count(*) from pipeline.job_runs") == 0
    await db.execute("alter table pipeline.job_runs drop constraint closed")
    await work.jobs.stop()
    assert (await row(db))["runs"] == work.runs


async def test_runs_of_all_replicas_are_added_up(pool: Database, db: Any) -> None:
    replicas = [RepeatedWork(pool) for _ in range(3)]
    for work in replicas:
        await work.jobs.start()
        await work.wait_for_runs(5)
    for work in replicas:
        await work.jobs.stop()
    assert (await row(db))["runs"] == sum(work.runs for work in replicas)


class SlowToAnswer(Database):
    """Database whose transactions are committed some time before their caller learns it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, "test")
        self.committed, self.answers = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        async with super().transaction() as connection:
            yield connection
        self.committed.set()
        await self.answers.wait()


async def test_runs_are_counted_once_if_their_write_is_cancelled_while_it_commits(database: Any, db: Any) -> None:
    slow = SlowToAnswer(Settings(database_url=SecretStr(database.dsn("recorder"))))
    await slow.start()
    runs = job_runs.JobRuns("recorder", slow)
    runs.count_run("recorder.work", TODAY, "ok", "")
    writing = asyncio.create_task(runs.write_counts())
    await slow.committed.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    runs.count_run("recorder.work", TODAY, "ok", "")
    last = asyncio.create_task(runs.write_counts())
    slow.answers.set()
    await last
    assert (await row(db))["runs"] == 2
    await slow.stop()


async def test_removed_jobs_are_not_listed(pool: Database, db: Any) -> None:
    await db.execute("insert into pipeline.jobs (job, every_seconds) values ('recorder.gone', 1), ('feeder.feed', 1)")
    await jobs_at(NOON, pool, [])._declare()
    assert [one["job"] for one in await db.fetch("select job from pipeline.jobs order by job")] == [
        "feeder.feed",
        "recorder.clean_up",
    ]


async def test_a_service_can_write_rows_of_no_other_service(pool: Database, db: Any) -> None:
    async with pool.connection() as connection:
        assert not await connection.fetchval("select pipeline.claim_job('feeder.feed', '2026-11-20', 'here')")
        await connection.execute(
            "select pipeline.record_job_runs('feeder.audit_members', '2026-11-20', 'here', 1, 0, 'ok', '')"
        )
    assert await db.fetchval("select count(*) from pipeline.job_runs") == 0


async def test_a_moved_clock_starts_a_due_job_within_a_second(
    pool: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "TICK_SECONDS", 3_600)
    file, ran = tmp_path / "clock", asyncio.Event()

    async def work() -> None:
        ran.set()

    move_clock(file, NOON - timedelta(hours=7))
    jobs = JobScheduler("recorder", pool, clock_from_file(file))
    jobs.add_daily("clean_up", time(6), work, window=timedelta(hours=10))
    await jobs.start()
    assert await jobs.run_due_jobs() == []
    move_clock(file, NOON)
    await asyncio.wait_for(ran.wait(), 30)
    await jobs.stop()
