"""Campaigns at Instantly: creates and updates them as `equity campaigns sync` wrote them to the table.

A campaign is due while its `version` is ahead of its `synced_version`. Creating one is a `once` operation
(docs/delivery.md, Vendor operations) and Instantly has no idempotency key. So a campaign's name ends in its id, and the
vendor's list is searched for that name before a campaign is created.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog

from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.database import load_queries
from common.vendors.errors import BackingOffError, VendorCallError
from common.vendors.text import plain_text
from feeder.campaign_sync.memberships import MISSING_CAMPAIGN_PROBLEM
from feeder.vendors.instantly import InstantlyClient
from feeder.vendors.instantly_responses import InstantlyNotFoundError

log = structlog.get_logger()
queries = load_queries(__file__)

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
                await self._release_campaigns([row["id"] for row in due], error)
                return
            if not await self._sync_page(due, known):
                return

    async def _claim_campaigns(self, tx: Tx) -> list[Any]:
        now = self._clock()
        rows = queries.claim_campaigns(
            tx.connection, now=now, until=now + _CLAIM_DURATION, page_size=CAMPAIGN_PAGE_SIZE
        )
        return [row async for row in rows]

    async def _list_known(self, due: Sequence[Any]) -> Mapping[str, str]:
        """Return Instantly's campaigns by name, if one of *due* may have to be created."""
        if all(row["vendor_campaign_id"] for row in due):
            return {}
        return await self._client.list_campaigns()

    async def _sync_page(self, due: Sequence[Any], known: Mapping[str, str]) -> bool:
        """Synchronise each of *due*; return False as soon as Instantly is in a backoff."""
        for position, row in enumerate(due):
            try:
                await self._sync_campaign(row, known)
            except BackingOffError as error:
                await self._release_campaigns([left["id"] for left in due[position:]], error)
                return False
            except VendorCallError as error:
                is_missing = isinstance(error, InstantlyNotFoundError) and row["vendor_campaign_id"]
                await self._release_campaigns([row["id"]], error, MISSING_CAMPAIGN_PROBLEM if is_missing else None)
        return True

    async def _sync_campaign(self, row: Any, known: Mapping[str, str]) -> None:
        """Create or update one campaign, unless this process was frozen until another replica took it over."""
        claim = {"claimed_until": row["claimed_until"], "now": self._clock()}
        if not await self._write(queries.is_claim_valid, campaign_id=row["id"], **claim):
            return
        body = build_campaign_body(row)
        vendor_id = row["vendor_campaign_id"] or _find_by_name(known, row["id"])
        if vendor_id is None:
            vendor_id = await self._client.create_campaign(body)
        else:
            await self._client.update_campaign(vendor_id, body)
        if not await self._write(queries.set_vendor_campaign, campaign_id=row["id"], vendor_campaign_id=vendor_id):
            advice = "delete the draft with this name at Instantly"
            log.error("campaign_created_twice", campaign_id=str(row["id"]), advice=advice)
            return
        await self._client.set_campaign_active(vendor_id, active=row["active"])
        await self._write(queries.mark_synced, campaign_id=row["id"], version=row["version"], now=self._clock())
        log.info("campaign_synced", campaign_id=str(row["id"]), version=row["version"])

    async def _release_campaigns(
        self, campaign_ids: Sequence[UUID], error: Exception, problem: str | None = None
    ) -> None:
        """Release the claims of *campaign_ids* for a later try, with the problem unless no call was made.

        A campaign whose creation had no response is found by its name at the next try.
        """
        log.warning("campaign_sync_failed", count=len(campaign_ids), error=str(error))
        if not isinstance(error, BackingOffError):
            problem = problem or f"not synced: {error}"[:LONGEST_PROBLEM_LENGTH]
        for campaign_id in campaign_ids:
            until = self._clock() + _RETRY_DELAY
            await self._write(queries.release_campaign, campaign_id=campaign_id, until=until, problem=problem)

    async def _write(self, query: Any, **values: object) -> Any:
        async def write(tx: Tx) -> Any:
            return await query(tx.connection, **values)

        return await self._bus.transact(write)


def _find_by_name(known: Mapping[str, str], campaign_id: UUID) -> str | None:
    """Return Instantly's id of the campaign whose name ends in our id. The broker's name in it may have changed."""
    return next((vendor_id for name, vendor_id in known.items() if name.endswith(f"[{campaign_id}]")), None)


def build_campaign_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """Build the body of POST /campaigns from a row of `claim_campaigns`."""
    settings, steps = orjson.loads(row["settings"]), orjson.loads(row["sequence"])
    body = {
        "name": f"{plain_text(row['broker_name'], links=True)}: {row['name']} [{row['id']}]",
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
