"""Daily feed: puts each broker's best leads into campaigns, up to its daily limit (docs/feeding.md; docs/hazards.md, S21).

One chunk is one transaction. It locks the broker's row, counts the day's slots and asks the gate about the best candidates.
Each eligible lead takes a slot, becomes `active` and gets an add request for a campaign. All of it commits, or none.
So replicas, restarts and kills never exceed a broker's limit and never feed a lead twice.
The feed calls no vendor: `feeder.campaign_sync.reconciler` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.compliance.decision_log import lock_contacts, log_decisions
from common.ids import BrokerId, CampaignId, LeadId
from feeder.daily_feed import queries
from feeder.daily_feed.eligibility import BrokerQuota, check_eligibility
from feeder.daily_feed.feed_calendar import FeedCalendar
from feeder.daily_feed.feed_chunk import EarlierChunks, FeedChunk, build_chunk
from feeder.daily_feed.feed_writer import FeedWriter
from feeder.daily_feed.order import list_best_candidates
from feeder.daily_feed.queries import BrokerFeedRules
from feeder.settings import FeederSettings

log = structlog.get_logger()

FEED_CHUNK_SIZE = 500
"""Most leads that one transaction feeds. Each holds a lock, and PostgreSQL has some thousands for all transactions."""
EXTRA_CANDIDATES = 30
"""Candidates read beyond the remaining limit, to replace those that the gate refuses."""


class FeedError(RuntimeError):
    """At least one broker could not be fed. The other brokers were fed."""

    def __init__(self, broker_ids: Sequence[BrokerId]) -> None:
        super().__init__(
            f"{len(broker_ids)} brokers were not fed, the first is {broker_ids[0]}. "
            "See `broker_feed_failed` in the log for the reason; the job runs again."
        )


@dataclass(frozen=True, slots=True)
class FeedBroker:
    """A broker's row as one chunk reads it."""

    id: BrokerId
    name: str
    daily_limit: int
    is_active: bool
    calendar: FeedCalendar


