"""Brings memberships to where they should be; nobody else writes members to Instantly (design §6, hazards S7).

First who must go, then who is unknown, then who is new: a round repeats until nothing is due. An add is `once`: after a
timeout nobody repeats it blindly, Instantly is asked (design §4.6). A removal may be repeated.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from common import telemetry
from common.clock import Clock
from feeder.memberships import Claimed, Memberships, Removal, Work
from feeder.vendors.instantly import (
    GoneError,
    Instantly,
    InvalidRequestError,
    Member,
    NotDoneError,
    UnknownOutcomeError,
)

log = structlog.get_logger()

LONGEST_PAUSE = 300.0
NEEDS_A_PERSON = {401, 402, 403}
"""A wrong key, no paid plan, no scope: waiting alone mends nothing, so it is tried seldom and told loudly."""


class BackOff:
    """How long to leave Instantly alone: as long as it says, else twice as long each time, with jitter."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = timedelta()
        self._until: datetime | None = None

    @property
    def waiting(self) -> bool:
        """Whether it is too early to try again. A clock that was set back does not make the pause longer."""
        return self._until is not None and timedelta() < self._until - self._clock() <= self._pause

    def failed(self, status: int, retry_after: float | None) -> float:
        """Note a failure; the seconds to wait."""
        self._failures += 1
        first = 60.0 if status in NEEDS_A_PERSON else 1.0
        pause = retry_after or min(LONGEST_PAUSE, first * 2 ** min(self._failures - 1, 10)) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        self._pause = timedelta(seconds=pause)
        self._until = self._clock() + self._pause
        return pause

    def succeeded(self) -> None:
        """Instantly works again."""
        self._failures, self._until = 0, None


class Reconciler:
    """One round brings everything that is due to Instantly; replicas share the work by claims on rows."""

    def __init__(self, memberships: Memberships, vendor: Instantly, clock: Clock) -> None:
        self._memberships = memberships
        self._vendor = vendor
        self._at_once = asyncio.Semaphore(10)
        self._back_off = BackOff(clock)

    async def run(self) -> None:
        """Work until nothing is due, or Instantly wants to be left alone."""
        if self._back_off.waiting:
            return
        try:
            await self._memberships.give_back_slots()
            while await self._remove() or await self._ask() or await self._add():
                self._back_off.succeeded()
            await self._memberships.give_back_slots()
        except NotDoneError as error:
            self._wait(error.status, error.retry_after)
        except UnknownOutcomeError:
            self._wait(0, None)

    def _wait(self, status: int, retry_after: float | None) -> None:
        pause = self._back_off.failed(status, retry_after)
        telemetry.counter("equity_vendor_pauses", "Times that a vendor was left alone").add(1, {"vendor": "instantly"})
        tell = log.error if status in NEEDS_A_PERSON else log.warning
        tell("instantly_waits", status=status, pause_s=round(pause, 1))

    async def _remove(self) -> bool:
        removals = await self._memberships.claim_removals()
        if not removals:
            return False
        outcomes = await asyncio.gather(*map(self._remove_one, removals), return_exceptions=True)
        done = [one for one, outcome in zip(removals, outcomes, strict=True) if outcome is None]
        await self._memberships.removed(done)
        await self._memberships.not_removed([one for one in removals if one not in done])
        for outcome in outcomes:
            if outcome is not None:
                raise outcome
        return True

    async def _remove_one(self, removal: Removal) -> None:
        async with self._at_once:
            await self._vendor.remove(removal.vendor_lead_id)

    async def _ask(self) -> bool:
        work = await self._memberships.claim_asks()
        if work is None:
            return False
        emails = [one.member.email for one in work.claimed if one.member]
        try:
            members = await self._vendor.find(work.vendor_campaign_id, emails) if emails else []
        except GoneError:
            members = []
        except (NotDoneError, UnknownOutcomeError):
            await self._memberships.unanswered(work, [one.lead_id for one in work.claimed])
            raise
        found = match(work.claimed, members)
        await self._memberships.found(work, found)
        await self._memberships.absent(work, [one for one in work.claimed if one.lead_id not in found])
        return True

    async def _add(self) -> bool:
        work = await self._memberships.claim_adds()
        if work is None:
            return False
        unreadable = [one.lead_id for one in work.claimed if one.member is None]
        await self._memberships.refuse(work, unreadable)
        await self._add_members(work, [one for one in work.claimed if one.member is not None])
        return True

    async def _add_members(self, work: Work, claimed: Sequence[Claimed]) -> None:
        """Add all of them in one call; where one of them cannot be taken (400), in halves, until it is alone."""
        members = [one.member for one in claimed if one.member is not None]
        lead_ids = [one.lead_id for one in claimed]
        if not members:
            return
        try:
            created = await self._vendor.add(work.vendor_campaign_id, members)
        except InvalidRequestError:
            if len(claimed) == 1:
                await self._memberships.refuse(work, lead_ids)
                return
            middle = len(claimed) // 2
            await self._add_members(work, claimed[:middle])
            await self._add_members(work, claimed[middle:])
        except GoneError:
            await self._memberships.not_done(work, lead_ids)
            await self._memberships.campaign_gone(work.campaign_id)
        except NotDoneError:
            await self._memberships.not_done(work, lead_ids)
            raise
        except UnknownOutcomeError:
            await self._memberships.unanswered(work, lead_ids)
            raise
        else:
            ids = {lead_ids[index]: vendor_id for index, vendor_id in created.items() if index < len(lead_ids)}
            await self._memberships.found(work, ids)
            await self._memberships.not_created(work, [lead_id for lead_id in lead_ids if lead_id not in ids])


def match(claimed: Sequence[Claimed], members: Sequence[Member]) -> dict[UUID, str]:
    """Instantly's id of each claimed lead that is among *members*, found by its address."""
    by_email = {member.email: member.id for member in members}
    return {
        one.lead_id: by_email[one.member.email.lower()]
        for one in claimed
        if one.member is not None and one.member.email.lower() in by_email
    }
