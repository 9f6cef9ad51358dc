"""The feeder's part of `equity status` and `equity doctor`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cli.diagnostics import Matter, ServiceDiagnostics, StatusSection
from common.calendar.business_date import business_date
from common.database import Connection
from feeder import command_queries, queries
from feeder.command_queries import SlotsOfDay
from feeder.settings import FeederSettings

DAYS_SEARCHED = 14
UNWANTED_MEMBER_SECONDS = 600
"""Age from which the alert `SuppressedInCampaign` fires."""
_COLUMNS = {"broker": "broker", "local_date": "day", "fed": "fed", "daily_limit": "limit", "ended": "ended",
            "returned": "returned", "skipped": "skipped"}  # fmt: skip


async def report_status(connection: Connection, now: datetime) -> Sequence[StatusSection]:
    """Return the last feed of each broker, and members that must leave a campaign and did not for too long."""
    today = business_date(now)
    slots = await command_queries.list_feed_slots(connection, today=today, days=DAYS_SEARCHED, broker_id=None)
    unwanted = await queries.count_unwanted_members(connection)
    matters = []
    if unwanted.oldest_seconds > UNWANTED_MEMBER_SECONDS:
        text = f"leads in a campaign that must get no more emails: {unwanted.members:,}"
        matters.append(Matter(text, "docs/runbooks/suppressed-in-campaign.md"))
    nothing = f"no lead was fed in {DAYS_SEARCHED} days"
    return [StatusSection("last feed", _describe_last_feeds(slots), _COLUMNS, nothing, matters)]


def _describe_last_feeds(slots: Sequence[SlotsOfDay]) -> list[dict[str, Any]]:
    """Return the newest day of each broker; *slots* are sorted, the newest day first."""
    last: dict[str, SlotsOfDay] = {}
    for row in slots:
        last.setdefault(row.broker, row)
    return [_describe_feed(row) for row in last.values()]


def _describe_feed(row: SlotsOfDay) -> dict[str, Any]:
    fed = row.added + row.reserved
    is_full = fed >= row.daily_limit
    return {
        "broker": row.broker,
        "local_date": row.local_date,
        "fed": fed,
        "daily_limit": row.daily_limit,
        "ended": "limit reached" if is_full else "below the limit",
        "returned": row.returned,
        "skipped": row.skipped,
    }


DIAGNOSTICS = ServiceDiagnostics(FeederSettings, report_status)