class DailyFeed:
    """The feed of all brokers. Every replica may run it at any time."""

    def __init__(self, bus: Bus, settings: FeederSettings, clock: Clock) -> None:
        self._bus = bus
        self._settings = settings
        self._clock = clock
        self._writer = FeedWriter(clock)
        self.window = timedelta(hours=settings.feed_window_hours)

    async def feed_brokers(self) -> None:
        """Feed every active broker for the current business date. Raises FeedError if some could not be fed."""
        day, failed = business_date(self._clock()), []
        async with self._bus.database.connection() as connection:
            broker_ids = await queries.list_active_brokers(connection)
        for broker_id in broker_ids:
            try:
                await self.feed_broker(broker_id, day)
            except Exception as error:  # noqa: BLE001 - one broker's error must not stop the other brokers' feed
                log.warning("broker_feed_failed", broker_id=str(broker_id), error=type(error).__name__)
                failed.append(broker_id)
        if failed:
            raise FeedError(failed)

    async def feed_broker(self, broker_id: BrokerId, day: date) -> int:
        """Fill the broker's limit of *day*, chunk by chunk; return how many leads this call fed."""
        fed_count, exclude, stop_reason = 0, frozenset[LeadId](), None
        while stop_reason is None:
            chunk = await self._bus.transact(partial(self.feed_chunk, broker_id=broker_id, day=day, exclude=exclude))
            fed_count += len(chunk.fed)
            exclude |= chunk.no_longer_queued
            stop_reason = chunk.stop_reason
        telemetry.counter("equity_leads_fed", "Leads that took a slot of their broker's limit").add(fed_count)
        log.info("broker_fed", broker_id=str(broker_id), day=str(day), fed=fed_count, stop_reason=stop_reason)
        return fed_count

    async def feed_chunk(
        self, tx: Tx, *, broker_id: BrokerId, day: date, exclude: frozenset[LeadId] = frozenset()
    ) -> FeedChunk:
        """Feed the next chunk in *tx*, without the leads of *exclude*."""
        broker = self._build_broker(broker_id, await queries.lock_broker(tx.connection, broker_id=broker_id))
        return await self._process_chunk(tx, broker, day, EarlierChunks(exclude), writes=True)

    async def preview_chunk(self, tx: Tx, *, broker_id: BrokerId, day: date, earlier: EarlierChunks) -> FeedChunk:
        """Return the chunk that the feed would write after *earlier*. Take no lock and write nothing."""
        broker = self._build_broker(broker_id, await queries.read_broker(tx.connection, broker_id=broker_id))
        return await self._process_chunk(tx, broker, day, earlier, writes=False)

    def _build_broker(self, broker_id: BrokerId, rules: BrokerFeedRules | None) -> FeedBroker | None:
        if rules is None:
            return None
        own = rules.feed_on_holidays
        on_holidays = self._settings.feed_on_holidays if own is None else own
        calendar = FeedCalendar(rules.feed_weekdays, on_holidays, rules.days_off)
        return FeedBroker(broker_id, rules.name, rules.daily_limit, rules.active, calendar)

    async def _process_chunk(
        self, tx: Tx, broker: FeedBroker | None, day: date, earlier: EarlierChunks, *, writes: bool
    ) -> FeedChunk:
        """Return an empty chunk with the reason if the broker is not fed now, else the next chunk."""
        if broker is None or not broker.is_active:
            return FeedChunk(stop_reason="broker_inactive")
        if reason := self._find_reason_not_to_feed_on(day, broker.calendar, writes=writes):
            return FeedChunk(stop_reason=reason)
        used = await queries.count_slots(tx.connection, broker_id=broker.id, local_date=day) + earlier.fed_count
        quota = BrokerQuota(broker.id, broker.daily_limit, used, earlier.addresses)
        if quota.remaining <= 0:
            return FeedChunk(stop_reason="limit_reached")
        campaign_ids = await queries.list_ready_campaigns(tx.connection, broker_id=broker.id)
        if not campaign_ids:
            return FeedChunk(stop_reason="no_campaign")
        page_size = min(quota.remaining, FEED_CHUNK_SIZE) + EXTRA_CANDIDATES
        candidates = await list_best_candidates(
            tx.connection, broker.id, day, page_size=page_size, exclude=earlier.lead_ids
        )
        if not candidates:
            return FeedChunk(stop_reason="snapshot_exhausted")
        return await self._select_leads(tx, broker.id, day, quota, campaign_ids, candidates, writes=writes)

    def _find_reason_not_to_feed_on(self, day: date, calendar: FeedCalendar, *, writes: bool) -> str | None:
        if not calendar.is_feed_day(day):
            return "day_off"
        if writes and day != business_date(self._clock()):
            # The process was frozen over midnight: the reconciler adds no lead on a slot of a past day.
            return "day_over"
        return None

    async def _select_leads(
        self,
        tx: Tx,
        broker_id: BrokerId,
        day: date,
        quota: BrokerQuota,
        campaign_ids: Sequence[CampaignId],
        candidates: Sequence[LeadId],
        *,
        writes: bool,
    ) -> FeedChunk:
        """Ask the gate about *candidates*; with *writes*, lock them first and write what follows from the answers."""
        addresses = await self._read_queued_addresses(tx, broker_id, candidates)
        to_check = {lead_id: address for lead_id in candidates if (address := addresses.get(lead_id))}
        if writes:
            to_check = await self._lock_leads(tx, broker_id, to_check)
        results = await check_eligibility(
            tx, to_check, quota, self._clock(), requires_consent=self._settings.feed_requires_consent
        )
        chunk = build_chunk(candidates, addresses, results, campaign_ids)
        if writes:
            await log_decisions(tx, [result.contact for result in results])
            await self._writer.reserve_slots(tx, broker_id, day, chunk.fed)
            await self._writer.record_skips(tx, broker_id, day, chunk.skipped)
        return chunk

    async def _read_queued_addresses(
        self, tx: Tx, broker_id: BrokerId, lead_ids: Sequence[LeadId]
    ) -> dict[LeadId, bytes | None]:
        """Return the address hash of each lead that is still queued for the broker; None for a lead without an address."""
        rows = await queries.read_queued_addresses(tx.connection, lead_ids=lead_ids, broker_id=broker_id)
        return {row.lead_id: row.value_hash for row in rows}

    async def _lock_leads(self, tx: Tx, broker_id: BrokerId, addresses: Mapping[LeadId, bytes]) -> dict[LeadId, bytes]:
        """Lock *addresses* and their leads. Return those of leads that are still queued and that no other transaction holds.

        Addresses come first and leads second, as in a suppression, so that the two never deadlock.
        """
        await lock_contacts(tx, addresses.values())
        lead_ids = await queries.lock_candidates(tx.connection, lead_ids=sorted(addresses), broker_id=broker_id)
        locked = frozenset(lead_ids)
        return {lead_id: address for lead_id, address in addresses.items() if lead_id in locked}
