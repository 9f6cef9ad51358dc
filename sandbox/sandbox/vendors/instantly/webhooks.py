"""Webhook subscriptions of Instantly and the audit of deliveries, which are not signed (docs/vendors/instantly.md, Webhooks)."""

from typing import Any, get_args

from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import CreateWebhookRequest, UpdateWebhookRequest, WebhookEventType
from sandbox.vendors.instantly.webhook_sender import WebhookSender
from sandbox.vendors.instantly.workspace import ORGANIZATION_ID, InstantlyWorkspace, current_time

EVENT_TYPES: tuple[str, ...] = get_args(WebhookEventType)


class WebhookSubscriptions:
    """Operations on webhook subscriptions, and on the audit of the deliveries to them."""

    def __init__(
        self,
        workspace: InstantlyWorkspace,
        reader: InstantlyRequestReader,
        sender: WebhookSender,
    ) -> None:
        self._workspace = workspace
        self._reader = reader
        self._sender = sender
        self.operations = (
            VendorOperation("create_webhook", "POST", "/api/v2/webhooks", self._create),
            VendorOperation("list_webhooks", "GET", "/api/v2/webhooks", self._list, ("cursor_on_last_page",)),
            VendorOperation("list_webhook_types", "GET", "/api/v2/webhooks/event-types", self._list_types),
            VendorOperation("get_webhook", "GET", "/api/v2/webhooks/{id}", self._get),
            VendorOperation("update_webhook", "PATCH", "/api/v2/webhooks/{id}", self._update),
            VendorOperation("resume_webhook", "POST", "/api/v2/webhooks/{id}/resume", self._resume),
            VendorOperation("test_webhook", "POST", "/api/v2/webhooks/{id}/test", self._test),
            VendorOperation("delete_webhook", "DELETE", "/api/v2/webhooks/{id}", self._delete),
            VendorOperation(
                "list_webhook_events", "GET", "/api/v2/webhook-events", self._list_events, ("cursor_on_last_page",)
            ),
            VendorOperation("get_webhook_event", "GET", "/api/v2/webhook-events/{id}", self._get_event),
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
        self._workspace.webhook_failures.pop(subscription["id"], None)
        return VendorResponse(subscription)

    async def _delete(self, call: VendorCall) -> VendorResponse:
        subscription = self._find_subscription(call)
        return VendorResponse(self._workspace.webhooks.pop(subscription["id"]))

    def _find_subscription(self, call: VendorCall) -> dict[str, Any]:
        return self._reader.find_entry(self._workspace.webhooks, call)

    async def _test(self, call: VendorCall) -> VendorResponse:
        result = await self._sender.send_test(self._find_subscription(call))
        message = "Webhook test sent" if result.is_success else "Webhook test failed"
        return VendorResponse({
            "success": result.is_success, "message": message, "response_time_ms": result.milliseconds,
            "status_code": result.status, "error": result.error,
        })  # fmt: skip

    async def _list_types(self, _call: VendorCall) -> VendorResponse:
        types = [{"id": name, "label": name.replace("_", " ").capitalize(), "type": "default"} for name in EVENT_TYPES]
        return VendorResponse({"event_types": types})

    async def _list_events(self, call: VendorCall) -> VendorResponse:
        query = call.request.query
        events = [event for event in self._workspace.webhook_events.values() if _is_listed(event, query)]
        return VendorResponse(self._reader.create_query_page(call, events, is_descending=True))

    async def _get_event(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._reader.find_entry(self._workspace.webhook_events, call))


def _is_listed(event: dict[str, Any], query: Any) -> bool:
    """Return whether a delivery attempt meets every filter of the query."""
    return (
        query.get("success") in (None, str(event["success"]).lower())
        and query.get("from", "") <= event["timestamp_created_date"] <= query.get("to", "9")
        and query.get("search") in (None, event["webhook_url"], event["lead_email"])
    )
