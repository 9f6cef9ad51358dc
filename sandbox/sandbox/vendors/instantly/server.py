"""Instantly API v2 as a whole: key, rate limits and error format (docs/vendors/instantly.md, Basics)."""

from collections.abc import Mapping
from http.client import responses
from typing import ClassVar

from sandbox.call_limit import CallLimit
from sandbox.call_statistics import CallStatistics
from sandbox.deliveries import OutgoingDeliveries
from sandbox.faults import FaultRegistry
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import VendorCall, VendorRefusalError, VendorResponse, VendorServer
from sandbox.vendors.instantly.block_list import BlockListApi
from sandbox.vendors.instantly.campaigns import CampaignApi
from sandbox.vendors.instantly.conversations import Conversations
from sandbox.vendors.instantly.emails import EmailApi
from sandbox.vendors.instantly.leads import LeadApi
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.step_simulator import StepSimulator
from sandbox.vendors.instantly.webhook_sender import (
    DELIVERY_FAULTS,
    DELIVERY_OPERATION,
    WebhookRetries,
    WebhookSender,
)
from sandbox.vendors.instantly.webhooks import WebhookSubscriptions
from sandbox.vendors.instantly.workspace import InstantlyWorkspace


class InstantlyServer(VendorServer):
    """Stand-in for the campaigns, leads, emails, block list and webhooks of one workspace."""

    name = "instantly"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "payment_required": "402: no active paid plan.",
        "partial": "Bulk add: leads with the text `contains` count as invalid and are not created.",
        "blocklisted": "Bulk add: such leads count as on the block list.",
        "cursor_on_last_page": "The last page has a cursor too; the page after it is empty.",
        "webhook_twice": "A delivery is sent twice (operation `deliver_webhook`, as all faults below).",
        "webhook_without_secret": "A delivery lacks the subscription's headers.",
        "webhook_unknown_type": "A delivery has an `event_type` that is not documented.",
        "webhook_lost": "The event takes place, but no delivery is sent.",
        "webhook_answered_id": "`email_id` of a reply names the email that was answered, so that two replies share it.",
    }

    faults_of_every_operation = frozenset({"payment_required"})

    def __init__(
        self,
        settings: SandboxSettings,
        statistics: CallStatistics,
        faults: FaultRegistry,
        deliveries: OutgoingDeliveries,
    ) -> None:
        self._key = settings.sandbox_instantly_key.get_secret_value()
        self._limits = (
            CallLimit(settings.sandbox_instantly_requests_per_second, 1),
            CallLimit(settings.sandbox_instantly_requests_per_minute, 60),
        )
        self._email_list_limit = CallLimit(settings.sandbox_instantly_email_lists_per_minute, 60)
        retries = WebhookRetries(
            settings.sandbox_instantly_webhook_retries,
            settings.sandbox_instantly_webhook_retry_seconds,
            settings.sandbox_instantly_webhook_failures,
        )
        self.workspace = InstantlyWorkspace(settings.sandbox_instantly_plan_leads)
        reader = InstantlyRequestReader(self)
        self.webhooks = WebhookSender(self.workspace, faults, deliveries, retries)
        self.conversations = Conversations(self.workspace, self.webhooks)
        self.step_simulator = StepSimulator(settings.sandbox_seed, self.workspace, self.conversations, self.webhooks)
        self.operations = (
            *CampaignApi(self.workspace, reader).operations,
            *LeadApi(self.workspace, reader, statistics).operations,
            *BlockListApi(self.workspace, reader).operations,
            *EmailApi(self.workspace, reader, self.conversations, self._email_list_limit).operations,
            *WebhookSubscriptions(self.workspace, reader, self.webhooks).operations,
        )

    def faults_by_operation(self) -> dict[str, frozenset[str]]:
        """Return the faults of its operations and of webhook deliveries."""
        return {**super().faults_by_operation(), DELIVERY_OPERATION: DELIVERY_FAULTS}

    def check_access(self, call: VendorCall) -> None:
        """Raise VendorRefusalError without the key, above a rate limit, or without a paid plan."""
        authorization = call.request.headers.get("Authorization")
        if authorization is None:
            raise VendorRefusalError(self.error_response(401, "Missing Authorization header"))
        if authorization != f"Bearer {self._key}":
            raise VendorRefusalError(self.error_response(401, "Invalid API key"))
        if not all(limit.acquire_units() for limit in self._limits):
            raise VendorRefusalError(self.error_response(429, "Rate limit exceeded"))
        if call.find_fault("payment_required"):
            raise VendorRefusalError(self.error_response(402, "Workspace does not have an active paid plan"))

    def error_response(self, status: int, message: str) -> VendorResponse:
        """Return `{"statusCode", "error", "message"}`; a 429 has no Retry-After."""
        body = {"statusCode": status, "error": responses.get(status, "Error"), "message": message}
        return VendorResponse(body, status)

    def clear_state(self) -> None:
        """Empty the workspace and reset the rate limits."""
        self.workspace.delete_everything()
        for limit in (*self._limits, self._email_list_limit):
            limit.restore_units()
