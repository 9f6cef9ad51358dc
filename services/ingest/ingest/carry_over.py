"""Parcel keys from before counties had codes: `FL|PINELLAS|123` becomes `12103|123`, so that known leads keep matching.

It runs before ingest takes its first record, and again every hour, for what an older replica wrote during an upgrade. Each page
is a transaction that may be repeated.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import asyncpg
import structlog

from common import telemetry
from common.counties import find_county, parcel_area
from common.database import Database, load_queries
from common.placeholders import parcel_number

log = structlog.get_logger()
queries = load_queries(__file__)

PAGE_SIZE = 1_000
CARRY_OVER_SECONDS = 3_600.0
RETRY_SECONDS = 2.0
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")

NewKey = tuple[str | None, str | None, str | None]


class ParcelKeyCarryOver:
    """The carry-over as a part of the service, which holds its start until no old key is left, and as a job."""

    serves = True
    """Not needed where a job is run by hand."""

    def __init__(self, database: Database, page_size: int = PAGE_SIZE) -> None:
        self._database = database
        self._page_size = page_size

    async def start(self) -> None:
        """Carry over all that is there. Waits for a database that does not answer."""
        while True:
            try:
                await self.run()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("parcel_keys_not_carried_over", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def stop(self) -> None:
        """Nothing to end."""

    async def run(self) -> Counter[str]:
        """Carry over page by page; how many keys were carried, held by another lead, or dropped."""
        total: Counter[str] = Counter()
        while found := await self._page():
            total.update(found)
        if total:
            log.info("parcel_keys_carried_over", **total)
            for outcome, count in total.items():
                telemetry.counter("equity_parcel_keys_carried_over", "Parcel keys that got their county's code").add(
                    count, {"outcome": outcome}
                )
        return total

    async def _page(self) -> dict[str, int]:
        async with self._database.transaction() as connection:
            rows = [row async for row in queries.parcel_keys_by_spelling(connection, many=self._page_size)]
            if not rows:
                return {}
            keys = [new_key(row) for row in rows]
            done = await queries.carry_over_parcel_keys(
                connection,
                lead_ids=[row["id"] for row in rows],
                old_keys=[row["apn_key"] for row in rows],
                new_keys=[key for key, _, _ in keys],
                fips=[fips for _, fips, _ in keys],
                counties=[county for _, _, county in keys],
            )
        return {name: done[name] for name in ("carried", "held", "dropped")}


def new_key(row: Mapping[str, Any]) -> NewKey:
    """The key of a lead under its county's code, that code and the county's name; None for what cannot be told.

    The number as it is shown is judged where it is the key's: `123-456-789` is a parcel, `123456789` may be none.
    """
    state, county, parcel = [*row["apn_key"].split("|", 2), "", ""][:3]
    place = find_county(county, row["fips"] or "", state).county
    shown = row["apn"] or ""
    number = parcel_number(shown if _NOT_ALNUM.sub("", shown.upper()) == parcel else parcel)
    if place is None:
        return None, None, None
    return (f"{parcel_area(place.fips)}|{number}" if number else None), place.fips, place.name
