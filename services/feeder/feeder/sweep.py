"""The hourly sweep: every campaign at Instantly compared with what it should hold (design §6).

It finds what no answer told: an add that came through after it was given up, a removal that did not last, a member whom
nobody of ours put there. Nobody suppressed stays in a campaign. How far it is stands in `campaigns`, so that a sweep goes on
where it stopped, in whatever replica.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Tx
from common.clock import Clock
from common.database import load_queries
from feeder.memberships import Memberships
from feeder.settings import FeederSettings
from feeder.vendors.instantly import Instantly
from feeder.vendors.instantly_answers import GoneError, InvalidRequestError, Member, NotDoneError, UnknownOutcomeError

log = structlog.get_logger()
queries = load_queries(__file__)


PACE = 4
"""A sweep uses one turn in so many of the rate that is kept: removals and adds come first."""
LEASE = timedelta(minutes=5)
"""Longer than a page can take; a sweep whose process died goes on elsewhere after it."""


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the comparison of a campaign is."""

    campaign_id: UUID
    vendor_campaign_id: str
    cursor: str | None
    """Instantly's name of the next page, which need be no member's id; None for the first."""


class Sweep:
    """Compares, one campaign at a time whatever replicas there are; the reconciler acts on what it finds."""

    def __init__(self, memberships: Memberships, vendor: Instantly, clock: Clock, settings: FeederSettings) -> None:
        self._memberships = memberships
        self._bus = memberships.bus
        self._vendor = vendor
        self._clock = clock
        self._period = timedelta(seconds=settings.sweep_seconds)
        self._pause = PACE / settings.instantly_requests_per_second

    async def run(self) -> None:
        """Compare the campaigns that are due, until none is, or Instantly wants to be left alone: then it goes on from there."""
        while place := await self._bus.transact(self._claim):
            try:
                await self._compare(place)
            except GoneError:
                await self._memberships.campaign_gone(place.campaign_id)
                await self._bus.transact(partial(self._end, place=place))
            except (InvalidRequestError, UnknownOutcomeError) as error:
                log.warning("sweep_cut_short", campaign_id=str(place.campaign_id), fault=error.fault)
                await self._put_off(place, self._clock() - self._period * 0.75)  # soon again, and the others first
            except NotDoneError as error:
                log.info("sweep_waits", campaign_id=str(place.campaign_id), error=str(error))
                await self._put_off(place, None)
                return

    async def _claim(self, tx: Tx) -> _Place | None:
        now = self._clock()
        await queries.lock_sweeps(tx.connection)
        row = await queries.claim_sweep(tx.connection, now=now, until=now + LEASE, before=now - self._period * 0.9)
        return _Place(row["id"], row["vendor_campaign_id"], row["sweep_cursor"]) if row else None

    async def _compare(self, place: _Place) -> None:
        cursor, reached = place.cursor, None if place.cursor else ""
        if cursor is None:
            await self._bus.transact(partial(self._take_out, campaign_id=place.campaign_id))
        while True:
            asked_at = self._clock()
            members, following = await self._vendor.page(place.vendor_campaign_id, cursor)
            ids = [member.id for member in members]
            if reached and following is not None and max(ids, default=reached) <= reached:
                raise UnknownOutcomeError("cursor_goes_back")
            await self._take_in(place.campaign_id, members)
            await self._bus.transact(
                partial(self._page_done, place=place, ids=ids, reached=reached, following=following, asked_at=asked_at)
            )
            if following is None:
                return
            cursor, reached = following, max(ids, default=reached)
            await asyncio.sleep(self._pause)

    async def _page_done(
        self,
        tx: Tx,
        *,
        place: _Place,
        ids: Sequence[str],
        reached: str | None,
        following: str | None,
        asked_at: datetime,
    ) -> None:
        """Doubt whom the page should have had, behind the id *reached*, and note how far the sweep is.

        Ids ascend over the pages (vendor contracts §1.4). After a restart it is not known which was reached: then from the
        page's own first.
        """
        if reached is None:
            reached = min(ids, default=None)
        if reached is not None and (ids or following is None):
            rows = queries.doubt_missing(
                tx.connection,
                campaign_id=place.campaign_id,
                before=asked_at,
                after=reached,
                last=None if following is None else max(ids),
                seen=ids,
            )
            if missing := len([row async for row in rows]):
                log.warning("members_missing", campaign_id=str(place.campaign_id), count=missing)
        if following is None:
            await self._end(tx, place=place)
        else:
            now = self._clock()
            await queries.go_on_sweeping(
                tx.connection, campaign_id=place.campaign_id, cursor=following, until=now + LEASE
            )

    async def _end(self, tx: Tx, *, place: _Place) -> None:
        await queries.end_sweep(tx.connection, campaign_id=place.campaign_id, now=self._clock())

    async def _put_off(self, place: _Place, as_of: datetime | None) -> None:
        async def write(tx: Tx) -> None:
            await queries.put_sweep_off(tx.connection, campaign_id=place.campaign_id, as_of=as_of)

        await self._bus.transact(write)

    async def _take_out(self, tx: Tx, *, campaign_id: UUID) -> None:
        rows = queries.take_out(tx.connection, lead_ids=None, campaign_id=campaign_id, now=self._clock())
        if found := len([row async for row in rows]):
            log.warning("sweep_took_out", count=found, campaign_id=str(campaign_id))

    async def _take_in(self, campaign_id: UUID, members: Sequence[Member]) -> None:
        """Note who is there. Strangers who are suppressed, or whose lead is stopped or no more, are taken out at once."""
        hashes = {member.id: self._bus.keyring.hash_contact(member.email) for member in members}

        async def write(tx: Tx) -> list[Member]:
            ids = await self._known(tx, campaign_id, members, hashes)
            await self._record(tx, campaign_id, ids)
            strangers = [member for member in members if member.id not in set(ids.values())]
            return await self._unwanted(tx, strangers, hashes)

        for member in await self._bus.transact(write):
            await self._remove(campaign_id, member)

    async def _remove(self, campaign_id: UUID, member: Member) -> None:
        """Take a stranger out. One that Instantly takes for a mistake of ours keeps nobody else: the next sweep tries again."""
        try:
            await self._vendor.remove(member.id)
        except InvalidRequestError as error:
            log.error("stranger_not_removed", campaign_id=str(campaign_id), fault=error.fault)  # noqa: TRY400 - it says why
        else:
            log.error("stranger_removed", campaign_id=str(campaign_id))
            counter = telemetry.counter(
                "equity_strangers_removed", "Members whom we did not add and who must not be there"
            )
            counter.add(1)

    async def _known(
        self, tx: Tx, campaign_id: UUID, members: Sequence[Member], hashes: dict[str, bytes]
    ) -> dict[UUID, str]:
        """Instantly's id by lead: found by the custom variable `lead_id`, else by the address."""
        ids = {lead_id: member.id for member in members if (lead_id := _lead_of(member))}
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

    async def _unwanted(self, tx: Tx, strangers: Sequence[Member], hashes: dict[str, bytes]) -> list[Member]:
        rows = queries.suppressed_addresses(tx.connection, hashes=[hashes[member.id] for member in strangers])
        suppressed = {row["value_hash"] async for row in rows}
        named = {member.id: lead_id for member in strangers if (lead_id := _lead_of(member))}
        writable = {row["id"] async for row in queries.writable_leads(tx.connection, lead_ids=list(named.values()))}
        return [
            member
            for member in strangers
            if hashes[member.id] in suppressed or (member.id in named and named[member.id] not in writable)
        ]


def _lead_of(member: Member) -> UUID | None:
    """The lead that the member was added for, where it was one of ours."""
    with suppress(ValueError):
        return UUID(str(member.variables.get("lead_id")))
    return None
