"""Work at a time of day, by the broker's business calendar, and work every so often (design §7).

A daily job has one `job_runs` row for each local date, whatever replicas and restarts there are, and catches up inside
its window. The row is a courtesy that saves work; the job itself must bear being run twice.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

from common import telemetry
from common.bus.failures import code_of
from common.business_time import BUSINESS_ZONE, business_date
from common.clock import Clock, MovableClock, utc_now
from common.database import Database

log = structlog.get_logger()

TICK_SECONDS = 15.0
MOVABLE_TICK_SECONDS = 1.0
"""With a clock that somebody may move, so that a job is not waited for."""
EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class DailyJob:
    """A job due once each local date, at *at* and, if that was missed, until *window* later."""

    name: str
    at: time
    work: Work
    window: timedelta = timedelta(hours=6)
    days: Collection[int] = EVERY_DAY

    def due(self, now: datetime) -> date | None:
        """The local date that this job is due for at *now*, or None."""
        local = now.astimezone(BUSINESS_ZONE)
        start = datetime.combine(local.date(), self.at, BUSINESS_ZONE)
        if local.weekday() in self.days and start <= local < start + self.window:
            return local.date()
        return None


@dataclass(frozen=True, slots=True)
class RepeatedJob:
    """A job that runs again *seconds* after it ended, in every replica."""

    name: str
    seconds: float
    work: Work


class NoSuchJobError(LookupError):
    """No job of this service has that name."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(f"there is no job {name!r}; there are {', '.join(sorted(known))}")


class Jobs:
    """The ticker of one service."""

    def __init__(self, service: str, database: Database, clock: Clock = utc_now) -> None:
        self._service = service
        self._database = database
        self._clock = clock
        self._tick_seconds = MOVABLE_TICK_SECONDS if isinstance(clock, MovableClock) else TICK_SECONDS
        self._host = socket.gethostname()
        self._daily: list[DailyJob] = []
        self._repeated: list[RepeatedJob] = []
        self._tasks: list[asyncio.Task[None]] = []

    def daily(self, name: str, at: time, work: Work, window: timedelta, days: Collection[int] = EVERY_DAY) -> None:
        """Run *work* once each local date of *days*."""
        self._daily.append(DailyJob(f"{self._service}.{name}", at, work, window, days))

    def every(self, seconds: float, name: str, work: Work) -> None:
        """Run *work* again and again, with *seconds* between."""
        self._repeated.append(RepeatedJob(f"{self._service}.{name}", seconds, work))

    async def start(self) -> None:
        """Start ticking."""
        if self._daily or self._repeated:
            self._tasks.append(asyncio.create_task(self._declare(), name=f"declare-{self._service}"))
        if self._daily:
            self._tasks.append(asyncio.create_task(self._tick(), name=f"jobs-{self._service}"))
        self._tasks += [asyncio.create_task(self._repeat(job), name=job.name) for job in self._repeated]

    async def stop(self) -> None:
        """Cancel what runs; daily jobs are taken up again by the next start."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()

    async def run_due(self) -> list[str]:
        """Run every daily job that is due now and that nobody has run; their names."""
        ran = []
        for job in self._daily:
            day = job.due(self._clock())
            if day and await self._claim(job.name, day):
                await self._run(job.name, job.work, day)
                ran.append(job.name)
        return ran

    async def run_now(self, name: str) -> None:
        """Run the job *name* by hand, due or not; a daily one leaves its row. Raises NoSuchJobError, or what it raises."""
        every: list[DailyJob | RepeatedJob] = [*self._daily, *self._repeated]
        jobs = {job.name: job for job in every}
        if name not in jobs:
            raise NoSuchJobError(name, jobs)
        job, day = jobs[name], business_date(self._clock())
        if not isinstance(job, DailyJob):
            await job.work()
            return
        async with self._database.connection() as connection:
            await connection.execute("select pipeline.start_job($1, $2, $3)", name, day, self._host)
        if error := await self._run(name, job.work, day):
            raise error

    async def _declare(self) -> None:
        """Tell the database which jobs there are, for `equity jobs list`."""
        daily = [
            (job.name, job.at, sorted(day + 1 for day in job.days), round(job.window.total_seconds() / 60), None)
            for job in self._daily
        ]
        repeated = [(job.name, None, None, None, job.seconds) for job in self._repeated]
        for pause in (0.0, 1.0, 5.0, 30.0, 300.0):
            await asyncio.sleep(pause)
            try:
                async with self._database.connection() as connection:
                    await connection.executemany("select pipeline.declare_job($1, $2, $3, $4, $5)", [*daily, *repeated])
            except Exception as error:  # noqa: BLE001 - the database may be away; the jobs run without it too
                log.warning("jobs_not_declared", service=self._service, error=code_of(error))
            else:
                return

    async def _tick(self) -> None:
        while True:
            try:
                await self.run_due()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next tick looks again
                log.warning("jobs_wait", service=self._service, error=type(error).__name__)
            await asyncio.sleep(self._tick_seconds)

    async def _repeat(self, job: RepeatedJob) -> None:
        while True:
            await self._run(job.name, job.work, None)
            await asyncio.sleep(job.seconds)

    async def _run(self, name: str, work: Work, day: date | None) -> Exception | None:
        """Run *work* and note how it ended; what it raised, or None."""
        outcome, detail, raised = "ok", "", None
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - one job's fault must not stop the others; it is counted and logged
            outcome, detail, raised = "failed", code_of(error), error
            log.warning("job_failed", job=name, error=detail)
        telemetry.counter("equity_job_runs", "Job runs by outcome").add(1, {"job": name, "outcome": outcome})
        if outcome == "ok":
            telemetry.gauge("equity_job_last_success", "When a job last went well, Unix seconds").set(
                self._clock().timestamp(), job=name
            )
        if day:
            async with self._database.connection() as connection:
                await connection.execute("select pipeline.finish_job($1, $2, $3, $4)", name, day, outcome, detail)
        return raised

    async def _claim(self, name: str, day: date) -> bool:
        async with self._database.connection() as connection:
            return bool(await connection.fetchval("select pipeline.claim_job($1, $2, $3)", name, day, self._host))
