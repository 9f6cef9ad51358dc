"""Simulation of a sequence step: the emails of active campaigns, and the replies, bounces and unsubscribes that follow."""

from typing import Any

from sandbox.seeded_random import random_integer, weighted_choice
from sandbox.vendors.instantly.campaigns import ACTIVE
from sandbox.vendors.instantly.webhooks import WebhookSubscriptions
from sandbox.vendors.instantly.workspace import InstantlyWorkspace, current_time

OUTCOMES: tuple[tuple[float, tuple[str, dict[str, Any]] | None], ...] = (
    (
        0.02,
        ("reply_received", {"reply_text": "Yes, please call me after 2.", "reply_text_snippet": "Yes, please call me"}),
    ),
    (0.02, ("reply_received", {"reply_text": "What would this cost me?", "reply_text_snippet": "What would this"})),
    (0.02, ("reply_received", {"reply_text": "Not interested, thank you.", "reply_text_snippet": "Not interested"})),
    (0.01, ("auto_reply_received", {"reply_text": "I am away until Monday.", "reply_text_snippet": "I am away"})),
    (0.01, ("lead_unsubscribed", {})),
    (0.01, ("email_bounced", {})),
    (0.91, None),
)
"""The events that follow an email, each with its share. Six in 100 reply, so that a target of five in 100 can be shown."""


class StepSimulator:
    """Simulation of a step of every active campaign, which runs only when the control API asks for it."""

    def __init__(self, seed: str, workspace: InstantlyWorkspace, webhooks: WebhookSubscriptions) -> None:
        self._seed = seed
        self._workspace = workspace
        self._webhooks = webhooks

    def send_step(self, step: int) -> dict[str, int]:
        """Send *step*, counted from 1, to the active members of active campaigns. Return the number of events by type."""
        counts: dict[str, int] = {}
        for lead in list(self._workspace.leads.values()):
            campaign = self._workspace.campaigns.get(lead["campaign"] or "")
            if campaign is None or campaign["status"] != ACTIVE or lead["status"] != 1:
                continue
            for event_type, details in self._send_email(campaign, lead, step):
                self._webhooks.apply_event(event_type, lead, details)
                counts[event_type] = counts.get(event_type, 0) + 1
        return counts

    def _send_email(
        self, campaign: dict[str, Any], lead: dict[str, Any], step: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """Mark the lead as contacted. Return the events of the email, each with its details."""
        words = (self._seed, lead["email"] or "", str(step))
        email_id = f"0198b000-aaaa-7bbb-8ccc-{random_integer(*words, 'email') % 16**12:012x}"
        sender = next(iter(campaign.get("email_list") or ()), "sender@outreach.example")
        common = {"step": step, "variant": 1, "is_first": step == 1, "email_id": email_id, "email_account": sender}
        lead["timestamp_last_contact"] = current_time()
        sent = ("email_sent", {**common, "email_subject": f"Step {step}"})
        outcome = weighted_choice(OUTCOMES, *words, "outcome")
        if outcome is None:
            return [sent]
        event_type, details = outcome
        return [sent, (event_type, {**common, **details})]
