"""Memberships in the database: who is claimed for a call, and what the call led to (hazards S7).

`desired` is what should be, `actual` what Instantly said last. A claim lasts longer than a call can: who dies in between
leaves `unknown` rows, which are asked about once the claim has run out. The end of a claim is also its mark: who stood still
until another replica took over may still say who is in, but no longer who is not.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.business_time import business_date
from common.clock import Clock
from common.contacts import CannotOpenError
from common.database import load_queries
from common.events import CampaignAdded
from common.vendor_text import has_markup
from feeder.settings import FeederSettings
from feeder.variables import Links, new_member
from feeder.vendors.instantly import PAGE, NewMember

log = structlog.get_logger()
queries = load_queries(__file__)

NOT_CREATED = "not created"
"""`problem` begins so where Instantly answered an add without this lead; behind a colon stands why, where it told."""
REFUSED = "refused"
GONE = "gone"
"""`problem` of a campaign that Instantly has no more: `equity campaigns sync` makes it anew."""
REFUSED_FOR = timedelta(hours=1)
"""How long a look-up or a removal waits that Instantly took for a mistake of ours."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A membership that is ours to settle, and the lead as Instantly would take it; None without a readable address."""

    lead_id: UUID
    desired: str
    attempted_at: datetime | None
    problem: str | None
    member: NewMember | None


@dataclass(slots=True)
class Work:
    """Claimed memberships of one campaign."""

    campaign_id: UUID
    vendor_campaign_id: str
    claimed: list[Claimed]
    until: datetime
    """The end of the claim."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A membership to end."""

    lead_id: UUID
    campaign_id: UUID
    vendor_lead_id: str
    until: datetime
    """The end of the claim."""


