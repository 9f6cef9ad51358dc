"""Work at a time of day, by the broker's business calendar, and work every so often (design §7).

Every job leaves a `job_runs` row for each local date. A daily one runs once a date, whatever replicas and restarts there
are, catches up inside its window, is tried again there when it failed, and is taken over when its process died. The row is
a courtesy that saves work; the job itself must bear being run twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

from common import telemetry
from common.bus.failures import code_of
from common.business_time import business_date
from common.clock import Clock, MovableClock, utc_now
from common.database import Database
from common.job_rows import JobRows
from common.schedules import EVERY_DAY, Schedule, standing

log = structlog.get_logger()

TICK_SECONDS = 15.0
MOVABLE_TICK_SECONDS = 1.0
"""With a clock that somebody may move, so that a job is not waited for."""
STOP_SECONDS = 5.0
"""How long a stop waits for the last notes to be written."""

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class DailyJob:
    """A job due by a schedule."""

    name: str
    schedule: Schedule
    work: Work

    def declared(self) -> tuple[object, ...]:
        """As `pipeline.declare_job` takes it."""
        minutes = round(self.schedule.window.total_seconds() / 60)
        return self.name, self.schedule.at, sorted(day + 1 for day in self.schedule.days), minutes, None


@dataclass(frozen=True, slots=True)
class RepeatedJob:
    """A job that runs again *seconds* after it ended, in every replica."""

    name: str
    seconds: float
    work: Work

    def declared(self) -> tuple[object, ...]:
        """As `pipeline.declare_job` takes it."""
        return self.name, None, None, None, self.seconds


class NoSuchJobError(LookupError):
    """No job of this service has that name."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.known = sorted(known)
        super().__init__(f"there is no job {name!r}; there are {', '.join(self.known)}")


class JobRunsError(RuntimeError):
    """The job runs already."""

    def __init__(self, name: str, host: str, since: datetime) -> None:
        super().__init__(f"{name} runs already, on {host}, since {since:%Y-%m-%d %H:%M:%S}Z")


class Jobs:
    """The ticker of one service."""

    def __init__(self, service: str, database: Database, clock: Clock = utc_now) -> None:
        self._service = service
        self._rows = JobRows(service, database)
        self._clock = clock
        self._tick_seconds = MOVABLE_TICK_SECONDS if isinstance(clock, MovableClock) else TICK_SECONDS
        self._daily: list[DailyJob] = []
        self._repeated: list[RepeatedJob] = []
        self._tasks: list[asyncio.Task[None]] = []

    def daily(self, name: str, at: time, work: Work, window: timedelta, days: Collection[int] = EVERY_DAY) -> None:
        """Run *work* once each local date of *days*."""
        self._daily.append(DailyJob(f"{self._service}.{name}", Schedule(at, window, days), work))

    def every(self, seconds: float, name: str, work: Work) -> None:
        """Run *work* again and again, with *seconds* between."""
        self._repeated.append(RepeatedJob(f"{self._service}.{name}", seconds, work))

    async def start(self) -> None:
        """Start ticking."""
        if self._daily or self._repeated:
            self._tasks.append(asyncio.create_task(self._keep_rows(), name=f"job-rows-{self._service}"))
        if self._daily:
            self._tasks.append(asyncio.create_task(self._tick(), name=f"jobs-{self._service}"))
        self._tasks += [asyncio.create_task(self._repeat(job), name=job.name) for job in self._repeated]

    async def stop(self) -> None:
        """Cancel what runs; a daily job is taken up again by whoever is next, a minute later."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        with suppress(Exception):
            await asyncio.wait_for(self._rows.write(), STOP_SECONDS)

    async def run_due(self) -> list[str]:
        """Run every daily job that is due now and that nobody has run; their names."""
        ran = []
        for job in self._daily:
            day = job.schedule.due(self._clock())
            if day and await self._rows.claim(job.name, day):
                await self._run_daily(job, day)
                ran.append(job.name)
        return ran

    async def run_now(self, name: str) -> None:
        """Run the job *name* by hand, due or not. A daily one counts as the run of the date it was due for last.

        Raises NoSuchJobError; JobRunsError, for a daily one; or what the job raises.
        """
        every: list[DailyJob | RepeatedJob] = [*self._daily, *self._repeated]
        jobs = {job.name: job for job in every}
        if name not in jobs:
            raise NoSuchJobError(name, jobs)
        job = jobs[name]
        if isinstance(job, RepeatedJob):
            raised = await self._run_repeated(job)
            await self._rows.write()
        else:
            now = self._clock()
            day = job.schedule.last(now) or business_date(now)
            if not await self._rows.claim(name, day, by_hand=True):
                holder = await self._rows.holder(name, day)
                raise JobRunsError(name, holder["host"], holder["started_at"])
            raised = await self._run_daily(job, day)
        if raised:
            raise raised

    async def _keep_rows(self) -> None:
        """Declare the jobs, then write what they note, and say as metrics how they stand. Delays and fails no job."""
        declared = False
        while True:
            try:
                if not declared:
                    await self._declare()
                    declared = True
                await self._rows.write()
                await self._measure()
            except Exception as error:  # noqa: BLE001 - the database may be away; what was noted is kept
                log.warning("job_rows_wait", service=self._service, error=code_of(error))
                await asyncio.sleep(5)
            await self._rows.wait()

    async def _declare(self) -> None:
        jobs: list[DailyJob | RepeatedJob] = [*self._daily, *self._repeated]
        await self._rows.declare(job.declared() for job in jobs)

    async def _measure(self) -> None:
        """Metrics of the rows, the same in every replica: a restart forgets nothing, and nobody runs means late."""
        last = telemetry.gauge("equity_job_last_success", "When a job last went well, Unix seconds")
        failing = telemetry.gauge("equity_job_failing", "1 from when a job failed until it goes well")
        late = telemetry.gauge("equity_job_overdue", "1 while what a job should have done is not done")
        now = self._clock()
        for state in await self._rows.states():
            if state["last_success_at"]:
                last.set(state["last_success_at"].timestamp(), name=state["job"])
            failing.set(float(bool(state["failures"]) and state["outcome"] != "ok"), name=state["job"])
            late.set(float(standing(state, now).late), name=state["job"])

    async def _tick(self) -> None:
        while True:
            try:
                await self.run_due()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next tick looks again
                log.warning("jobs_wait", service=self._service, error=type(error).__name__)
            await asyncio.sleep(self._tick_seconds)

    async def _repeat(self, job: RepeatedJob) -> None:
        while True:
            await self._run_repeated(job)
            await asyncio.sleep(job.seconds)

    async def _run_repeated(self, job: RepeatedJob) -> Exception | None:
        raised = await _run(job.name, job.work)
        self._rows.note(job.name, business_date(self._clock()), *_ended(raised))
        return raised

    async def _run_daily(self, job: DailyJob, day: date) -> Exception | None:
        async with self._rows.kept(job.name, day):
            raised = await _run(job.name, job.work)
        await self._rows.finish(job.name, day, *_ended(raised))
        return raised


async def _run(name: str, work: Work) -> Exception | None:
    """Run *work* and count how it ended; what it raised, or None."""
    raised = None
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - one job's fault must not stop the others; it is counted and logged
        raised = error
        log.warning("job_failed", job=name, error=code_of(error))
    outcome, _ = _ended(raised)
    telemetry.counter("equity_job_runs", "Job runs by outcome").add(1, {"name": name, "outcome": outcome})
    return raised


def _ended(raised: Exception | None) -> tuple[str, str]:
    """Outcome and detail."""
    return ("ok", "") if raised is None else ("failed", code_of(raised))
