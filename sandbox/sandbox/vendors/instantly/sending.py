"""What becomes of a step when a campaign sends it: some bounce, some reply, some want no more."""

from typing import Any

from sandbox.chance import draw, weighted
from sandbox.vendors.instantly.campaigns import ACTIVE
from sandbox.vendors.instantly.webhooks import Webhooks
from sandbox.vendors.instantly.workspace import Workspace, now

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
"""How often what follows an email: six in a hundred reply, so that the documents' five can be seen."""


class Sending:
    """Sends a step of every active campaign at once, when it is told to."""

    def __init__(self, seed: str, workspace: Workspace, webhooks: Webhooks) -> None:
        self._seed = seed
        self._workspace = workspace
        self._webhooks = webhooks

    def send(self, step: int) -> dict[str, int]:
        """Send *step*, from 1, to the active members of active campaigns; how many of each event there were."""
        happened: dict[str, int] = {}
        for lead in list(self._workspace.leads.values()):
            campaign = self._workspace.campaigns.get(lead["campaign"] or "")
            if campaign is None or campaign["status"] != ACTIVE or lead["status"] != 1:
                continue
            for event_type, details in self._events(campaign, lead, step):
                self._webhooks.happen(event_type, lead, details)
                happened[event_type] = happened.get(event_type, 0) + 1
        return happened

    def _events(self, campaign: dict[str, Any], lead: dict[str, Any], step: int) -> list[tuple[str, dict[str, Any]]]:
        words = (self._seed, lead["email"] or "", str(step))
        email_id = f"0198b000-aaaa-7bbb-8ccc-{draw(*words, 'email') % 16**12:012x}"
        sender = next(iter(campaign.get("email_list") or ()), "sender@outreach.example")
        about = {"step": step, "variant": 1, "is_first": step == 1, "email_id": email_id, "email_account": sender}
        lead["timestamp_last_contact"] = now()
        outcome = weighted(OUTCOMES, *words, "outcome")
        sent = ("email_sent", {**about, "email_subject": f"Step {step}"})
        return [sent] if outcome is None else [sent, (outcome[0], {**about, **outcome[1]})]
