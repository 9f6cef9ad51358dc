"""Address hashes, computed again after the normal form of addresses has changed (ADR 28)."""

import asyncio

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.bus.failures import ConsumerPausedError, FailureKind
from common.database import Database, load_queries
from common.records.addresses.normal_form import PoBoxError, UnreadableAddressError, hash_address, normalise_street

log = structlog.get_logger()
queries = load_queries(__file__)

REHASH_PAGE_SIZE = 500
REHASH_OUTCOMES = ("rehashed", "conflicting", "unreadable")


class OutdatedAddressesError(RuntimeError):
    """Raised while leads have hashes of an older normal form: a record of their home would become a second lead."""


class AddressRehash:
    """Replacement of all outdated address hashes."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def rehash_addresses(self) -> None:
        """Replace outdated hashes page by page. Each page commits, so a run that was killed continues where it stopped."""
        totals = dict.fromkeys(REHASH_OUTCOMES, 0)
        while page := await self._bus.transact(_rehash_page):
            for outcome, count in page.items():
                totals[outcome] += count
                telemetry.counter("equity_addresses_rehashed", "Addresses hashed again, by outcome").add(
                    count, {"outcome": outcome}
                )
            await asyncio.sleep(0)
        if any(totals.values()):
            log.info("addresses_rehashed", **totals)


async def require_current_hashes(database: Database) -> None:
    """Raise ConsumerPausedError while any lead has an outdated hash, so that the consumer takes the same records again later."""
    async with database.connection() as connection:
        if await queries.has_outdated_hashes(connection):
            raise ConsumerPausedError(FailureKind.INFRASTRUCTURE_UNAVAILABLE, OutdatedAddressesError())


async def _rehash_page(tx: Tx) -> dict[str, int] | None:
    """Replace the hashes of one page; return None if none was outdated."""
    await queries.lock_upserts(tx.connection)
    leads = [lead async for lead in queries.lock_outdated_addresses(tx.connection, page_size=REHASH_PAGE_SIZE)]
    if not leads:
        return None
    row = await queries.rehash_addresses(
        tx.connection,
        lead_ids=[lead["id"] for lead in leads],
        hashes=[_hash_stored_address(*tuple(lead)[1:]) for lead in leads],
    )
    return {outcome: row[outcome] for outcome in REHASH_OUTCOMES}


def _hash_stored_address(address: str | None, unit: str | None, city: str | None, zip_code: str | None) -> bytes | None:
    if not address or not zip_code:
        return None
    try:
        return hash_address(*normalise_street(address, unit, city or ""), zip_code)
    except (PoBoxError, UnreadableAddressError):
        return None
