"""Simulation of a sequence step: the emails of active campaigns, and the replies, bounces and unsubscribes that follow."""

from typing import get_args

from sandbox.seeded_random import random_choice, weighted_choice
from sandbox.vendors.instantly.conversations import Conversations, IncomingReply
from sandbox.vendors.instantly.quoting import MailClient
from sandbox.vendors.instantly.webhook_sender import WebhookSender
from sandbox.vendors.instantly.workspace import InstantlyWorkspace

OUTCOMES: tuple[tuple[float, tuple[str, str] | None], ...] = (
    (0.02, ("reply_received", "Yes, please call me after 2.")),
    (0.02, ("reply_received", "What would this cost me?")),
    (0.02, ("reply_received", "Not interested, thank you.")),
    (0.01, ("auto_reply_received", "I am away until Monday.")),
    (0.01, ("lead_unsubscribed", "")),
    (0.01, ("email_bounced", "")),
    (0.91, None),
)
"""The events that follow an email, each with its share and, of replies, the new text.

Six in 100 reply, so that a target of five in 100 can be shown."""


class StepSimulator:
    """Simulation of a step of every active campaign, which runs only when the control API asks for it."""

    def __init__(
        self, seed: str, workspace: InstantlyWorkspace, conversations: Conversations, webhooks: WebhookSender
    ) -> None:
        self._seed = seed
        self._workspace = workspace
        self._conversations = conversations
        self._webhooks = webhooks

    def send_step(self, step: int) -> dict[str, int]:
        """Send *step*, counted from 1, to the active members of active campaigns. Return the number of events by type."""
        counts: dict[str, int] = {}
        for lead in list(self._workspace.leads.values()):
            if not self._conversations.can_receive(lead) or self._conversations.send_step(lead, step) is None:
                continue
            counts["email_sent"] = counts.get("email_sent", 0) + 1
            outcome = weighted_choice(OUTCOMES, self._seed, lead["email"] or "", str(step), "outcome")
            if outcome is not None:
                self._apply_outcome(lead["email"], lead["campaign"], *outcome)
                counts[outcome[0]] = counts.get(outcome[0], 0) + 1
        return counts

    def _apply_outcome(self, email: str, campaign: str, event_type: str, text: str) -> None:
        """Let the member bounce, unsubscribe, or reply with a quotation of the email in the form of a mail client."""
        if not text:
            lead = self._workspace.find_lead(email, campaign)
            assert lead is not None  # noqa: S101 - it has just received an email
            self._webhooks.apply_event(event_type, lead, {})
            return
        client = random_choice(get_args(MailClient), self._seed, email, "client")
        is_auto_reply = event_type == "auto_reply_received"
        reply = IncomingReply(email=email, campaign=campaign, text=text, client=client, is_auto_reply=is_auto_reply)
        self._conversations.receive_reply(reply)
