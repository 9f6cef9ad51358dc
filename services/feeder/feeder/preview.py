"""Who would be fed, and who not and why: the feed itself, without its locks and what it writes."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from common.bus import Tx
from common.business_time import BUSINESS_ZONE, business_date
from common.clock import Clock, clock_of
from common.database import Connection, load_queries
from feeder.app import build
from feeder.feed import Feed, Seen
from feeder.pacing import FEED_AT
from feeder.settings import FeederSettings

queries = load_queries(__file__)

_AFTER = 10
"""Leads shown that would come next if the limit were higher."""


async def preview(settings: FeederSettings, broker_id: UUID, day: date | None = None) -> dict[str, Any]:
    """What the feed of *day* (default: today) would do for a broker: counts, and `leads` with their outcome and reason.

    The feed's own rules, read only: it takes no lock, so that it never keeps a lead from a feed at the same moment.
    """
    clock = clock_of(settings.clock_file)
    if day is not None and day != business_date(clock()):
        at = datetime.combine(day, FEED_AT, BUSINESS_ZONE).astimezone(UTC)
        clock = _standing(at)
    service = build(settings, clock)
    await service.database.start()
    try:
        async with (
            service.database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await _seen(connection, Feed(service.bus, settings, clock), broker_id, business_date(clock()))
    finally:
        await service.database.stop()


def _standing(at: datetime) -> Clock:
    return lambda: at


async def _seen(connection: Connection, feed: Feed, broker_id: UUID, day: date) -> dict[str, Any]:
    broker = await queries.read_broker(connection, broker_id=broker_id)
    before = await queries.count_slots(connection, broker_id=broker_id, local_date=day)
    waiting = dict(await queries.waiting_counts(connection, broker_id=broker_id))
    holds = queries.holds_of_today(connection, broker_id=broker_id, local_date=day)
    held, fed = {row["lead_id"]: row["reason"] async for row in holds}, list[tuple[UUID, UUID]]()
    seen, stop = Seen(), None
    while stop is None:
        chunk = await feed.look(Tx(connection, "feeder"), broker_id=broker_id, day=day, seen=seen)
        fed += chunk.fed
        held |= chunk.held
        stop = chunk.stop
        looked_at = seen.leads | chunk.held.keys() | chunk.stale | {lead for lead, _ in chunk.fed}
        seen = Seen(looked_at, seen.addresses | chunk.chosen, len(fed))
    names = {row["id"]: row["name"] async for row in queries.campaign_names(connection, broker_id=broker_id)}
    candidates = queries.list_candidates(
        connection, broker_id=broker_id, local_date=day, many=_AFTER, besides=list(seen.leads)
    )
    listed = [row["id"] async for row in candidates]
    next_up = queries.addresses_in_line(connection, lead_ids=listed, broker_id=broker_id)
    outcomes = {lead: ("fed", "", names[campaign]) for lead, campaign in fed}
    outcomes |= {lead: ("held", reason, "") for lead, reason in held.items()}
    waits = {row["lead_id"] async for row in next_up}
    outcomes |= {lead: ("waits", stop, "") for lead in listed if lead in waits}
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
        "would_be_fed": len(fed),
        "held": len(held),
        "ends_because": stop,
        "in_line": waiting["with_email"],
        "in_line_without_email": waiting["phone_only"],
        "verified_since_the_list_was_made": waiting["not_on_the_list"],
        "leads": sorted(leads, key=lambda lead: ["fed", "held", "waits"].index(lead["outcome"])),
    }
