"""Brings memberships to where they should be; nobody else writes members to Instantly (design §6, hazards S7).

First who must go, then who is unknown, then who is new: a round repeats until nothing is due. An add is `once`: after a
timeout nobody repeats it blindly, Instantly is asked (design §4.6). A removal may be repeated.
"""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog

from feeder.door import Door
from feeder.link_check import LinkCheck
from feeder.memberships import Claimed, Memberships, Removal, Work
from feeder.vendors.instantly import Instantly
from feeder.vendors.instantly_answers import GoneError, InvalidRequestError, Member, NotDoneError, UnknownOutcomeError

log = structlog.get_logger()


class Reconciler:
    """One round brings everything that is due to Instantly; replicas share the work by claims on rows."""

    def __init__(self, memberships: Memberships, vendor: Instantly, door: Door, links: LinkCheck) -> None:
        self._memberships = memberships
        self._vendor = vendor
        self._door = door
        self._links = links
        self._at_once = asyncio.Semaphore(10)

    async def run(self) -> None:
        """Work until nothing is due, or Instantly wants to be left alone."""
        await self._memberships.give_back_slots()
        if (await self._door.standing()).pause_s:
            return
        try:
            while await self._remove() or await self._ask() or await self._add():
                pass
        except (NotDoneError, UnknownOutcomeError) as error:
            log.info("reconciling_waits", error=str(error))
        await self._memberships.give_back_slots()

    async def _remove(self) -> bool:
        removals = await self._memberships.claim_removals()
        if not removals:
            return False
        outcomes = await asyncio.gather(*map(self._remove_one, removals), return_exceptions=True)
        by_outcome = list(zip(removals, outcomes, strict=True))
        await self._memberships.removed([one for one, outcome in by_outcome if outcome is None])
        for removal, outcome in by_outcome:
            if isinstance(outcome, InvalidRequestError):
                await self._memberships.removal_refused(removal)
        failed = [(one, error) for one, error in by_outcome if error and not isinstance(error, InvalidRequestError)]
        await self._memberships.not_removed([one for one, _ in failed])
        for _, error in failed:
            raise error
        return True

    async def _remove_one(self, removal: Removal) -> None:
        async with self._at_once:
            await self._vendor.remove(removal.vendor_lead_id)

    async def _ask(self) -> bool:
        work = await self._memberships.claim_asks()
        if work is None:
            return False
        await self._ask_about(work, work.claimed)
        return True

    async def _ask_about(self, work: Work, claimed: Sequence[Claimed]) -> None:
        """Ask about all of them in one call; where Instantly takes offence at one of them (400), in halves."""
        emails = [one.member.email for one in claimed if one.member]
        try:
            members = await self._vendor.find(work.vendor_campaign_id, emails) if emails else []
        except InvalidRequestError:
            middle = len(claimed) // 2
            if not middle:
                await self._memberships.question_refused(work, claimed[0].lead_id)
            else:
                await self._ask_about(work, claimed[:middle])
                await self._ask_about(work, claimed[middle:])
        except GoneError:
            await self._memberships.gone(work)
        except (NotDoneError, UnknownOutcomeError):
            await self._memberships.unanswered(work, [one.lead_id for one in claimed])
            raise
        else:
            found = match(claimed, members)
            await self._memberships.found(work, found)
            await self._memberships.absent(work, [one for one in claimed if one.lead_id not in found])

    async def _add(self) -> bool:
        if await self._links.problem():  # logged and counted there; the claims of today wait (ADR 27)
            return False
        work = await self._memberships.claim_adds()
        if work is None:
            return False
        unreadable = [one.lead_id for one in work.claimed if one.member is None]
        await self._memberships.refuse(work, unreadable, "no_address")
        sound = [one for one in work.claimed if one.member is not None]
        invalid = await self._add_members(work, sound)
        if len(invalid) == len(sound) > 1:
            await self._memberships.not_done(work, invalid)
            await self._memberships.campaign_rejected(work.campaign_id)
        else:
            await self._memberships.refuse(work, invalid, "invalid")
        return True

    async def _add_members(self, work: Work, claimed: Sequence[Claimed]) -> list[UUID]:
        """Add all of them in one call; where Instantly takes offence (400), in halves, until those who give it are alone: these.

        Before each call it is asked who is still ours and to be added: this process may have stood still.
        """
        claimed = await self._memberships.still_wanted(work, claimed)
        members = [one.member for one in claimed if one.member is not None]
        lead_ids = [one.lead_id for one in claimed]
        if not members:
            return []
        try:
            added = await self._vendor.add(work.vendor_campaign_id, members)
        except InvalidRequestError:
            if len(claimed) == 1:
                return lead_ids
            middle = len(claimed) // 2
            return [
                *await self._add_members(work, claimed[:middle]),
                *await self._add_members(work, claimed[middle:]),
            ]
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
            ids = {lead_ids[index]: vendor_id for index, vendor_id in added.ids.items()}
            rest = [lead_id for lead_id in lead_ids if lead_id not in ids]
            await self._memberships.found(work, ids)
            if added.doubtful:
                await self._memberships.unanswered(work, rest)
            else:
                await self._memberships.not_created(work, rest, added.reason)
        return []


def match(claimed: Sequence[Claimed], members: Sequence[Member]) -> dict[UUID, str]:
    """Instantly's id of each claimed lead that is among *members*: by the variable `lead_id`, else by its address."""
    by_email = {member.email: member.id for member in members if member.email}
    by_lead = {str(member.variables.get("lead_id")): member.id for member in members}
    found = {}
    for one in claimed:
        email = one.member.email.lower() if one.member else ""
        if vendor_id := by_lead.get(str(one.lead_id)) or by_email.get(email):
            found[one.lead_id] = vendor_id
    return found