class Memberships:
    """What the reconciler reads and writes; each method is one transaction."""

    def __init__(self, bus: Bus, links: Links, clock: Clock, settings: FeederSettings) -> None:
        self.bus = bus
        self._links = links
        self._clock = clock
        self._settings = settings
        self._claim = timedelta(seconds=2 * settings.instantly_timeout_seconds + 30)
        self._settle = timedelta(seconds=settings.reconcile_settle_seconds)

    async def claim_adds(self) -> Work | None:
        """Leads of one campaign to add now; from here on their membership is `unknown`."""
        day = business_date(self._clock())
        return await self._claim_work(
            queries.campaign_with_adds_due, queries.claim_adds, self._settings.instantly_bulk, local_date=day
        )

    async def claim_asks(self) -> Work | None:
        """Leads of one campaign to ask Instantly about."""
        return await self._claim_work(queries.campaign_with_asks_due, queries.claim_asks, PAGE)

    async def claim_removals(self) -> list[Removal]:
        """Members to take out, of any campaign."""
        now = self._clock()
        until = now + self._claim

        async def claim(tx: Tx) -> list[Removal]:
            rows = queries.claim_removals(tx.connection, now=now, until=until, many=PAGE)
            return [Removal(row["lead_id"], row["campaign_id"], row["vendor_lead_id"], until) async for row in rows]

        return await self.bus.transact(claim)

    async def _claim_work(self, next_campaign: Any, claim: Any, many: int, **more: object) -> Work | None:
        now = self._clock()

        async def work(tx: Tx) -> Work | None:
            campaign_id = await next_campaign(tx.connection, now=now, **more)
            if campaign_id is None:
                return None
            until = now + self._claim
            rows = claim(tx.connection, campaign_id=campaign_id, now=now, until=until, many=many, **more)
            lead_ids = [row["lead_id"] async for row in rows]
            campaign = await queries.read_campaign(tx.connection, campaign_id=campaign_id)
            members = queries.read_members(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
            claimed = [self._read(row) async for row in members]
            return Work(campaign_id, campaign["vendor_campaign_id"], claimed, until) if claimed else None

        return await self.bus.transact(work)

    def _read(self, row: Any) -> Claimed:
        member = None
        if row["data_key"] and row["value_ciphertext"]:
            try:
                key = self.bus.keyring.open_data_key(row["lead_id"], row["data_key"])
                email = key.decrypt("email", row["value_ciphertext"])
                member = None if has_markup(email) else new_member(row, email, self._links)
            except CannotOpenError:
                log.warning("address_unreadable", lead_id=str(row["lead_id"]))
        return Claimed(row["lead_id"], row["desired"], row["attempted_at"], row["problem"], member)

    async def still_wanted(self, work: Work, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Those of *claimed*, none of whom was added, who are still ours and to be added; ours who are not to be are out.

        The claim of the whole work begins anew. Whose claim had run out is left to whoever asks about them.
        """
        now = self._clock()
        until = now + self._claim

        async def renew(tx: Tx) -> dict[UUID, str]:
            where = {"campaign_id": work.campaign_id, "lead_ids": sorted(one.lead_id for one in work.claimed)}
            await queries.lock_memberships(tx.connection, **where)
            rows = queries.renew_claim(tx.connection, **where, claimed_until=work.until, until=until, now=now)
            return {row["lead_id"]: row["desired"] async for row in rows}

        ours = await self.bus.transact(renew)
        work.until = until
        await self.not_done(work, [one.lead_id for one in claimed if ours.get(one.lead_id) == "out"])
        return [one for one in claimed if ours.get(one.lead_id) == "in"]

    async def found(self, work: Work, ids: dict[UUID, str]) -> None:
        """These leads (with Instantly's ids) are in the campaign; suppressions are read again under the same lock of rows."""

        async def write(tx: Tx) -> None:
            await self.record_in(tx, work.campaign_id, ids)

        if ids:
            await self.bus.transact(write)

    async def record_in(self, tx: Tx, campaign_id: UUID, ids: dict[UUID, str]) -> None:
        """The same within a transaction: slots are confirmed, `campaign_added` is said once, the suppressed are wanted out."""
        now, lead_ids = self._clock(), sorted(ids)
        await queries.lock_memberships(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        vendor_ids = [ids[lead_id] for lead_id in lead_ids]
        await queries.record_in(
            tx.connection, campaign_id=campaign_id, lead_ids=lead_ids, vendor_lead_ids=vendor_ids, now=now
        )
        campaign = await queries.read_campaign(tx.connection, campaign_id=campaign_id)
        async for slot in queries.confirm_slots(tx.connection, lead_ids=lead_ids, campaign_id=campaign_id):
            event = CampaignAdded(
                lead_id=slot["lead_id"],
                lead_version=slot["lead_version"],
                broker_id=slot["broker_id"],
                occurred_at=now,
                campaign_id=campaign_id,
                persona_id=campaign["persona_id"],
                local_date=slot["local_date"],
            )
            tx.emit(event)
        rows = queries.take_out(tx.connection, lead_ids=lead_ids, campaign_id=campaign_id, now=now)
        overtaken = [row["lead_id"] async for row in rows]
        if overtaken:
            log.info("members_overtaken", count=len(overtaken), campaign_id=str(campaign_id))

    async def not_created(self, work: Work, lead_ids: Sequence[UUID], reason: str | None) -> None:
        """Instantly answered an add without these, for *reason* where it told: they are asked about, members they may be."""
        problem = f"{NOT_CREATED}: {reason}" if reason else NOT_CREATED
        await self._update(work, lead_ids, queries.record_later, retry_at=self._clock(), problem=problem)

    async def unanswered(self, work: Work, lead_ids: Sequence[UUID]) -> None:
        """A call gave no answer: asked about soon."""
        await self._update(work, lead_ids, queries.record_later, retry_at=self._soon(), problem=None)

    async def question_refused(self, work: Work, lead_id: UUID) -> None:
        """Instantly takes a look-up for a mistake of ours: asked again in an hour, and told, for somebody has to look."""
        log.error("question_refused", lead_id=str(lead_id), campaign_id=str(work.campaign_id))
        await self._update(work, [lead_id], queries.record_later, retry_at=self._clock() + REFUSED_FOR, problem=None)

    async def not_done(self, work: Work, lead_ids: Sequence[UUID]) -> None:
        """Instantly refused an add as a whole, so nobody was added: later again."""
        await self._update(work, lead_ids, queries.record_out, retry_at=self._clock(), problem=None, now=self._clock())

    async def absent(self, work: Work, claimed: Sequence[Claimed]) -> None:
        """Instantly does not have these: refused where it answered the add; out once an answerless add has had its time."""
        settled_before = self._clock() - self._settle
        refused, out, unsure = list[Claimed](), list[UUID](), list[UUID]()
        for one in claimed:
            if (one.problem or "").startswith(NOT_CREATED):
                refused.append(one)
            elif one.attempted_at is None or one.attempted_at <= settled_before:
                out.append(one.lead_id)
            else:
                unsure.append(one.lead_id)
        for problem in {one.problem for one in refused}:
            reason = (problem or "").partition(": ")[2] or None
            await self.refuse(work, [one.lead_id for one in refused if one.problem == problem], reason)
        await self._update(work, out, queries.record_out, retry_at=None, problem=None, now=self._clock())
        await self._update(work, unsure, queries.record_later, retry_at=self._soon(), problem=None)

    async def gone(self, work: Work) -> None:
        """The campaign is no more, so nobody is in it: who was to be added gets in line again with the next morning."""
        lead_ids = [one.lead_id for one in work.claimed]
        await self._update(
            work, lead_ids, queries.record_out, retry_at=None, problem="campaign gone", now=self._clock()
        )
        await self.campaign_gone(work.campaign_id)

    async def refuse(self, work: Work, lead_ids: Sequence[UUID], reason: str | None) -> None:
        """Instantly does not take these: their slots are given back and the leads pause, for a person to look at.

        *reason* (`in_blocklist`, `invalid`, …) is kept in `problem` behind `refused: `. A block list is no opt-out (ADR 20).
        """
        now = self._clock()
        claim = {"campaign_id": work.campaign_id, "claimed_until": work.until}

        async def write(tx: Tx) -> None:
            ours = [row["lead_id"] async for row in queries.still_claimed(tx.connection, **claim, lead_ids=lead_ids)]
            moves = queries.move_leads(
                tx.connection, lead_ids=sorted(ours), to_status="paused", because="refused by Instantly"
            )
            _ = [row async for row in moves]
            where = {"campaign_id": work.campaign_id, "lead_ids": sorted(ours)}
            await queries.lock_memberships(tx.connection, **where)
            await queries.want_out(tx.connection, **where, now=now)
            await queries.record_out(
                tx.connection, **claim, lead_ids=sorted(ours), now=now, retry_at=None, problem=problem
            )

        problem = f"{REFUSED}: {reason}" if reason else REFUSED
        if lead_ids:
            await self.bus.transact(write)
            counter = telemetry.counter("equity_adds_refused", "Leads that Instantly did not take, by reason")
            counter.add(len(lead_ids), {"reason": reason or "unknown"})
            log.warning("leads_refused", count=len(lead_ids), reason=reason, campaign_id=str(work.campaign_id))

    async def removed(self, removals: Sequence[Removal]) -> None:
        """These are out of their campaigns."""
        await self._each_campaign(removals, queries.record_out, retry_at=None, problem=None, now=self._clock())

    async def not_removed(self, removals: Sequence[Removal]) -> None:
        """These may still be in: again soon, for a removal may be repeated."""
        await self._each_campaign(removals, queries.record_later, retry_at=self._soon(), problem=None)

    async def campaign_gone(self, campaign_id: UUID) -> None:
        """Instantly has no such campaign any more: nothing is added to it until somebody has looked."""
        await self._stop(campaign_id, GONE, "`equity campaigns sync` makes it anew")

    async def campaign_rejected(self, campaign_id: UUID) -> None:
        """Instantly takes offence at every lead: that is not the leads' fault. Nothing is added until somebody has looked."""
        await self._stop(
            campaign_id, "rejects every add (400)", "`equity campaigns list`; docs/runbooks/feed-missed.md"
        )

    async def _stop(self, campaign_id: UUID, problem: str, advice: str) -> None:
        log.error("campaign_stopped", campaign_id=str(campaign_id), problem=problem, advice=advice)

        async def write(tx: Tx) -> None:
            await queries.set_campaign_problem(tx.connection, campaign_id=campaign_id, problem=problem)

        await self.bus.transact(write)

    async def removal_refused(self, removal: Removal) -> None:
        """Instantly takes a removal for a mistake of ours: tried again in an hour, and told, for somebody has to look."""
        log.error("removal_refused", lead_id=str(removal.lead_id), campaign_id=str(removal.campaign_id))
        retry_at = self._clock() + REFUSED_FOR
        await self._each_campaign([removal], queries.record_later, retry_at=retry_at, problem="removal refused")

    async def give_back_slots(self) -> None:
        """Give back the slots of those who shall not be fed after all."""

        async def write(tx: Tx) -> int:
            return len([row async for row in queries.give_back_slots(tx.connection)])

        if count := await self.bus.transact(write):
            log.info("slots_given_back", count=count)

    def _soon(self) -> datetime:
        return self._clock() + min(self._settle / 8, timedelta(seconds=15))

    async def _each_campaign(self, removals: Sequence[Removal], query: Any, **more: object) -> None:
        for campaign_id, until in sorted({(removal.campaign_id, removal.until) for removal in removals}):
            lead_ids = [removal.lead_id for removal in removals if removal.campaign_id == campaign_id]
            await self._update(Work(campaign_id, "", [], until), lead_ids, query, **more)

    async def _update(
        self, work: Work, lead_ids: Sequence[UUID], query: Callable[..., Awaitable[object]], **more: object
    ) -> None:
        async def write(tx: Tx) -> None:
            where = {"campaign_id": work.campaign_id, "lead_ids": sorted(lead_ids)}
            await queries.lock_memberships(tx.connection, **where)
            await query(tx.connection, **where, claimed_until=work.until, **more)

        if lead_ids:
            await self.bus.transact(write)
