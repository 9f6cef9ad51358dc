"""Outlook of one queued lead: when the feed would take it, or why it would not. It uses the feed's rules and writes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from common.bus import Tx
from common.calendar.business_date import BUSINESS_ZONE, business_date
from common.database import Connection
from common.ids import BrokerId, LeadId
from common.statements import require_row
from feeder.daily_feed import queries
from feeder.daily_feed.eligibility import BrokerQuota, check_eligibility
from feeder.daily_feed.feed_calendar import FEED_START_TIME, FeedCalendar
from feeder.daily_feed.feed_chunk import NO_VERIFIED_EMAIL
from feeder.daily_feed.order import list_best_candidates
from feeder.daily_feed.queries import BrokerFeedRules
from feeder.settings import FeederSettings

MIN_SEARCHED_CANDIDATES = 1_000
"""Candidates among which the lead's place is searched; more where two days feed more."""
_SEARCHED_DAYS = 366


@dataclass(frozen=True, slots=True)
class FeedOutlook:
    """The next feed of the lead's broker, and the lead's part in it."""

    next_feed_at: datetime | None
    """Start of the next feed; None where the broker has none within a year."""
    daily_limit: int
    reasons: tuple[str, ...] = ()
    """Why the feed would not take the lead, the deciding reason first."""
    place: int | None = None
    """Place among the broker's candidates; 1 is fed first. None where there are reasons."""
    fed_at: datetime | None = None
    """Start of the feed that would take the lead, if nothing changes."""


async def find_feed_outlook(connection: Connection, lead_id: LeadId, broker_id: BrokerId, now: datetime) -> FeedOutlook:
    """Return the outlook of a queued lead at *now*, by the feed's calendar, gate and order."""
    settings = FeederSettings()
    broker = require_row(await queries.read_broker(connection, broker_id=broker_id))
    used_today = await queries.count_slots(connection, broker_id=broker_id, local_date=business_date(now))
    days = list(islice(_list_feed_days(broker, settings, now, used_today), _SEARCHED_DAYS))
    next_feed_at = _start_of_feed(days[0]) if days else None
    if days and await queries.find_day_of_skip(connection, lead_id=lead_id) == days[0]:
        days = days[1:]  # each lead is checked once a day
    reasons = await _list_reasons(connection, settings, broker, broker_id, lead_id, now)
    if reasons or not days:
        return FeedOutlook(next_feed_at, broker.daily_limit, reasons or ("no_feed_day",))
    page_size = max(MIN_SEARCHED_CANDIDATES, 2 * broker.daily_limit)
    candidates = await list_best_candidates(connection, broker_id, days[0], page_size=page_size, exclude=frozenset())
    if lead_id not in candidates:
        reason = "better_leads_first" if len(candidates) == page_size else "not_in_the_snapshot_yet"
        return FeedOutlook(next_feed_at, broker.daily_limit, (reason,))
    place = candidates.index(lead_id) + 1
    used = used_today if days[0] == business_date(now) else 0
    fed_at = _find_feed_of_place(days, place, broker.daily_limit, used)
    return FeedOutlook(next_feed_at, broker.daily_limit, (), place, fed_at)


def _find_feed_of_place(days: list[date], place: int, daily_limit: int, used_on_first_day: int) -> datetime | None:
    """Return the start of the feed that reaches *place*; None if it is on none of *days*."""
    later_feeds = -(-max(0, place - (daily_limit - used_on_first_day)) // daily_limit)
    return _start_of_feed(days[later_feeds]) if later_feeds < len(days) else None


async def _list_reasons(
    connection: Connection,
    settings: FeederSettings,
    broker: BrokerFeedRules,
    broker_id: BrokerId,
    lead_id: LeadId,
    now: datetime,
) -> tuple[str, ...]:
    """Return why a feed with unused slots would not take the lead."""
    if not broker.active:
        return ("broker_inactive",)
    if not broker.daily_limit:
        return ("limit_reached",)
    if not await queries.list_ready_campaigns(connection, broker_id=broker_id):
        return ("no_campaign",)
    rows = await queries.read_queued_addresses(connection, lead_ids=[lead_id], broker_id=broker_id)
    addresses = {row.lead_id: row.value_hash for row in rows if row.value_hash}
    if not addresses:
        return (NO_VERIFIED_EMAIL,)
    quota = BrokerQuota(broker_id, broker.daily_limit, used_today=0)
    results = await check_eligibility(
        Tx(connection, "feeder"), addresses, quota, now, requires_consent=settings.feed_requires_consent
    )
    if not results:  # the address was ruled out since it was read
        return (NO_VERIFIED_EMAIL,)
    [result] = results
    reasons = [result.skip_reason, *map(str, result.contact.decision.reasons)]
    return tuple(dict.fromkeys(reason for reason in reasons if reason))


def _list_feed_days(
    broker: BrokerFeedRules, settings: FeederSettings, now: datetime, used_today: int
) -> Iterator[date]:
    """Yield the broker's feed days: today while its feed can still take a lead, then the following ones."""
    own = broker.feed_on_holidays
    on_holidays = settings.feed_on_holidays if own is None else own
    calendar = FeedCalendar(broker.feed_weekdays, on_holidays, broker.days_off)
    today = business_date(now)
    ends_at = _start_of_feed(today) + timedelta(hours=settings.feed_window_hours)
    for ahead in range(int(now >= ends_at or used_today >= broker.daily_limit), _SEARCHED_DAYS):
        day = today + timedelta(days=ahead)
        if calendar.is_feed_day(day):
            yield day


def _start_of_feed(day: date) -> datetime:
    return datetime.combine(day, FEED_START_TIME, BUSINESS_ZONE)
