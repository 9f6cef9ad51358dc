"""Audit of campaigns against the vendor's list: compares every campaign's members at Instantly with ours, once an hour.

It finds differences that no response reported: an add that succeeded after we gave it up, a removal that did not last, or a
member that a person added at Instantly. No suppressed address stays in a campaign (docs/feeding.md, Memberships). The
progress is stored in `campaigns`, so any replica continues an interrupted audit.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.ids import CampaignId
from common.vendors.errors import InvalidRequestError, NotExecutedError, OutcomeUnknownError
from common.vendors.instantly import InstantlyNotFoundError
from feeder.campaign_sync import queries
from feeder.campaign_sync.audited_members import AuditedMembers
from feeder.campaign_sync.memberships import Memberships
from feeder.campaign_sync.queries import AuditProgress
from feeder.settings import FeederSettings
from feeder.vendors.instantly import InstantlyClient
from feeder.vendors.instantly_responses import Member

log = structlog.get_logger()

RATE_DIVISOR = 4
"""An audit uses one in this many calls of the allowed rate: removals and adds come first."""
AUDIT_LEASE = timedelta(minutes=5)
"""Longer than a page can take. When a process dies, another replica continues its audit after this time."""
DUE_SHARE = 0.9
"""Share of the period after which a campaign is due, so that rounds of the job do not drift."""
INTERRUPTED_SHARE = 0.75
"""Share of the period that an interrupted campaign counts as audited: it is due soon again, after the others."""


@dataclass(frozen=True, slots=True)
class AuditedPage:
    """A page of members, as far as the search for missing members needs it."""

    ids: Sequence[str]
    previous_id: str | None
    """The highest id of the pages before: "" for the first page, None if it is unknown after a restart."""
    next_cursor: str | None
    requested_at: datetime


class MembershipAudit:
    """Audit of one campaign at a time, whatever the number of replicas. The reconciler acts on what it finds."""

    def __init__(
        self, bus: Bus, memberships: Memberships, client: InstantlyClient, clock: Clock, settings: FeederSettings
    ) -> None:
        self._bus = bus
        self._memberships = memberships
        self._client = client
        self._clock = clock
        self._members = AuditedMembers(bus, memberships, client, clock)
        self._period = timedelta(seconds=settings.audit_seconds)
        self._page_interval_seconds = RATE_DIVISOR / settings.instantly_requests_per_second

    async def audit_campaigns(self) -> None:
        """Audit the campaigns that are due, until none is. During a backoff, stop and keep the progress."""
        while progress := await self._bus.transact(self._claim_campaign):
            try:
                await self._audit_campaign(progress)
            except InstantlyNotFoundError:
                await self._memberships.stop_missing_campaign(progress.campaign_id)
                await self._bus.transact(partial(self._finish_campaign, progress=progress))
            except (InvalidRequestError, OutcomeUnknownError) as error:
                log.warning("membership_audit_interrupted", campaign_id=str(progress.campaign_id), code=error.code)
                await self._postpone_campaign(progress, self._clock() - self._period * INTERRUPTED_SHARE)
            except NotExecutedError as error:
                log.info("membership_audit_paused", campaign_id=str(progress.campaign_id), error=str(error))
                await self._postpone_campaign(progress, None)
                return

    async def _claim_campaign(self, tx: Tx) -> AuditProgress | None:
        now = self._clock()
        await queries.lock_audits(tx.connection)
        return await queries.claim_audit(
            tx.connection, now=now, until=now + AUDIT_LEASE, before=now - self._period * DUE_SHARE
        )

    async def _audit_campaign(self, progress: AuditProgress) -> None:
        """Read the campaign's pages from the stored cursor to the end, and compare each with our rows."""
        cursor, previous_id = progress.cursor, None if progress.cursor else ""
        if cursor is None:
            await self._bus.transact(partial(self._request_removals, campaign_id=progress.campaign_id))
        while True:
            requested_at = self._clock()
            members, next_cursor = await self._client.list_members_page(progress.vendor_campaign_id, cursor)
            page = AuditedPage([member.id for member in members], previous_id, next_cursor, requested_at)
            highest_id = max(page.ids, default=previous_id)
            if previous_id and next_cursor is not None and highest_id is not None and highest_id <= previous_id:
                raise OutcomeUnknownError("cursor_goes_back")
            await self._compare_page(progress, members, page)
            if next_cursor is None:
                return
            cursor, previous_id = next_cursor, highest_id
            await asyncio.sleep(self._page_interval_seconds)

    async def _compare_page(self, progress: AuditProgress, members: Sequence[Member], page: AuditedPage) -> None:
        await self._members.record_members(progress.campaign_id, members)
        await self._bus.transact(partial(self._finish_page, progress=progress, page=page))

    async def _finish_page(self, tx: Tx, *, progress: AuditProgress, page: AuditedPage) -> None:
        """Mark members unknown that *page* should contain, and store the progress."""
        await self._mark_missing_members(tx, progress.campaign_id, page)
        if page.next_cursor is None:
            await self._finish_campaign(tx, progress=progress)
        else:
            await queries.advance_audit(
                tx.connection,
                campaign_id=progress.campaign_id,
                cursor=page.next_cursor,
                until=self._clock() + AUDIT_LEASE,
            )

    async def _mark_missing_members(self, tx: Tx, campaign_id: CampaignId, page: AuditedPage) -> None:
        """Mark members unknown whose id lies between the previous page and the end of *page*, and is not in it.

        Ids ascend over the pages (docs/vendors/instantly.md, Operations). After a restart the previous id is unknown, so
        the search starts at the page's first id.
        """
        after = min(page.ids, default=None) if page.previous_id is None else page.previous_id
        if after is None or not (page.ids or page.next_cursor is None):
            return
        missing = await queries.mark_missing_members_unknown(
            tx.connection,
            campaign_id=campaign_id,
            before=page.requested_at,
            after=after,
            last=None if page.next_cursor is None else max(page.ids),
            seen=page.ids,
        )
        if missing:
            log.warning("members_missing", campaign_id=str(campaign_id), count=len(missing))

    async def _finish_campaign(self, tx: Tx, *, progress: AuditProgress) -> None:
        await queries.finish_audit(tx.connection, campaign_id=progress.campaign_id, now=self._clock())

    async def _postpone_campaign(self, progress: AuditProgress, as_of: datetime | None) -> None:
        """Release the campaign with its progress, as if its last audit had ended at *as_of*."""

        async def write(tx: Tx) -> None:
            await queries.postpone_audit(tx.connection, campaign_id=progress.campaign_id, as_of=as_of)

        await self._bus.transact(write)

    async def _request_removals(self, tx: Tx, *, campaign_id: CampaignId) -> None:
        """Request the removal of suppressed members that no trigger saw."""
        suppressed = await queries.request_suppressed_removals(
            tx.connection, lead_ids=None, campaign_id=campaign_id, now=self._clock()
        )
        if suppressed:
            log.warning("suppressed_members_found", count=len(suppressed), campaign_id=str(campaign_id))
