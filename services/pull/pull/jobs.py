"""What the pull does at a time of day (design §7)."""

from datetime import time

from common.clock import Clock
from common.jobs import DailyJob
from pull.pulling import Puller
from pull.settings import PullSettings

PULL_AT = time(4, 0)


class PullJobs:
    """The daily pull, and going on with it after a crash or an outage."""

    def __init__(self, puller: Puller, settings: PullSettings, clock: Clock) -> None:
        self._puller = puller
        self._clock = clock
        self._day = DailyJob("pull.pull", PULL_AT, puller.run, settings.window)

    async def pull(self) -> None:
        """Pull every search that is due or not through. Raises PullStoppedError."""
        await self._puller.run()

    async def catch_up(self) -> None:
        """The same while the day's window is open: goes on where a crash or an outage ended the pull."""
        if self._day.due(self._clock()):
            await self._puller.run()
