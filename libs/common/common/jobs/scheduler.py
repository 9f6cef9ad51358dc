"""Scheduler of a service's jobs: at a time of day by the business calendar, or at an interval (docs/guides/adding-a-job.md).

Every job has a `job_runs` row for each local date. A daily job runs once for a date, whatever replicas and restarts there
are. Inside its window it catches up, is retried after a failure, and is taken over after its process died. The row only
saves work: the job itself must be safe to run twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, time, timedelta

import structlog

from common import telemetry
from common.bus.failures import error_code
from common.calendar.business_date import business_date
from common.calendar.clock import Clock, MovableClock, utc_now
from common.database import Database
from common.jobs.job_runs import JobDeclaration, JobRuns
from common.jobs.queries import JobRun
from common.jobs.schedule import EVERY_DAY, JobSchedule, job_status

log = structlog.get_logger()

TICK_SECONDS = 15.0
MOVABLE_TICK_SECONDS = 1.0
"""Interval with a clock that a file sets, so that a demonstration does not wait for a job."""
STOP_SECONDS = 5.0
"""How long a stop waits for the last counts of runs to be written."""

WRITE_RETRY_SECONDS = 5

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class DailyJob:
    """Job that is due by a schedule."""

    name: str
    schedule: JobSchedule
    work: Work

    def declaration(self) -> JobDeclaration:
        """Return the job as it is stored."""
        minutes = round(self.schedule.window.total_seconds() / 60)
        return JobDeclaration(self.name, self.schedule.at, sorted(day + 1 for day in self.schedule.days), minutes)


@dataclass(frozen=True, slots=True)
class RepeatedJob:
    """Job that runs again *seconds* after its last run ended, in every replica."""

    name: str
    seconds: float
    work: Work

    def declaration(self) -> JobDeclaration:
        """Return the job as it is stored."""
        return JobDeclaration(self.name, every_seconds=self.seconds)


class UnknownJobError(LookupError):
    """Name that no job of this service has."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        self.known = sorted(known)
        super().__init__(f"there is no job {name!r}; there are {', '.join(self.known)}")


class JobRunningError(RuntimeError):
    """Job that already runs."""

    def __init__(self, name: str, run: JobRun) -> None:
        super().__init__(f"{name} runs already, on {run.host}, since {run.started_at:%Y-%m-%d %H:%M:%S}Z")


