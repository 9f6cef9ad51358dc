"""Webhook subscriptions of Instantly and the deliveries to them, which are not signed (docs/vendors/instantly.md, Webhooks)."""

from typing import Any

import orjson

from sandbox.deliveries import OutgoingDeliveries
from sandbox.faults import FaultRegistry
from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import CreateWebhookRequest, UpdateWebhookRequest
from sandbox.vendors.instantly.workspace import ORGANIZATION_ID, InstantlyWorkspace, current_time

DELIVERY_OPERATION = "deliver_webhook"
"""The `operation` of faults that hit deliveries."""
DELIVERY_FAULTS = frozenset({"webhook_twice", "webhook_without_secret", "webhook_unknown_type"})
_LEAD_CHANGES: dict[str, dict[str, Any]] = {
    "email_bounced": {"status": -1},
    "lead_unsubscribed": {"status": -2},
    "campaign_completed": {"status": 3},
    "reply_received": {"email_reply_count": 1},
}
"""By event type: the fields of the lead that the event changes."""


class WebhookSubscriptions:
    """Operations on webhook subscriptions, and the deliveries to them."""

    def __init__(
        self,
        workspace: InstantlyWorkspace,
        reader: InstantlyRequestReader,
        faults: FaultRegistry,
        deliveries: OutgoingDeliveries,
    ) -> None:
        self._workspace = workspace
        self._reader = reader
        self._faults = faults
        self._deliveries = deliveries
        self.operations = (
            VendorOperation("create_webhook", "POST", "/api/v2/webhooks", self._create),
            VendorOperation("list_webhooks", "GET", "/api/v2/webhooks", self._list, ("cursor_on_last_page",)),
            VendorOperation("get_webhook", "GET", "/api/v2/webhooks/{id}", self._get),
            VendorOperation("update_webhook", "PATCH", "/api/v2/webhooks/{id}", self._update),
            VendorOperation("resume_webhook", "POST", "/api/v2/webhooks/{id}/resume", self._resume),
            VendorOperation("delete_webhook", "DELETE", "/api/v2/webhooks/{id}", self._delete),
        )

    async def _create(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(CreateWebhookRequest, call)
        subscription = {
            **request.model_dump(), "id": self._workspace.create_id(), "organization": ORGANIZATION_ID, "status": 1,
            "timestamp_created": current_time(), "timestamp_error": None,
        }  # fmt: skip
        self._workspace.webhooks[subscription["id"]] = subscription
        return VendorResponse(subscription)

    async def _list(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._reader.create_query_page(call, list(self._workspace.webhooks.values())))

    async def _get(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._find_subscription(call))

    async def _update(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(UpdateWebhookRequest, call)
        subscription = self._find_subscription(call)
        subscription.update(request.model_dump(exclude_unset=True))
        return VendorResponse(subscription)

    async def _resume(self, call: VendorCall) -> VendorResponse:
        subscription = self._find_subscription(call)
        subscription.update(status=1, timestamp_error=None)
        return VendorResponse(subscription)

    async def _delete(self, call: VendorCall) -> VendorResponse:
        subscription = self._find_subscription(call)
        return VendorResponse(self._workspace.webhooks.pop(subscription["id"]))

    def _find_subscription(self, call: VendorCall) -> dict[str, Any]:
        return self._reader.find_entry(self._workspace.webhooks, call)

    def apply_event(self, event_type: str, lead: dict[str, Any], details: dict[str, Any]) -> int:
        """Change *lead* as the event does and notify the subscribers. Return the number of deliveries."""
        lead.update(_LEAD_CHANGES.get(event_type, {}), timestamp_updated=current_time())
        event = {**_create_event(event_type, lead, self._workspace), **details}
        text = orjson.dumps(event).decode()
        faults = self._faults.select_faults("instantly", DELIVERY_OPERATION, DELIVERY_FAULTS, text)
        kinds = {fault.kind for fault in faults}
        if "webhook_unknown_type" in kinds:
            event["event_type"] = "Custom label of a user"
        delivered = 0
        for subscription in list(self._workspace.webhooks.values()):
            if not _is_subscribed(subscription, event_type, lead):
                continue
            headers = {} if "webhook_without_secret" in kinds else subscription["headers"] or {}
            for _ in range(2 if "webhook_twice" in kinds else 1):
                self._deliveries.start_delivery(subscription["target_hook_url"], event, headers)
                delivered += 1
        return delivered


def _is_subscribed(subscription: dict[str, Any], event_type: str, lead: dict[str, Any]) -> bool:
    is_type_subscribed = subscription["event_type"] in (None, "all_events", event_type)
    return is_type_subscribed and subscription["campaign"] in (None, lead["campaign"])


def _variable_text(value: str | float) -> str:
    """Return a variable as JavaScript writes it: `true`, and `412000` for 412000.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _create_event(event_type: str, lead: dict[str, Any], workspace: InstantlyWorkspace) -> dict[str, Any]:
    """Return the flat object of a delivery: lead fields and custom variables at the top level, their values as text."""
    variables = {name: _variable_text(value) for name, value in lead["payload"].items() if value is not None}
    return {
        **variables,
        "timestamp": current_time(),
        "event_type": event_type,
        "workspace": ORGANIZATION_ID,
        "campaign_id": lead["campaign"],
        "campaign_name": workspace.campaigns[lead["campaign"]]["name"],
        "lead_email": lead["email"],
        "email": lead["email"],
    }
