"""The hourly sweep: every campaign at Instantly compared with what it should hold (design §6).

It finds what no answer told: an add that came through after it was given up, a removal that did not last, a member whom
nobody of ours put there. Nobody suppressed stays in a campaign.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Tx
from common.clock import Clock
from common.database import load_queries
from feeder.memberships import Memberships
from feeder.vendors.instantly import GoneError, Instantly, Member, NotDoneError, UnknownOutcomeError

log = structlog.get_logger()
queries = load_queries(__file__)


class Sweep:
    """Compares; the reconciler acts on what it finds."""

    def __init__(self, memberships: Memberships, vendor: Instantly, clock: Clock) -> None:
        self._memberships = memberships
        self._bus = memberships.bus
        self._vendor = vendor
        self._clock = clock

    async def run(self) -> None:
        """Compare every campaign, whatever happens to one of them."""
        await self._bus.transact(self._take_out)
        async with self._bus.database.connection() as connection:
            campaigns = [(row["id"], row["vendor_campaign_id"]) async for row in queries.synced_campaigns(connection)]
        for campaign_id, vendor_campaign_id in campaigns:
            try:
                await self._compare(campaign_id, vendor_campaign_id)
            except GoneError:
                await self._memberships.campaign_gone(campaign_id)
            except (NotDoneError, UnknownOutcomeError) as error:
                log.warning("sweep_cut_short", campaign_id=str(campaign_id), error=type(error).__name__)

    async def _take_out(self, tx: Tx) -> None:
        found = [row["lead_id"] async for row in queries.take_out(tx.connection, lead_ids=None, now=self._clock())]
        if found:
            log.warning("sweep_took_out", count=len(found))

    async def _compare(self, campaign_id: UUID, vendor_campaign_id: str) -> None:
        started, seen, after = self._clock(), set[UUID](), None
        while True:
            members, after = await self._vendor.page(vendor_campaign_id, after)
            seen |= await self._take_in(campaign_id, members)
            if not members or not after:
                break
        missing = await self._bus.transact(lambda tx: self._doubt(tx, campaign_id, seen, started))
        if missing:
            log.warning("members_missing", campaign_id=str(campaign_id), count=missing)

    async def _doubt(self, tx: Tx, campaign_id: UUID, seen: set[UUID], before: datetime) -> int:
        rows = queries.doubt_missing(tx.connection, campaign_id=campaign_id, seen=sorted(seen), before=before)
        return len([row async for row in rows])

    async def _take_in(self, campaign_id: UUID, members: Sequence[Member]) -> set[UUID]:
        """Note who is there; the leads that we know. Strangers who are suppressed are taken out at once."""
        hashes = {member.id: self._bus.keyring.hash_contact(member.email) for member in members}

        async def write(tx: Tx) -> tuple[set[UUID], list[Member]]:
            ids = await self._known(tx, campaign_id, members, hashes)
            await self._record(tx, campaign_id, ids)
            strangers = [member for member in members if member.id not in set(ids.values())]
            return set(ids), await self._suppressed(tx, strangers, hashes)

        known, unwanted = await self._bus.transact(write)
        for member in unwanted:
            await self._vendor.remove(member.id)
        if unwanted:
            log.error("suppressed_stranger_removed", campaign_id=str(campaign_id), count=len(unwanted))
            telemetry.counter("equity_strangers_removed", "Suppressed members whom we did not add").add(len(unwanted))
        return known

    async def _known(
        self, tx: Tx, campaign_id: UUID, members: Sequence[Member], hashes: dict[str, bytes]
    ) -> dict[UUID, str]:
        """Instantly's id by lead: found by the custom variable `lead_id`, else by the address."""
        ids: dict[UUID, str] = {}
        for member in members:
            with suppress(ValueError):
                ids[UUID(str(member.variables.get("lead_id")))] = member.id
        rows = queries.known_members(tx.connection, campaign_id=campaign_id, lead_ids=list(ids))
        ours = {row["lead_id"] async for row in rows}
        by_hash = {value: member_id for member_id, value in hashes.items()}
        rows = queries.members_by_address(tx.connection, campaign_id=campaign_id, hashes=list(by_hash))
        by_address = {row["lead_id"]: by_hash[row["value_hash"]] async for row in rows}
        return by_address | {lead_id: member_id for lead_id, member_id in ids.items() if lead_id in ours}

    async def _record(self, tx: Tx, campaign_id: UUID, ids: dict[UUID, str]) -> None:
        lead_ids = sorted(ids)
        await queries.lock_memberships(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        vendor_ids = [ids[lead_id] for lead_id in lead_ids]
        rows = queries.record_seen(
            tx.connection, campaign_id=campaign_id, lead_ids=lead_ids, vendor_lead_ids=vendor_ids, now=self._clock()
        )
        news = {row["lead_id"]: ids[row["lead_id"]] async for row in rows}
        if news:
            await self._memberships.record_in(tx, campaign_id, news)

    async def _suppressed(self, tx: Tx, strangers: Sequence[Member], hashes: dict[str, bytes]) -> list[Member]:
        rows = queries.suppressed_addresses(tx.connection, hashes=[hashes[member.id] for member in strangers])
        found = {row["value_hash"] async for row in rows}
        return [member for member in strangers if hashes[member.id] in found]
