"""Address hashes, computed again after the normal form of addresses has changed (ADR 28)."""

import asyncio
from collections import Counter

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.bus.failures import ConsumerPausedError, FailureKind
from common.database import Database
from common.records.addresses.normal_form import PoBoxError, UnreadableAddressError, hash_address, normalise_street
from ingest.maintenance import queries
from ingest.maintenance.queries import OutdatedAddress, RehashCounts

log = structlog.get_logger()

REHASH_PAGE_SIZE = 500


class OutdatedAddressesError(RuntimeError):
    """Raised while leads have hashes of an older normal form: a record of their home would become a second lead."""


class AddressRehash:
    """Replacement of all outdated address hashes."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def rehash_addresses(self) -> None:
        """Replace outdated hashes page by page. Each page commits, so a run that was killed continues where it stopped."""
        totals = Counter[str]()
        while page := await self._bus.transact(_rehash_page):
            counts = {"rehashed": page.rehashed, "conflicting": page.conflicting, "unreadable": page.unreadable}
            totals.update(counts)
            for outcome, count in counts.items():
                telemetry.counter("equity_addresses_rehashed", "Addresses hashed again, by outcome").add(
                    count, {"outcome": outcome}
                )
            await asyncio.sleep(0)
        if totals.total():
            log.info("addresses_rehashed", **totals)


async def require_current_hashes(database: Database) -> None:
    """Raise ConsumerPausedError while any lead has an outdated hash, so that the consumer takes the same records again later."""
    async with database.connection() as connection:
        if await queries.has_outdated_hashes(connection):
            raise ConsumerPausedError(FailureKind.INFRASTRUCTURE_UNAVAILABLE, OutdatedAddressesError())


async def _rehash_page(tx: Tx) -> RehashCounts | None:
    """Replace the hashes of one page; return None if none was outdated."""
    await queries.lock_upserts(tx.connection)
    leads = await queries.lock_outdated_addresses(tx.connection, page_size=REHASH_PAGE_SIZE)
    if not leads:
        return None
    return await queries.rehash_addresses(
        tx.connection,
        lead_ids=[lead.id for lead in leads],
        hashes=[_hash_stored_address(lead) for lead in leads],
    )


def _hash_stored_address(lead: OutdatedAddress) -> bytes | None:
    if not lead.property_address or not lead.property_zip:
        return None
    try:
        street = normalise_street(lead.property_address, lead.property_unit, lead.property_city or "")
        return hash_address(*street, lead.property_zip)
    except (PoBoxError, UnreadableAddressError):
        return None
