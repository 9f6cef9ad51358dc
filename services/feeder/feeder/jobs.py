"""What the feeder does at a time of day (design §7)."""

from common.clock import Clock
from common.database import Database, load_queries
from feeder.feed import Feed
from feeder.pacing import in_window

queries = load_queries(__file__)


class FeedJobs:
    """The refresh of the list, the feed, and its top-up."""

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
