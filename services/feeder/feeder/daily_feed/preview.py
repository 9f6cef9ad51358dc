"""Preview of the feed: runs the feed's own rules without its locks and writes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from common.bus import Tx
from common.calendar.business_date import BUSINESS_ZONE, business_date
from common.calendar.clock import Clock, clock_from_file
from common.database import Connection
from common.ids import BrokerId, LeadId
from common.statements import require_row
from feeder.app import build
from feeder.daily_feed import queries
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.feed_calendar import FEED_START_TIME
from feeder.daily_feed.feed_chunk import EarlierChunks, FedLead
from feeder.daily_feed.order import list_best_candidates
from feeder.settings import FeederSettings

WAITING_LEADS_SHOWN = 10
"""Leads shown that a higher limit would feed next."""


@dataclass(frozen=True, slots=True)
class PreviewedFeed:
    """Result of all chunks that the feed would write."""

    fed: list[FedLead]
    skipped: Mapping[LeadId, str]
    stop_reason: str
    lead_ids: frozenset[LeadId]
    """Leads that the chunks decided about."""


@dataclass(frozen=True, slots=True)
class PreviewedLead:
    """A lead with its outcome: `fed` with the campaign, `skipped` with the reason, or `waiting` for a further feed."""

    lead_id: LeadId
    score: int
    outcome: str
    reason: str = ""
    campaign: str = ""


@dataclass(frozen=True, slots=True)
class FeedPreview:
    """Report on a feed of one broker and day. Its fields are printed under their names."""

    broker: str
    day: date
    daily_limit: int
    fed_before: int
    would_be_fed: int
    skipped: int
    stop_reason: str
    queued: int
    queued_without_email: int
    verified_since_the_snapshot: int
    leads: Sequence[PreviewedLead]
    """Leads that would be fed, then skipped ones, then the next ones, each group in feed order."""


async def preview_feed(settings: FeederSettings, broker_id: BrokerId, day: date | None = None) -> FeedPreview:
    """Return what the feed of *day* (default: today) would do for a broker.

    It reads one snapshot of the database and takes no lock, so it never delays a feed that runs at the same moment.
    """
    clock = clock_from_file(settings.clock_file)
    if day is not None and day != business_date(clock()):
        clock = _fixed_clock(datetime.combine(day, FEED_START_TIME, BUSINESS_ZONE).astimezone(UTC))
    service = build(settings, clock)
    await service.database.start()
    try:
        async with (
            service.database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            feed = DailyFeed(service.bus, settings, clock)
            return await _build_report(connection, feed, broker_id, business_date(clock()))
    finally:
        await service.database.stop()


def _fixed_clock(moment: datetime) -> Clock:
    return lambda: moment


async def _build_report(connection: Connection, feed: DailyFeed, broker_id: BrokerId, day: date) -> FeedPreview:
    broker = require_row(await queries.read_broker(connection, broker_id=broker_id))
    queued = await queries.count_queued(connection, broker_id=broker_id)
    previewed = await _preview_chunks(connection, feed, broker_id, day)
    return FeedPreview(
        broker=broker.name,
        day=day,
        daily_limit=broker.daily_limit,
        fed_before=await queries.count_slots(connection, broker_id=broker_id, local_date=day),
        would_be_fed=len(previewed.fed),
        skipped=len(previewed.skipped),
        stop_reason=previewed.stop_reason,
        queued=queued.with_email,
        queued_without_email=queued.phone_only,
        verified_since_the_snapshot=queued.not_in_snapshot,
        leads=await _list_leads(connection, broker_id, day, previewed),
    )


async def _preview_chunks(connection: Connection, feed: DailyFeed, broker_id: BrokerId, day: date) -> PreviewedFeed:
    skips = await queries.list_skips(connection, broker_id=broker_id, local_date=day)
    skipped = {skip.lead_id: skip.reason for skip in skips}
    fed, earlier, stop_reason = list[FedLead](), EarlierChunks(), None
    while stop_reason is None:
        chunk = await feed.preview_chunk(Tx(connection, "feeder"), broker_id=broker_id, day=day, earlier=earlier)
        fed += chunk.fed
        skipped |= chunk.skipped
        stop_reason = chunk.stop_reason
        earlier = EarlierChunks(earlier.lead_ids | chunk.lead_ids, earlier.addresses | chunk.fed_addresses, len(fed))
    return PreviewedFeed(fed, skipped, stop_reason, earlier.lead_ids)


async def _list_leads(
    connection: Connection, broker_id: BrokerId, day: date, previewed: PreviewedFeed
) -> list[PreviewedLead]:
    """Return the leads that would be fed, then skipped ones, then the next ones in feed order."""
    waiting = await _list_waiting(connection, broker_id, day, exclude=previewed.lead_ids)
    lead_ids = [*(lead.lead_id for lead in previewed.fed), *previewed.skipped, *waiting]
    scores = {lead.id: lead.lead_score for lead in await queries.read_scores(connection, lead_ids=lead_ids)}
    named = await queries.list_campaign_names(connection, broker_id=broker_id)
    campaigns = {campaign.id: campaign.name for campaign in named}
    return [
        *(
            PreviewedLead(lead.lead_id, scores[lead.lead_id], "fed", campaign=campaigns[lead.campaign_id])
            for lead in previewed.fed
        ),
        *(PreviewedLead(lead_id, scores[lead_id], "skipped", reason) for lead_id, reason in previewed.skipped.items()),
        *(PreviewedLead(lead_id, scores[lead_id], "waiting", previewed.stop_reason) for lead_id in waiting),
    ]


async def _list_waiting(
    connection: Connection, broker_id: BrokerId, day: date, *, exclude: Iterable[LeadId]
) -> list[LeadId]:
    """Return the next leads in feed order that are still queued."""
    listed = await list_best_candidates(
        connection, broker_id, day, page_size=WAITING_LEADS_SHOWN, exclude=frozenset(exclude)
    )
    rows = await queries.read_queued_addresses(connection, lead_ids=listed, broker_id=broker_id)
    still_queued = {row.lead_id for row in rows}
    return [lead_id for lead_id in listed if lead_id in still_queued]
