"""What the feeder does at a time of day (design §7)."""

from datetime import timedelta

from common import telemetry
from common.business_time import business_date
from common.clock import Clock
from common.database import Database, load_queries
from feeder.feed import Feed
from feeder.pacing import in_window

queries = load_queries(__file__)

HOLD_DAYS = 30
"""Days that `equity feed slots` can say how many were held."""


class FeedJobs:
    """The refresh of the list, the feed and its top-up, and what is watched and let go."""

    def __init__(self, database: Database, feed: Feed, clock: Clock) -> None:
        self._database = database
        self._feed = feed
        self._clock = clock

    async def refresh(self) -> None:
        """Refresh `mv_contactable_leads` without blocking its readers."""
        async with self._database.connection() as connection:
            await queries.refresh_contactable_leads(connection)

    async def feed(self) -> None:
        """Feed every broker up to its limit of the day."""
        await self._feed.run()

    async def top_up(self) -> None:
        """The same again while the day's window is open: after a crash, a refused add, or a raised limit."""
        if in_window(self._clock(), self._feed.window):
            await self._feed.run()

    async def clean_up(self) -> None:
        """Forget why leads were held on days long past."""
        before = business_date(self._clock()) - timedelta(days=HOLD_DAYS)
        async with self._database.connection() as connection:
            await queries.forget_holds(connection, before=before)

    async def watch_members(self) -> None:
        """How many may still be in a campaign who must not, and for how long: minutes at the most (design §6)."""
        async with self._database.connection() as connection:
            row = await queries.unwanted_members(connection)
        members = telemetry.gauge("equity_unwanted_members", "Who must not be in a campaign and may still be")
        oldest = telemetry.gauge("equity_unwanted_member_oldest_seconds", "For how long the longest of them")
        members.set(row["members"])
        oldest.set(max(0.0, row["oldest_seconds"]))
