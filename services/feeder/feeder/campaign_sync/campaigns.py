"""Campaigns at Instantly: creates and updates them as `equity campaigns sync` wrote them to the table.

A campaign is due while its `version` is ahead of its `synced_version`. Creating one is a `once` operation
(docs/delivery.md, Vendor operations) and Instantly has no idempotency key. So a campaign's name ends in its id, and the
vendor's list is searched for that name before a campaign is created.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import orjson
import structlog

from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.database import Connection
from common.ids import CampaignId
from common.vendors.errors import BackingOffError, VendorCallError
from common.vendors.instantly import InstantlyNotFoundError
from common.vendors.text import plain_text
from feeder.campaign_sync import queries
from feeder.campaign_sync.memberships import MISSING_CAMPAIGN_PROBLEM
from feeder.campaign_sync.queries import CampaignToSync
from feeder.vendors.instantly import InstantlyClient

log = structlog.get_logger()
T = TypeVar("T")

CAMPAIGN_PAGE_SIZE = 50
LONGEST_PROBLEM_LENGTH = 200
_CLAIM_DURATION = timedelta(minutes=10)
_RETRY_DELAY = timedelta(minutes=1)


class CampaignSync:
    """Synchronisation of campaigns. Replicas share the work by claims on rows."""

    def __init__(self, bus: Bus, client: InstantlyClient, clock: Clock) -> None:
        self._bus = bus
        self._client = client
        self._clock = clock

    async def sync_campaigns(self) -> None:
        """Create or update every campaign that is due, until none is or Instantly is in a backoff."""
        while due := await self._bus.transact(self._claim_campaigns):
            try:
                known = await self._list_known(due)
            except VendorCallError as error:
                await self._release_campaigns([campaign.id for campaign in due], error)
                return
            if not await self._sync_page(due, known):
                return

    async def _claim_campaigns(self, tx: Tx) -> list[CampaignToSync]:
        now = self._clock()
        return await queries.claim_campaigns(
            tx.connection, now=now, page_size=CAMPAIGN_PAGE_SIZE, until=now + _CLAIM_DURATION
        )

    async def _list_known(self, due: Sequence[CampaignToSync]) -> Mapping[str, str]:
        """Return Instantly's campaigns by name, if one of *due* may have to be created."""
        if all(campaign.vendor_campaign_id for campaign in due):
            return {}
        return await self._client.list_campaigns()

    async def _sync_page(self, due: Sequence[CampaignToSync], known: Mapping[str, str]) -> bool:
        """Synchronise each of *due*; return False as soon as Instantly is in a backoff."""
        for position, campaign in enumerate(due):
            try:
                await self._sync_campaign(campaign, known)
            except BackingOffError as error:
                await self._release_campaigns([left.id for left in due[position:]], error)
                return False
            except VendorCallError as error:
                is_missing = isinstance(error, InstantlyNotFoundError) and campaign.vendor_campaign_id
                await self._release_campaigns([campaign.id], error, MISSING_CAMPAIGN_PROBLEM if is_missing else None)
        return True

    async def _sync_campaign(self, campaign: CampaignToSync, known: Mapping[str, str]) -> None:
        """Create or update one campaign, unless this process was frozen until another replica took it over."""
        if not await self._is_claim_valid(campaign):
            return
        body = build_campaign_body(campaign)
        vendor_id = campaign.vendor_campaign_id or _find_by_name(known, campaign.id)
        if vendor_id is None:
            vendor_id = await self._client.create_campaign(body)
        else:
            await self._client.update_campaign(vendor_id, body)
        if not await self._set_vendor_campaign(campaign.id, vendor_id):
            advice = "delete the draft with this name at Instantly"
            log.error("campaign_created_twice", campaign_id=str(campaign.id), advice=advice)
            return
        await self._client.set_campaign_active(vendor_id, active=campaign.active)
        await self._mark_synced(campaign)
        log.info("campaign_synced", campaign_id=str(campaign.id), version=campaign.version)

    async def _is_claim_valid(self, campaign: CampaignToSync) -> bool:
        return await self._write(
            lambda connection: queries.is_claim_valid(
                connection, campaign_id=campaign.id, claimed_until=campaign.claimed_until, now=self._clock()
            )
        )

    async def _set_vendor_campaign(self, campaign_id: CampaignId, vendor_id: str) -> bool:
        """Store Instantly's id; return False if another replica has created the campaign meanwhile."""
        is_set = await self._write(
            lambda connection: queries.set_vendor_campaign(
                connection, vendor_campaign_id=vendor_id, campaign_id=campaign_id
            )
        )
        return bool(is_set)

    async def _mark_synced(self, campaign: CampaignToSync) -> None:
        await self._write(
            lambda connection: queries.mark_synced(
                connection, version=campaign.version, now=self._clock(), campaign_id=campaign.id
            )
        )

    async def _release_campaigns(
        self, campaign_ids: Sequence[CampaignId], error: Exception, problem: str | None = None
    ) -> None:
        """Release the claims of *campaign_ids* for a later try, with the problem unless no call was made.

        A campaign whose creation had no response is found by its name at the next try.
        """
        log.warning("campaign_sync_failed", count=len(campaign_ids), error=str(error))
        if not isinstance(error, BackingOffError):
            problem = problem or f"not synced: {error}"[:LONGEST_PROBLEM_LENGTH]
        for campaign_id in campaign_ids:
            release = partial(
                queries.release_campaign,
                until=self._clock() + _RETRY_DELAY,
                problem=problem,
                campaign_id=campaign_id,
            )
            await self._write(release)

    async def _write(self, statement: Callable[[Connection], Awaitable[T]]) -> T:
        async def write(tx: Tx) -> T:
            return await statement(tx.connection)

        return await self._bus.transact(write)


def _find_by_name(known: Mapping[str, str], campaign_id: CampaignId) -> str | None:
    """Return Instantly's id of the campaign whose name ends in our id. The broker's name in it may have changed."""
    return next((vendor_id for name, vendor_id in known.items() if name.endswith(f"[{campaign_id}]")), None)


def build_campaign_body(campaign: CampaignToSync) -> dict[str, Any]:
    """Build the body of POST /campaigns for *campaign*."""
    settings, steps = orjson.loads(campaign.settings), orjson.loads(campaign.sequence)
    body = {
        "name": f"{plain_text(campaign.broker_name, links=True)}: {campaign.name} [{campaign.id}]",
        "campaign_schedule": {"schedules": [_build_schedule(settings)]},
        "sequences": [{"steps": _build_steps(steps)}],
        "stop_on_reply": True,
        "stop_on_auto_reply": False,
        "insert_unsubscribe_header": True,
        "open_tracking": False,
        "link_tracking": False,
    }
    if settings.get("senders"):
        body["email_list"] = settings["senders"]  # without it, accounts that a person set at Instantly stay
    return body


def _build_steps(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Build the steps. Instantly counts a delay from this email to the next one; the last step has none."""
    days = [step["day"] for step in steps]
    return [
        {
            "type": "email",
            "delay": next_day - step["day"],
            "delay_unit": "days",
            "variants": [{"subject": step["subject"], "body": step["body"]}],
        }
        for step, next_day in zip(steps, [*days[1:], days[-1]], strict=True)
    ]


def _build_schedule(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Build a schedule from Monday to Friday. Instantly numbers the days from Sunday, 0."""
    return {
        "name": "Weekdays",
        "timing": {"from": settings["from"], "to": settings["to"]},
        "days": {str(day): 0 < day < 6 for day in range(7)},  # noqa: PLR2004 - Sunday is 0, Saturday 6
        "timezone": settings["timezone"],
    }
