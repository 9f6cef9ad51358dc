"""Who would be fed, and who not and why: the feed itself, in a transaction that is rolled back."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from common.bus import Tx
from common.business_time import BUSINESS_ZONE, business_date
from common.clock import Clock, clock_of
from common.database import Connection, load_queries
from feeder.app import build
from feeder.feed import Chunk, Feed
from feeder.pacing import FEED_AT
from feeder.settings import FeederSettings

queries = load_queries(__file__)

_AFTER = 10
"""Leads shown that would come next if the limit were higher."""


async def preview(settings: FeederSettings, broker_id: UUID, day: date | None = None) -> dict[str, Any]:
    """What the feed of *day* (default: today) would do for a broker: counts, and `leads` with their outcome and reason.

    It takes the feed's locks for a moment, and changes nothing.
    """
    clock = clock_of(settings.clock_file)
    if day is not None and day != business_date(clock()):
        at = datetime.combine(day, FEED_AT, BUSINESS_ZONE).astimezone(UTC)
        clock = _standing(at)
    service = build(settings, clock)
    await service.database.start()
    try:
        async with service.database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                feed = Feed(service.bus, settings, clock)
                return await _seen(connection, feed, broker_id, business_date(clock()))
            finally:
                await transaction.rollback()
    finally:
        await service.database.stop()


def _standing(at: datetime) -> Clock:
    return lambda: at


async def _seen(connection: Connection, feed: Feed, broker_id: UUID, day: date) -> dict[str, Any]:
    total = Chunk()
    broker = await queries.lock_broker(connection, broker_id=broker_id)
    before = await queries.count_slots(connection, broker_id=broker_id, local_date=day)
    waiting = dict(await queries.waiting_counts(connection, broker_id=broker_id))
    while total.stop is None:
        chunk = await feed.feed_chunk(Tx(connection, "feeder"), broker_id=broker_id, day=day)
        total.fed += chunk.fed
        total.held |= chunk.held
        total.carried += chunk.carried
        total.stop = chunk.stop
    names = {row["id"]: row["name"] async for row in queries.campaign_names(connection, broker_id=broker_id)}
    next_up = queries.list_candidates(connection, broker_id=broker_id, local_date=day, many=_AFTER)
    outcomes = {lead: ("fed", "", names[campaign]) for lead, campaign in total.fed}
    outcomes |= {lead: ("held", reason, "") for lead, reason in total.held.items()}
    outcomes |= {row["id"]: ("waits", total.stop, "") async for row in next_up}
    scores = {row["id"]: row["lead_score"] async for row in queries.read_leads(connection, lead_ids=list(outcomes))}
    leads = [
        {"lead_id": lead, "score": scores[lead], "outcome": outcome, "reason": reason, "campaign": campaign}
        for lead, (outcome, reason, campaign) in outcomes.items()
    ]
    return {
        "broker": broker["name"],
        "day": day,
        "daily_limit": broker["daily_limit"],
        "fed_before": before,
        "carried_over": total.carried,
        "would_be_fed": len(total.fed),
        "held": len(total.held),
        "ends_because": total.stop,
        "in_line": waiting["with_email"],
        "in_line_without_email": waiting["phone_only"],
        "verified_since_the_list_was_made": waiting["not_on_the_list"],
        "leads": sorted(leads, key=lambda lead: (["fed", "held", "waits"].index(lead["outcome"]), -lead["score"])),
    }
