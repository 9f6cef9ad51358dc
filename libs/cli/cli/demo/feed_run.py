"""The demo's second half: the leads of an upload on their way to the sandbox's Instantly, while the demo moves the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from time import monotonic

from cli.commands.clock import move_clock
from cli.demo import queries
from cli.demo.sandbox_setup import SandboxSetup
from cli.demo.steps import DemoSteps
from cli.shell import progress
from cli.shell.database import Connection
from cli.shell.errors import CliError
from cli.shell.output import print_message
from common.calendar.business_date import BUSINESS_ZONE
from common.calendar.clock import clock_from_file
from common.ids import BrokerId

POSTAL_ADDRESS = "1 Sample Street, Tampa, FL 33602"
"""Address in the demo's emails, which have no real recipient, where POSTAL_ADDRESS is not set."""

_REFRESH_JOB, _FEED_JOB = "feeder.refresh", "feeder.feed"
_STALLED_SECONDS = 90.0
_POLL_SECONDS = 0.3

CountProgress = Callable[[], Awaitable[tuple[int, int]]]
"""Returns the number of leads, campaigns or jobs that are done, and the number of all."""


class StepStalledError(CliError):
    """A step of the demo made no progress for a while."""

    def __init__(self, step: str, done: int, total: int, advice: str) -> None:
        super().__init__(
            f"The demo stopped at “{step}”: {done:,} of {total:,}, and no more in {_STALLED_SECONDS:.0f} seconds.",
            advice,
        )


async def wait_for_step(step: str, count_progress: CountProgress, advice: str) -> None:
    """Show the progress of *step* until all is done. Raises StepStalledError with *advice* when it stalls."""
    last, changed_at = -1, monotonic()
    with progress.show_row_progress(step) as bar:
        while True:
            done, total = await count_progress()
            bar.advance_to(done, total)
            if done >= total:
                return
            if done != last:
                last, changed_at = done, monotonic()
            elif monotonic() - changed_at > _STALLED_SECONDS:
                raise StepStalledError(step, done, total, advice)
            await asyncio.sleep(_POLL_SECONDS)


@dataclass(frozen=True, slots=True)
class FeedRun:
    """One feed of the demo's broker, with the vendors of *sandbox*."""

    connection: Connection
    sandbox: SandboxSetup
    broker_id: BrokerId
    steps: DemoSteps

    async def create_campaigns(self, broker: str, postal_address: str | None) -> None:
        """Make the broker's campaigns, one for each persona of the default file."""
        created = await self.steps.create_campaigns(broker, self.broker_id, postal_address or POSTAL_ADDRESS)
        if created:
            print_message(f"Made {created} campaigns, one for each persona.")

    async def feed_upload(self, upload_id: str) -> date:
        """Bring the leads of an upload to Instantly; return the day of their feed. Raises StepStalledError."""
        advice = self._advise("calls/melissa", "equity dlq list")
        await wait_for_step("tracing", lambda: self._count_traced(upload_id), advice)
        advice = self._advise("calls/instantly", "equity campaigns list")
        await wait_for_step("campaigns", self._count_campaigns, advice)
        day = await self._find_next_day()
        await self._move_clock_to_job(day, _REFRESH_JOB, "the feeder lists the leads that may be fed")
        await self._move_clock_to_job(day, _FEED_JOB, "the feed begins")
        advice = self._advise("calls/instantly", "equity feed slots")
        await wait_for_step("Instantly", lambda: self._count_added(day), advice)
        return day

    async def _count_traced(self, upload_id: str) -> tuple[int, int]:
        row = await queries.count_traced_of_upload(self.connection, upload_id=upload_id)
        return row.traced - row.to_be_queued, row.leads

    async def _count_campaigns(self) -> tuple[int, int]:
        row = await queries.count_campaigns(self.connection, broker_id=self.broker_id)
        return row.campaigns - row.due, row.campaigns

    async def _count_added(self, day: date) -> tuple[int, int]:
        row = await queries.count_slots_of_day(self.connection, broker_id=self.broker_id, local_date=day)
        return row.recorded, row.fed

    async def _find_next_day(self) -> date:
        """Return the next day with a feed for the broker, that had none and has not begun by the clock."""
        now = clock_from_file(self.sandbox.clock_file)().astimezone(BUSINESS_ZONE)
        has_begun = now.time() >= await self._find_job_time(_REFRESH_JOB)
        day = await self.steps.find_next_feed_day(self.broker_id, now.date() + timedelta(days=has_begun))
        if day is None:
            raise CliError(
                "The demo's broker is fed on no day of the next three months.", "See: equity brokers set --help"
            )
        return day

    async def _find_job_time(self, job: str) -> time:
        """Return the time of a daily *job*, as its service has declared it."""
        at = await queries.find_job_time(self.connection, job=job)
        if at is None:
            raise CliError(
                f"No service has declared the job {job}.", "Is the feeder running? `equity jobs list` shows the jobs."
            )
        return at

    async def _move_clock_to_job(self, day: date, job: str, event: str) -> None:
        """Move the clock to the time of *job* on *day*, and wait until the feeder has run it."""
        moment = datetime.combine(day, await self._find_job_time(job), BUSINESS_ZONE)
        move_clock(self.sandbox.clock_file, moment)
        print_message(f"It is {moment:%A, %d %B %Y, %H:%M} in Los Angeles: {event}.")
        advice = self._advise("calls/instantly", f"equity jobs history {job}")
        await wait_for_step(job.partition(".")[2], lambda: self._count_job_run(job, day), advice)

    async def _count_job_run(self, job: str, day: date) -> tuple[int, int]:
        outcome = await queries.find_job_outcome(self.connection, job=job, local_date=day)
        return int(outcome == "ok"), 1

    def _advise(self, path: str, command: str) -> str:
        return f"Look with `{command}`, at {self.sandbox.address}/_sandbox/{path}, and into the services' log."
