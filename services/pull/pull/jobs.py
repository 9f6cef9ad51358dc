"""What the pull does at a time of day (design §7)."""

from datetime import time

from common.clock import Clock
from common.schedules import Schedule
from pull.ledger import Ledger
from pull.pulling import Puller
from pull.settings import PullSettings

PULL_AT = time(4, 0)


class PullJobs:
    """The daily pull, going on with it after a crash or an outage, and what is forgotten."""

    def __init__(self, puller: Puller, ledger: Ledger, settings: PullSettings, clock: Clock) -> None:
        self._puller = puller
        self._ledger = ledger
        self._clock = clock
        self._schedule = Schedule(PULL_AT, settings.window)

    async def pull(self) -> None:
        """Pull every search that is due or not through. Raises PullStoppedError."""
        await self._puller.run()

    async def catch_up(self) -> None:
        """The same while the day's window is open: goes on where a crash or an outage ended the pull."""
        if self._schedule.due(self._clock()):
            await self._puller.run()

    async def clean_up(self) -> None:
        """Delete properties that could not be read and that nobody has asked about for long."""
        await self._ledger.drop_rejects()
