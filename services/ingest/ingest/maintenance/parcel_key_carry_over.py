"""Carry-over of parcel keys to county codes: `FL|PINELLAS|123` becomes `12103|123`, so that known leads keep matching.

It runs before ingest handles its first record, and again every hour, because an older replica may write old keys during an
upgrade. Each page is one transaction, and may be repeated.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg
import structlog

from common import telemetry
from common.database import Database, load_queries
from common.geography.counties import find_county, parcel_area
from common.geography.placeholders import parcel_number

log = structlog.get_logger()
queries = load_queries(__file__)

CARRY_OVER_PAGE_SIZE = 1_000
START_RETRY_SECONDS = 2.0
_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]+")

ParcelKey = tuple[str | None, str | None, str | None]
"""Parcel key, county code and county name."""


class ParcelKeyCarryOver:
    """The carry-over as a part of the service, which delays its start until no old key is left, and as a job."""

    is_service_only = True
    """Not needed in a process that runs a single job."""

    def __init__(self, database: Database, page_size: int = CARRY_OVER_PAGE_SIZE) -> None:
        self._database = database
        self._page_size = page_size

    async def start(self) -> None:
        """Carry over all old keys. Waits for a database that does not answer."""
        while True:
            try:
                await self.carry_over_parcel_keys()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("parcel_keys_not_carried_over", error=type(error).__name__)
                await asyncio.sleep(START_RETRY_SECONDS)
            else:
                return

    async def stop(self) -> None:
        """Do nothing: `start` leaves nothing behind."""

    async def carry_over_parcel_keys(self) -> Counter[str]:
        """Carry over old keys page by page; return how many were carried, held by another lead, or dropped."""
        totals: Counter[str] = Counter()
        while counts := await self._carry_over_page():
            totals.update(counts)
        if totals:
            log.info("parcel_keys_carried_over", **totals)
            for outcome, count in totals.items():
                telemetry.counter("equity_parcel_keys_carried_over", "Parcel keys that got their county's code").add(
                    count, {"outcome": outcome}
                )
        return totals

    async def _carry_over_page(self) -> dict[str, int]:
        async with self._database.transaction() as connection:
            leads = queries.list_parcel_keys_by_spelling(connection, page_size=self._page_size)
            rows = [row async for row in leads]
            if not rows:
                return {}
            keys = [build_parcel_key(row) for row in rows]
            counts = await queries.carry_over_parcel_keys(
                connection,
                lead_ids=[row["id"] for row in rows],
                old_keys=[row["apn_key"] for row in rows],
                new_keys=[key for key, _, _ in keys],
                fips=[fips for _, fips, _ in keys],
                counties=[county for _, _, county in keys],
            )
        return {name: counts[name] for name in ("carried", "held", "dropped")}


def build_parcel_key(row: Mapping[str, Any]) -> ParcelKey:
    """Return the key of a lead under its county's code, that code and the county's name; None for each that is unknown.

    The number as it is shown decides whether it is a parcel number, if it belongs to the key: `123-456-789` is one,
    `123456789` may be none.
    """
    state, county_name, parcel = [*row["apn_key"].split("|", 2), "", ""][:3]
    county = find_county(county_name, row["fips"] or "", state).county
    shown = row["apn"] or ""
    number = parcel_number(shown if _NOT_ALPHANUMERIC.sub("", shown.upper()) == parcel else parcel)
    if county is None:
        return None, None, None
    return (f"{parcel_area(county.fips)}|{number}" if number else None), county.fips, county.name
