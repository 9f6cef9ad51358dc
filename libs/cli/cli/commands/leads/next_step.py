"""Next step of a lead: what the services would do with it, when, and why not earlier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cli import registry
from cli.commands.leads.queries import LeadCampaign, LeadConflict, LeadDetails, LeadHistoryEvent
from cli.shell.database import Connection
from common.calendar.business_date import BUSINESS_ZONE

_FINAL = {
    "bounced": "nothing: an email bounced",
    "unsubscribed": "nothing: the owner has opted out",
    "do_not_contact": "nothing: the owner must not be contacted",
    "converted": "nothing: the lead has its appointment",
    "replied": "nothing: no service handles replies yet",
}


@dataclass(frozen=True, slots=True)
class NextStep:
    """Sentence about the next step, its time where it is known, and the reasons why it does not come earlier."""

    text: str
    at: datetime | None = None
    reasons: tuple[str, ...] = ()


async def find_next_step(
    connection: Connection,
    lead: LeadDetails,
    *,
    history: Sequence[LeadHistoryEvent],
    campaigns: Sequence[LeadCampaign],
    conflicts: Sequence[LeadConflict],
    now: datetime,
) -> NextStep:
    """Return the next step of *lead* at *now*."""
    if lead.erased_at is not None:
        return NextStep("nothing: the person was erased", None, ("erased",))
    if lead.status == "queued":
        return await _step_of_queued_lead(connection, lead, now)
    if lead.status == "new":
        return _step_of_new_lead(lead, history)
    if lead.status == "paused":
        return _step_of_paused_lead(lead, conflicts)
    if lead.status == "active":
        return _step_of_active_lead(campaigns)
    return NextStep(_FINAL[lead.status])


def _step_of_new_lead(lead: LeadDetails, history: Sequence[LeadHistoryEvent]) -> NextStep:
    if lead.deceased_owner or lead.litigator:
        return NextStep("nothing: the owner is not contacted", reasons=_forbidding_flags(lead))
    if lead.email_verified or lead.phone_verified:
        return NextStep("the feeder queues it within minutes")
    failed = next((event for event in history if event.event_type == "lead_unverifiable"), None)
    if failed is not None:
        reasons = tuple(map(str, failed.reasons or ()))
        return NextStep(
            "nothing until a record brings new contact details: no phone and no email is verified", None, reasons
        )
    return NextStep("verification: a provider is asked for phone and email")


def _forbidding_flags(lead: LeadDetails) -> tuple[str, ...]:
    flags = {"deceased": lead.deceased_owner, "litigator": lead.litigator}
    return tuple(name for name, is_set in flags.items() if is_set)


def _step_of_paused_lead(lead: LeadDetails, conflicts: Sequence[LeadConflict]) -> NextStep:
    owner_changed = [conflict.id for conflict in conflicts if conflict.kind == "owner_changed"]
    if owner_changed:
        return NextStep(f"a person decides: equity conflicts resolve {owner_changed[0]}", None, ("owner_changed",))
    former = lead.paused_from or "new"
    return NextStep(
        f"nothing until: equity leads resume {lead.id} (then it is {former} again)", None, ("status_paused",)
    )


def _step_of_active_lead(campaigns: Sequence[LeadCampaign]) -> NextStep:
    current = next((campaign for campaign in campaigns if campaign.desired == "in"), None)
    if current is None:
        return NextStep("no email: it left its campaign, and active leads are not added again", None, ("no_campaign",))
    if current.actual == "in":
        return NextStep(f"Instantly sends the next email of {current.campaign}")
    reasons = (current.problem,) if current.problem else ()
    return NextStep(f"Instantly adds it to {current.campaign} within minutes", None, reasons)


async def _step_of_queued_lead(connection: Connection, lead: LeadDetails, now: datetime) -> NextStep:
    """Return the step by the feeder's own outlook, which asks the gate."""
    if lead.broker_id is None:
        return NextStep("no feed: it has no broker", None, ("seller_unknown",))
    outlook: Any = await registry.load_lead_function("find_feed_outlook")(connection, lead.id, lead.broker_id, now)
    if outlook.reasons:
        next_feed = _format_feed(outlook.next_feed_at, now) if outlook.next_feed_at else "none within a year"
        text = f"not fed, because: {', '.join(outlook.reasons)}; the next feed: {next_feed}"
        return NextStep(text, outlook.next_feed_at, outlook.reasons)
    queue = f"place {outlook.place:,} of the queue, {outlook.daily_limit:,} a day"
    if outlook.fed_at is None:
        return NextStep(f"the feed, in more than a year ({queue})", None, ("limit_reached",))
    return NextStep(f"the feed: {_format_feed(outlook.fed_at, now)} ({queue})", outlook.fed_at)


def _format_feed(at: datetime, now: datetime) -> str:
    if at <= now:
        return "now, within five minutes"
    return f"{at.astimezone(BUSINESS_ZONE):%A %Y-%m-%d %H:%M} in Los Angeles"
