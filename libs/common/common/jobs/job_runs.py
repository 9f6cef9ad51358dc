"""Rows of jobs in `pipeline.job_runs`: the lease of a daily job, and the counts of a repeated job on a day.

The process that runs a daily job sends a heartbeat every few seconds; without one, another process takes the job over.
Runs of repeated jobs are counted, and the counts are written by a separate task, so that they never delay a job or fail it.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, time
from uuid import uuid4

import structlog

from common.bus.failures import error_code
from common.database import Database
from common.jobs import queries
from common.jobs.queries import JobRun, JobState
from common.statements import require_row

log = structlog.get_logger()

HEARTBEAT_SECONDS = 15.0
"""Time between two heartbeats of a daily job; well below `schedules.JOB_LEASE_SECONDS`."""
COUNTS_SECONDS = 30.0
"""Time between two writes of the counts. A new outcome is written at once."""


@dataclass(slots=True)
class _Tally:
    """Runs of a repeated job on a day that are not written yet."""

    runs: int = 0
    failures: int = 0
    outcome: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class JobDeclaration:
    """Job as a service declares it: daily with the first three fields, else repeated."""

    name: str
    local_time: time | None = None
    weekdays: Sequence[int] | None = None
    """ISO numbers."""
    window_minutes: int | None = None
    every_seconds: float | None = None


class JobRuns:
    """Rows of one service's jobs, written under a holder name that no other process has."""

    def __init__(self, service: str, database: Database) -> None:
        self._service = service
        self._database = database
        self._holder = f"{socket.gethostname()}/{uuid4().hex[:6]}"
        self._last_outcomes: dict[str, str] = {}
        self._tallies: dict[tuple[str, date], _Tally] = {}
        self._changed = asyncio.Event()
        self._write: asyncio.Task[None] | None = None
        """Write of the counts that was started last."""

    async def declare(self, jobs: Sequence[JobDeclaration]) -> None:
        """Store the service's list of jobs."""
        async with self._database.transaction() as connection:
            for job in jobs:
                await queries.declare_job(
                    connection,
                    job=job.name,
                    local_time=job.local_time,
                    weekdays=job.weekdays,
                    window_minutes=job.window_minutes,
                    every_seconds=job.every_seconds,
                )
            await queries.retire_jobs(connection, service=self._service, jobs=[job.name for job in jobs])

    async def list_states(self) -> list[JobState]:
        """Return the states of the service's jobs."""
        async with self._database.connection() as connection:
            return await queries.list_job_states(connection, service=self._service)

    async def claim(self, name: str, day: date, *, is_manual: bool = False) -> bool:
        """Claim the job of *day*. True for one caller, and again some time after the job failed or its process died."""
        async with self._database.connection() as connection:
            return await queries.claim_job(
                connection, job=name, local_date=day, holder=self._holder, is_manual=is_manual
            )

    async def find_run(self, name: str, day: date) -> JobRun:
        """Return host and start of the job of *day*. Raises LookupError if it has not run."""
        async with self._database.connection() as connection:
            return require_row(await queries.find_job_run(connection, job=name, local_date=day))

    @asynccontextmanager
    async def heartbeat(self, name: str, day: date) -> AsyncIterator[None]:
        """Send heartbeats while the block runs, so that no other process takes the job over."""
        sending = asyncio.create_task(self._send_heartbeats(name, day), name=f"heartbeat-{name}")
        try:
            yield
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def _send_heartbeats(self, name: str, day: date) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                async with self._database.connection() as connection:
                    is_holder = await queries.send_job_heartbeat(
                        connection, job=name, local_date=day, holder=self._holder
                    )
            except Exception as error:  # noqa: BLE001 - the database may be away; the job continues
                log.warning("job_heartbeat_failed", job=name, error=error_code(error))
                continue
            if not is_holder:
                log.warning("job_taken_over", job=name)
                return

    async def finish(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Write the outcome of the job of *day*, unless another process took it over."""
        async with self._database.connection() as connection:
            await queries.finish_job(
                connection, job=name, local_date=day, outcome=outcome, detail=detail, holder=self._holder
            )

    def count_run(self, name: str, day: date, outcome: str, detail: str) -> None:
        """Count a run of a repeated job. It is written within COUNTS_SECONDS, and at once if its outcome is new."""
        tally = self._tallies.setdefault((name, day), _Tally())
        tally.runs += 1
        tally.outcome = outcome
        if outcome != "ok":
            tally.failures += 1
            tally.detail = detail
        if self._last_outcomes.get(name) != outcome:
            self._last_outcomes[name] = outcome
            self._changed.set()

    async def wait_for_counts(self) -> None:
        """Wait until an outcome must be written at once, or for COUNTS_SECONDS."""
        with suppress(TimeoutError):
            async with asyncio.timeout(COUNTS_SECONDS):
                await self._changed.wait()

    async def write_counts(self) -> None:
        """Write the counts. Raises what the database raises; then the counts are kept for the next write.

        A write goes on when its caller is cancelled, and the next call waits for it. A transaction that is cancelled while
        it commits may be committed all the same: its counts would be written twice.
        """
        while self._write and not self._write.done():
            await asyncio.wait([self._write])
        self._changed.clear()
        self._write = asyncio.create_task(self._write_tallies(), name=f"job-counts-{self._service}")
        await asyncio.shield(self._write)

    async def _write_tallies(self) -> None:
        tallies, self._tallies = self._tallies, {}
        if not tallies:
            return
        try:
            async with self._database.transaction() as connection:
                for (name, day), tally in sorted(tallies.items()):
                    await queries.record_job_runs(
                        connection,
                        job=name,
                        local_date=day,
                        holder=self._holder,
                        runs=tally.runs,
                        failures=tally.failures,
                        outcome=tally.outcome,
                        detail=tally.detail,
                    )
        except BaseException:
            self._restore_tallies(tallies)
            raise

    def _restore_tallies(self, tallies: dict[tuple[str, date], _Tally]) -> None:
        for key, earlier in tallies.items():
            later = self._tallies.setdefault(key, _Tally(outcome=earlier.outcome))
            later.runs += earlier.runs
            later.failures += earlier.failures
            later.detail = later.detail or earlier.detail
