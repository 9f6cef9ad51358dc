"""Logs and metrics of what was recorded, written after the commit. Neither has personal data."""

from datetime import UTC, datetime

import structlog
from opentelemetry.metrics import Counter

from common import telemetry
from replies.recorder import MatchedLead
from replies.router import Routed
from replies.webhook import InstantlyEvent

log = structlog.get_logger()

LATE_SECONDS = 60
"""An opt-out that takes effect later is late, and raises an alert."""


def declare_metrics() -> None:
    """Export the counter of late opt-outs before the first one, so that this one is seen as an increase."""
    for how in ("reply", "vendor"):
        _late_opt_outs().add(0, {"how": how})


def report(event: InstantlyEvent, matched: MatchedLead | None, routed: Routed | None, *, opted_out: bool) -> None:
    """Report one webhook: its lead, a mismatch of lead and address, its route, and the latency of an opt-out."""
    if matched and matched.mismatched_id:
        lead_id = str(matched.lead.id) if matched.lead else None
        log.warning("reply_lead_mismatched", named_lead_id=str(matched.mismatched_id), lead_id=lead_id, type=event.type)
        telemetry.counter("equity_reply_mismatches", "Webhooks whose lead id and address name different leads").add(1)
    if routed:
        report_route(routed)
    if opted_out:
        measure_opt_out(event.at, "vendor")


def report_route(routed: Routed) -> None:
    """Report the routing of a reply."""
    log.info(
        "reply_routed",
        reply_id=str(routed.reply_id),
        intent=routed.intent,
        classified_by=routed.classified_by,
        route=routed.route,
        fallback_reason=routed.fallback_reason,
    )
    labels = {"intent": routed.intent, "classified_by": routed.classified_by}
    telemetry.counter("equity_replies", "Replies that were routed, by intent and by the decision's origin").add(
        1, labels
    )
    if routed.opted_out_at:
        measure_opt_out(routed.opted_out_at, "reply")


def measure_opt_out(stated_at: datetime, how: str) -> None:
    """Measure the time from a person's statement to its effect, the commit."""
    seconds = max(0.0, (datetime.now(UTC) - stated_at).total_seconds())
    telemetry.histogram("equity_opt_out_seconds", "Time from a statement to its effect").record(seconds, {"how": how})
    _late_opt_outs().add(int(seconds > LATE_SECONDS), {"how": how})
    if seconds > LATE_SECONDS:
        log.warning("opt_out_delayed", how=how, seconds=round(seconds))


def _late_opt_outs() -> Counter:
    return telemetry.counter("equity_opt_outs_late", "Opt-outs that took effect over 60 seconds after the statement")
