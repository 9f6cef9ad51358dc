"""Instantly API v2 as a whole: its key, its limits, its words for errors (contracts §1.1)."""

from collections.abc import Mapping
from http.client import responses
from typing import ClassVar

from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.ledger import Ledger
from sandbox.limits import Limit
from sandbox.settings import SandboxSettings
from sandbox.vendor import Answer, Call, RefusedError, Vendor
from sandbox.vendors.instantly.campaigns import Campaigns
from sandbox.vendors.instantly.leads import Leads
from sandbox.vendors.instantly.reading import Reader
from sandbox.vendors.instantly.sending import Sending
from sandbox.vendors.instantly.webhooks import DELIVERY, DELIVERY_FAULTS, BlockList, Webhooks
from sandbox.vendors.instantly.workspace import Workspace


class Instantly(Vendor):
    """Campaigns, their leads, the block list and webhooks of one workspace."""

    name = "instantly"
    faults: ClassVar[Mapping[str, str]] = {
        "payment_required": "402: no active paid plan.",
        "partial": "Bulk add: leads that contain `contains` count as invalid and are not created.",
        "blocklisted": "Bulk add: such leads count as on the block list.",
        "cursor_on_last_page": "The last page names a cursor too; the page after it is empty.",
        "webhook_twice": "A delivery is sent twice (operation `deliver_webhook`, as the next two).",
        "webhook_without_secret": "A delivery lacks the subscription's headers.",
        "webhook_unknown_type": "A delivery has an `event_type` that no list names.",
    }

    everywhere = frozenset({"payment_required"})

    def __init__(self, settings: SandboxSettings, ledger: Ledger, faults: Faults, deliveries: Deliveries) -> None:
        self._key = settings.sandbox_instantly_key.get_secret_value()
        self._limits = (
            Limit(settings.sandbox_instantly_requests_per_second, 1),
            Limit(settings.sandbox_instantly_requests_per_minute, 60),
        )
        self.workspace = Workspace(settings.sandbox_instantly_plan_leads)
        reader = Reader(self)
        self.webhooks = Webhooks(self.workspace, reader, faults, deliveries)
        self.sending = Sending(settings.sandbox_seed, self.workspace, self.webhooks)
        self.operations = (
            *Campaigns(self.workspace, reader).operations,
            *Leads(self.workspace, reader, ledger).operations,
            *BlockList(self.workspace, reader).operations,
            *self.webhooks.operations,
        )

    def targets(self) -> dict[str, frozenset[str]]:
        """Its operations, and the delivery of webhooks."""
        return {**super().targets(), DELIVERY: DELIVERY_FAULTS}

    def admit(self, call: Call) -> None:
        """With the key, within the limits, with a paid plan. Raises RefusedError."""
        authorization = call.request.headers.get("Authorization")
        if authorization is None:
            raise RefusedError(self.error(401, "Missing Authorization header"))
        if authorization != f"Bearer {self._key}":
            raise RefusedError(self.error(401, "Invalid API key"))
        if not all(limit.take() for limit in self._limits):
            raise RefusedError(self.error(429, "Rate limit exceeded"))
        if call.fault("payment_required"):
            raise RefusedError(self.error(402, "Workspace does not have an active paid plan"))

    def error(self, status: int, message: str) -> Answer:
        """`{"statusCode", "error", "message"}`; 429 has no Retry-After."""
        return Answer({"statusCode": status, "error": responses.get(status, "Error"), "message": message}, status)

    def clear(self) -> None:
        """Empty the workspace, and give the limits back."""
        self.workspace.clear()
        for limit in self._limits:
            limit.clear()
