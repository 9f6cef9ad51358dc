"""Hashes of addresses, made again after the normal form has changed (docs/adr/0028)."""

import asyncio

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.bus.failures import HoldError, Kind
from common.database import Database, load_queries
from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street

log = structlog.get_logger()
queries = load_queries(__file__)

REHASH_PAGE_SIZE = 500
REHASH_SECONDS = 5
OUTCOMES = ("rehashed", "held", "unreadable")


class OutdatedAddressesError(RuntimeError):
    """Raised while leads have hashes of an older normal form: a record of their home would become a second lead."""


class AddressRehash:
    """The job that brings the hashes of leads up to date, and the check that intake waits for it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def run(self) -> None:
        """Make outdated hashes again, page by page. Each page commits, so that a run that was killed goes on where it was."""
        totals = dict.fromkeys(OUTCOMES, 0)
        while page := await self._bus.transact(_rehash_page):
            for outcome, count in page.items():
                totals[outcome] += count
                telemetry.counter("equity_addresses_rehashed", "Addresses hashed again, by outcome").add(
                    count, {"outcome": outcome}
                )
            await asyncio.sleep(0)
        if any(totals.values()):
            log.info("addresses_rehashed", **totals)


async def check_addresses(database: Database) -> None:
    """Raise HoldError, so that the same records are taken again later, while any lead has an outdated hash."""
    async with database.connection() as connection:
        if await queries.has_outdated_addresses(connection):
            raise HoldError(Kind.OURS_DOWN, OutdatedAddressesError())


async def _rehash_page(tx: Tx) -> dict[str, int] | None:
    """Make the hashes of one page; None when there is none left."""
    await queries.lock_keys(tx.connection)
    leads = [lead async for lead in queries.outdated_addresses(tx.connection, page_size=REHASH_PAGE_SIZE)]
    if not leads:
        return None
    row = await queries.rehash_addresses(
        tx.connection, lead_ids=[lead["id"] for lead in leads], hashes=[_hash(*tuple(lead)[1:]) for lead in leads]
    )
    return {outcome: row[outcome] for outcome in OUTCOMES}


def _hash(address: str | None, unit: str | None, city: str | None, zip_code: str | None) -> bytes | None:
    if not address or not zip_code:
        return None
    try:
        return address_hash(*normal_street(address, unit, city or ""), zip_code)
    except (PoBoxError, UnreadableAddressError):
        return None
