"""Campaigns at Instantly as `equity campaigns sync` wants them.

The table holds what should be; `version` ahead of `synced_version` is due. Creating is `once` (design §4.6) and has no key at
Instantly, so a campaign's name ends in its id, and before one is created the vendor's list is asked for that name.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog

from common.bus import Bus, Tx
from common.clock import Clock
from common.database import load_queries
from common.vendor_text import plain_text
from feeder.memberships import GONE
from feeder.vendors.instantly import Instantly
from feeder.vendors.instantly_answers import GoneError, LeftAloneError, NotDoneError, UnknownOutcomeError

log = structlog.get_logger()
queries = load_queries(__file__)

AT_ONCE = 50
_CLAIM = timedelta(minutes=10)
_AGAIN = timedelta(minutes=1)


class CampaignSync:
    """Creates and updates campaigns at Instantly."""

    def __init__(self, bus: Bus, vendor: Instantly, clock: Clock) -> None:
        self._bus = bus
        self._vendor = vendor
        self._clock = clock

    async def run(self) -> None:
        """Bring every campaign that is due to Instantly."""
        while due := await self._bus.transact(self._claim):
            try:
                known = await self._vendor.campaigns() if any(not row["vendor_campaign_id"] for row in due) else {}
            except (NotDoneError, UnknownOutcomeError) as error:
                await self._release([row["id"] for row in due], error)
                return
            for place, row in enumerate(due):
                try:
                    await self._sync(row, known)
                except LeftAloneError as error:
                    await self._release([left["id"] for left in due[place:]], error)
                    return
                except (NotDoneError, UnknownOutcomeError) as error:
                    gone = isinstance(error, GoneError) and row["vendor_campaign_id"]
                    await self._release([row["id"]], error, GONE if gone else None)

    async def _claim(self, tx: Tx) -> list[Any]:
        now = self._clock()
        rows = queries.claim_campaigns(tx.connection, now=now, until=now + _CLAIM, many=AT_ONCE)
        return [row async for row in rows]

    async def _sync(self, row: Any, known: Mapping[str, str]) -> None:
        """Create or update one, unless this process stood still until another replica took it over."""
        claim = {"claimed_until": row["claimed_until"], "now": self._clock()}
        if not await self._write(queries.campaign_is_ours, campaign_id=row["id"], **claim):
            return
        body = campaign_body(row)
        vendor_id = row["vendor_campaign_id"] or _named(known, row["id"])
        if vendor_id is None:
            vendor_id = await self._vendor.create_campaign(body)
        else:
            await self._vendor.update_campaign(vendor_id, body)
        if not await self._write(queries.record_campaign, campaign_id=row["id"], vendor_campaign_id=vendor_id):
            log.error(
                "campaign_made_twice", campaign_id=str(row["id"]), advice="delete the draft of this name at Instantly"
            )
            return
        await self._vendor.set_active(vendor_id, active=row["active"])
        await self._write(queries.record_synced, campaign_id=row["id"], version=row["version"], now=self._clock())
        log.info("campaign_synced", campaign_id=str(row["id"]), version=row["version"])

    async def _release(self, campaign_ids: list[UUID], error: Exception, problem: str | None = None) -> None:
        """Leave them for a minute; an answerless creation is found by its name then. What was not tried keeps its state."""
        log.warning("campaigns_not_synced", count=len(campaign_ids), error=str(error))
        if not isinstance(error, LeftAloneError):
            problem = problem or f"not synced: {error}"[:200]
        for campaign_id in campaign_ids:
            until = self._clock() + _AGAIN
            await self._write(queries.release_campaign, campaign_id=campaign_id, until=until, problem=problem)

    async def _write(self, query: Any, **values: object) -> Any:
        async def write(tx: Tx) -> Any:
            return await query(tx.connection, **values)

        return await self._bus.transact(write)


def _named(known: Mapping[str, str], campaign_id: UUID) -> str | None:
    """Instantly's id of the campaign whose name ends in ours: its broker may be called otherwise since."""
    return next((vendor_id for name, vendor_id in known.items() if name.endswith(f"[{campaign_id}]")), None)


def campaign_body(row: Mapping[str, Any]) -> dict[str, Any]:
    """The body of POST /campaigns for a row of `claim_campaigns`."""
    settings, steps = orjson.loads(row["settings"]), orjson.loads(row["sequence"])
    days = [step["day"] for step in steps]
    return {
        "name": f"{plain_text(row['broker_name'], links=True)}: {row['name']} [{row['id']}]",
        "campaign_schedule": {"schedules": [_schedule(settings)]},
        "sequences": [
            {
                "steps": [
                    # Instantly counts the delay from this email to the NEXT one; the last has none.
                    {
                        "type": "email",
                        "delay": following - step["day"],
                        "delay_unit": "days",
                        "variants": [{"subject": step["subject"], "body": step["body"]}],
                    }
                    for step, following in zip(steps, [*days[1:], days[-1]], strict=True)
                ]
            }
        ],
        # Without senders of ours, accounts that somebody set at Instantly stay as they are.
        **({"email_list": settings["senders"]} if settings.get("senders") else {}),
        "stop_on_reply": True,
        "stop_on_auto_reply": False,
        "insert_unsubscribe_header": True,
        "open_tracking": False,
        "link_tracking": False,
    }


def _schedule(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Monday to Friday; Instantly's days are numbered from Sunday, 0."""
    return {
        "name": "Weekdays",
        "timing": {"from": settings["from"], "to": settings["to"]},
        "days": {str(day): 0 < day < 6 for day in range(7)},  # noqa: PLR2004 - Sunday is 0, Saturday 6
        "timezone": settings["timezone"],
    }
