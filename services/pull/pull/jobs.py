"""Scheduled work of the pull service; times are those of Los Angeles."""

from datetime import time

from common.calendar.clock import Clock
from common.jobs.schedule import JobSchedule
from pull.page_log import PageLog
from pull.puller import Puller
from pull.settings import PullSettings

PULL_TIME = time(4, 0)


class PullJobs:
    """Jobs of the pull service: the daily pull, its continuation after a crash or an outage, and the clean-up."""

    def __init__(self, puller: Puller, page_log: PageLog, settings: PullSettings, clock: Clock) -> None:
        self._puller = puller
        self._page_log = page_log
        self._clock = clock
        self._schedule = JobSchedule(PULL_TIME, settings.window)

    async def pull(self) -> None:
        """Pull every search whose round is due or open. Raises PullStoppedError."""
        await self._puller.pull_due_searches()

    async def catch_up(self) -> None:
        """Continue the pull after a crash or an outage while the day's window is open. Raises PullStoppedError."""
        if self._schedule.due_date(self._clock()):
            await self._puller.pull_due_searches()

    async def clean_up(self) -> None:
        """Delete rejected entries that are older than `PULL_REJECT_DAYS`."""
        await self._page_log.delete_old_rejects()