class JobScheduler:
    """Scheduler of one service's jobs."""

    def __init__(self, service: str, database: Database, clock: Clock = utc_now) -> None:
        self._service = service
        self._job_runs = JobRuns(service, database)
        self._clock = clock
        self._tick_seconds = MOVABLE_TICK_SECONDS if isinstance(clock, MovableClock) else TICK_SECONDS
        self._daily: list[DailyJob] = []
        self._repeated: list[RepeatedJob] = []
        self._tasks: list[asyncio.Task[None]] = []

    def add_daily(self, name: str, at: time, work: Work, window: timedelta, days: Collection[int] = EVERY_DAY) -> None:
        """Run *work* once for each local date of *days*: at *at*, or until *window* later if that was missed."""
        self._daily.append(DailyJob(f"{self._service}.{name}", JobSchedule(at, window, days), work))

    def add_repeated(self, seconds: float, name: str, work: Work) -> None:
        """Run *work* repeatedly, with *seconds* between two runs."""
        self._repeated.append(RepeatedJob(f"{self._service}.{name}", seconds, work))

    async def start(self) -> None:
        """Start the tasks that run the jobs."""
        if self._daily or self._repeated:
            self._tasks.append(asyncio.create_task(self._write_job_runs(), name=f"job-runs-{self._service}"))
        if self._daily:
            self._tasks.append(asyncio.create_task(self._run_daily_jobs(), name=f"jobs-{self._service}"))
        self._tasks += [asyncio.create_task(self._repeat(job), name=job.name) for job in self._repeated]

    async def stop(self) -> None:
        """Cancel running jobs. Another replica, or the next process, takes a daily job over a minute later."""
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks.clear()
        with suppress(Exception):
            await asyncio.wait_for(self._job_runs.write_counts(), STOP_SECONDS)

    async def run_due_jobs(self) -> list[str]:
        """Run every daily job that is due now and has not run. Return the names of the jobs that ran."""
        ran = []
        for job in self._daily:
            day = job.schedule.due_date(self._clock())
            if day and await self._job_runs.claim(job.name, day):
                await self._run_daily(job, day)
                ran.append(job.name)
        return ran

    async def run_job(self, name: str) -> None:
        """Run the job *name* at once, due or not. For a daily job it counts as the run of its last due date.

        Raises UnknownJobError, JobRunningError for a daily job that already runs, or what the job raises.
        """
        jobs = {job.name: job for job in self._all_jobs()}
        if name not in jobs:
            raise UnknownJobError(name, jobs)
        job = jobs[name]
        if isinstance(job, RepeatedJob):
            error = await self._run_repeated(job)
            await self._job_runs.write_counts()
        else:
            now = self._clock()
            day = job.schedule.last_due_date(now) or business_date(now)
            if not await self._job_runs.claim(name, day, is_manual=True):
                raise JobRunningError(name, await self._job_runs.find_run(name, day))
            error = await self._run_daily(job, day)
        if error:
            raise error

    async def _write_job_runs(self) -> None:
        """Declare the jobs, then write counts of runs and update metrics. It neither delays a job nor fails it."""
        declared = False
        while True:
            try:
                if not declared:
                    await self._declare()
                    declared = True
                await self._job_runs.write_counts()
                await self._measure()
            except Exception as error:  # noqa: BLE001 - the database may be away; the counts are kept
                log.warning("job_runs_not_written", service=self._service, error=error_code(error))
                await asyncio.sleep(WRITE_RETRY_SECONDS)
            await self._job_runs.wait_for_counts()

    def _all_jobs(self) -> list[DailyJob | RepeatedJob]:
        return [*self._daily, *self._repeated]

    async def _declare(self) -> None:
        await self._job_runs.declare([job.declaration() for job in self._all_jobs()])

    async def _measure(self) -> None:
        """Update metrics from the rows. They are the same in every replica and survive restarts; without a run a job is late."""
        last_success = telemetry.gauge("equity_job_last_success", "Time of a job's last success, Unix seconds")
        failing = telemetry.gauge("equity_job_failing", "1 from a job's failure until its next success")
        overdue = telemetry.gauge("equity_job_overdue", "1 while a job is late or missed its window")
        now = self._clock()
        for state in await self._job_runs.list_states():
            if state.last_success_at:
                last_success.set(state.last_success_at.timestamp(), name=state.job)
            failing.set(float(bool(state.failures) and state.outcome != "ok"), name=state.job)
            overdue.set(float(job_status(state, now).late), name=state.job)

    async def _run_daily_jobs(self) -> None:
        while True:
            try:
                await self.run_due_jobs()
            except Exception as error:  # noqa: BLE001 - the database may be away; the next tick tries again
                log.warning("due_jobs_not_run", service=self._service, error=type(error).__name__)
            await asyncio.sleep(self._tick_seconds)

    async def _repeat(self, job: RepeatedJob) -> None:
        while True:
            await self._run_repeated(job)
            await asyncio.sleep(job.seconds)

    async def _run_repeated(self, job: RepeatedJob) -> Exception | None:
        error = await _run(job.name, job.work)
        self._job_runs.count_run(job.name, business_date(self._clock()), *_outcome_and_detail(error))
        return error

    async def _run_daily(self, job: DailyJob, day: date) -> Exception | None:
        async with self._job_runs.heartbeat(job.name, day):
            error = await _run(job.name, job.work)
        await self._job_runs.finish(job.name, day, *_outcome_and_detail(error))
        return error


async def _run(name: str, work: Work) -> Exception | None:
    """Run *work* and count its outcome. Return the error that it raised, or None."""
    raised = None
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - one job's error must not stop the others; it is counted and logged
        raised = error
        log.warning("job_failed", job=name, error=error_code(error))
    outcome, _ = _outcome_and_detail(raised)
    telemetry.counter("equity_job_runs", "Job runs by outcome").add(1, {"name": name, "outcome": outcome})
    return raised


def _outcome_and_detail(error: Exception | None) -> tuple[str, str]:
    return ("ok", "") if error is None else ("failed", error_code(error))
