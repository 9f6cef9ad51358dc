"""What the feeder does at a time of day (design §7)."""

from datetime import timedelta

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.business_time import business_date
from common.clock import Clock
from common.database import load_queries
from feeder.door import Door, InstantlyRefusesError
from feeder.feed import Feed
from feeder.link_check import LinkCheck, LinksRefusedError
from feeder.pacing import in_window

log = structlog.get_logger()
queries = load_queries(__file__)

HOLD_DAYS = 30
"""Days that `equity feed slots` can say how many were held."""
AT_ONCE = 500


class FeedJobs:
    """The refresh of the list, the feed and its top-up, and what is watched and let go."""

    def __init__(self, bus: Bus, feed: Feed, door: Door, clock: Clock, links: LinkCheck | None = None) -> None:
        self._bus = bus
        self._feed = feed
        self._door = door
        self._clock = clock
        self._links = links

    async def refresh(self) -> None:
        """Let who was fed and never came to Instantly get in line again, and make the list anew without blocking its readers."""
        back = 0
        while count := await self._bus.transact(self._back_in_line):
            back += count
        if back:
            telemetry.counter("equity_leads_back_in_line", "Leads that had a slot and never came to Instantly").add(
                back
            )
            log.warning("leads_back_in_line", count=back)
        async with self._bus.database.connection() as connection:
            await queries.refresh_contactable_leads(connection)

    async def feed(self) -> None:
        """Feed every broker up to its limit of the day.

        Raises LinksRefusedError before any slot is taken while the links in the emails are dead, and InstantlyRefusesError
        after feeding while Instantly takes no member.
        """
        if self._links is not None and (problem := await self._links.problem()):
            raise LinksRefusedError(problem)
        await self._feed.run()
        standing = await self._door.standing()
        if standing.refuses:
            raise InstantlyRefusesError(standing.fault or "")

    async def top_up(self) -> None:
        """The same again while the day's window is open: after a crash, a refused add, or a raised limit."""
        if in_window(self._clock(), self._feed.window):
            await self.feed()

    async def clean_up(self) -> None:
        """Forget why leads were held on days long past."""
        before = business_date(self._clock()) - timedelta(days=HOLD_DAYS)
        async with self._bus.database.connection() as connection:
            await queries.forget_holds(connection, before=before)

    async def watch_members(self) -> None:
        """How many may still be in a campaign who must not, and for how long: minutes at the most (design §6)."""
        async with self._bus.database.connection() as connection:
            row = await queries.unwanted_members(connection)
            lag = await queries.sweep_lag(connection, now=self._clock())
        members = telemetry.gauge("equity_unwanted_members", "Who must not be in a campaign and may still be")
        oldest = telemetry.gauge("equity_unwanted_member_oldest_seconds", "For how long the longest of them")
        members.set(row["members"])
        oldest.set(max(0.0, row["oldest_seconds"]))
        behind = telemetry.gauge(
            "equity_sweep_oldest_seconds", "Since a campaign was last compared with what it should hold"
        )
        behind.set(max(0.0, lag))

    async def _back_in_line(self, tx: Tx) -> int:
        """ADR 20: their slots are given back, and the next feed asks the gate about them anew."""
        now = self._clock()
        rows = queries.never_added(tx.connection, local_date=business_date(now), many=AT_ONCE)
        found = [row["id"] async for row in rows]
        if not found:
            return 0
        moves = queries.move_leads(tx.connection, lead_ids=found, to_status="queued", because="never came to Instantly")
        back = [row["lead_id"] async for row in moves if row["result"] == "moved"]
        await queries.want_nowhere(tx.connection, lead_ids=back, now=now)
        await queries.refuse_slots(tx.connection, lead_ids=back)
        await queries.forget_added_at(tx.connection, lead_ids=back)
        return len(back)
