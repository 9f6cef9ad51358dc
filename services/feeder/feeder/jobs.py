"""Scheduled jobs of the feeder: candidate snapshot, feed, clean-up and measurements (docs/feeding.md, Calendar)."""

from datetime import timedelta

from common import telemetry
from common.bus import Bus
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.compliance.legal_rules import legal_rules
from common.vendors.instantly import INSTANTLY
from common.vendors.throttle import VendorThrottle
from feeder import queries
from feeder.campaign_sync.link_check import DeadLinksError, LinkCheck
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.feed_calendar import is_in_feed_window
from feeder.daily_feed.requeue import requeue_leads

SKIP_RETENTION_DAYS = 30
"""Days for which `equity feed slots` can report skipped leads."""


class InstantlyAccessDeniedError(RuntimeError):
    """Instantly denies access to this workspace. A person has to correct the key, the plan or the scope."""

    def __init__(self, code: str | None) -> None:
        super().__init__(
            f"Instantly denies access ({code}). See docs/runbooks/provider-outage.md. Today's slots stay reserved; leads "
            "that do not reach Instantly today are queued again tomorrow."
        )


class FeederJobs:
    """Jobs that need no call to Instantly, apart from the check of the links in emails."""

    def __init__(
        self, bus: Bus, feed: DailyFeed, throttle: VendorThrottle, clock: Clock, link_check: LinkCheck | None = None
    ) -> None:
        self._bus = bus
        self._feed = feed
        self._throttle = throttle
        self._clock = clock
        self._link_check = link_check

    async def refresh_candidates(self) -> None:
        """Re-queue leads with an unused slot, then refresh the candidate snapshot without blocking its readers."""
        await requeue_leads(self._bus, self._clock)
        async with self._bus.database.connection() as connection:
            await queries.refresh_contactable_leads(connection)

    async def feed_brokers(self) -> None:
        """Feed every broker up to its daily limit.

        Raises DeadLinksError before any slot is taken while the links in the emails are dead. Raises
        InstantlyAccessDeniedError after the feed while Instantly denies access.
        """
        if self._link_check is not None and (problem := await self._link_check.find_problem()):
            raise DeadLinksError(problem)
        await self._feed.feed_brokers()
        state = await self._throttle.load_state(INSTANTLY)
        if state.is_access_denied:
            raise InstantlyAccessDeniedError(state.last_failure)

    async def top_up_feed(self) -> None:
        """Feed again while the day's window is open: after a crash, a refused add, or a raised limit."""
        if is_in_feed_window(self._clock(), self._feed.window):
            await self.feed_brokers()

    async def delete_old_skips(self) -> None:
        """Delete the reasons of skipped leads that are older than SKIP_RETENTION_DAYS."""
        before = business_date(self._clock()) - timedelta(days=SKIP_RETENTION_DAYS)
        async with self._bus.database.connection() as connection:
            await queries.delete_skips(connection, before=before)

    async def measure_members(self) -> None:
        """Export the members that must leave their campaigns, and the age of the oldest audit (docs/feeding.md, Memberships)."""
        async with self._bus.database.connection() as connection:
            unwanted = await queries.count_unwanted_members(connection)
            audit_lag = await queries.measure_audit_lag(connection, now=self._clock())
        members = telemetry.gauge(
            "equity_unwanted_members", "Members that must leave a campaign and may still be in it"
        )
        members.set(unwanted.members)
        oldest = telemetry.gauge("equity_unwanted_member_oldest_seconds", "Age of the oldest of these cases")
        oldest.set(max(0.0, unwanted.oldest_seconds))
        lag = telemetry.gauge(
            "equity_membership_audit_oldest_seconds", "Seconds since the campaign that waits longest was audited"
        )
        lag.set(max(0.0, audit_lag))

    async def measure_legal_rules(self) -> None:
        """Export the number of legal rules that must be compared with their sources again."""
        due = telemetry.gauge("equity_legal_rules_due", "Legal rules that were last checked too long ago")
        due.set(len(legal_rules().list_due(business_date(self._clock()))))
