"""Deliveries to webhook subscriptions: retries, the audit, and subscriptions that disable themselves (docs/vendors/instantly.md)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import orjson

from sandbox.deliveries import DeliveryResult, OutgoingDeliveries
from sandbox.faults import FaultRegistry
from sandbox.vendors.instantly.email_texts import variable_text
from sandbox.vendors.instantly.requests import WebhookEventType
from sandbox.vendors.instantly.workspace import ORGANIZATION_ID, InstantlyWorkspace, current_time, format_time

DELIVERY_OPERATION = "deliver_webhook"
"""The `operation` of faults that hit deliveries."""
DELIVERY_FAULTS = frozenset(
    {"webhook_twice", "webhook_without_secret", "webhook_unknown_type", "webhook_lost", "webhook_answered_id"}
)
_LEAD_CHANGES: dict[str, dict[str, Any]] = {
    "email_bounced": {"status": -1},
    "lead_unsubscribed": {"status": -2},
    "campaign_completed": {"status": 3},
    "reply_received": {"email_reply_count": 1},
    "lead_out_of_office": {"lt_interest_status": 0},
    "lead_interested": {"lt_interest_status": 1},
    "lead_not_interested": {"lt_interest_status": -1},
    "lead_wrong_person": {"lt_interest_status": -2},
}
"""By event type: the fields of the lead that the event changes."""
_DOCUMENTED_TYPES = frozenset({*get_args(WebhookEventType), "auto_reply_received"})


@dataclass(frozen=True, slots=True)
class WebhookRetries:
    """Retries of a delivery, and the failures in a row that disable a subscription."""

    retries: int
    pause_seconds: float
    failures_to_disable: int


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One event for one subscription."""

    subscription: dict[str, Any]
    event: dict[str, Any]
    headers: dict[str, str]
    group_id: str


class WebhookSender:
    """Sender of events to the subscriptions of a workspace."""

    def __init__(
        self,
        workspace: InstantlyWorkspace,
        faults: FaultRegistry,
        deliveries: OutgoingDeliveries,
        retries: WebhookRetries,
    ) -> None:
        self._workspace = workspace
        self._faults = faults
        self._deliveries = deliveries
        self._retries = retries

    def apply_event(
        self, event_type: str, lead: dict[str, Any], details: dict[str, Any], *, answered_email_id: str | None = None
    ) -> int:
        """Change *lead* as the event does and notify the subscribers. Return the number of deliveries."""
        lead.update(_LEAD_CHANGES.get(event_type, {}), timestamp_updated=current_time())
        event = {**_create_event(event_type, lead, self._workspace), **details}
        text = orjson.dumps(event).decode()
        faults = self._faults.select_faults("instantly", DELIVERY_OPERATION, DELIVERY_FAULTS, text)
        kinds = {fault.kind for fault in faults}
        if "webhook_unknown_type" in kinds:
            event["event_type"] = "Custom label of a user"
        if "webhook_answered_id" in kinds and answered_email_id is not None:
            event["email_id"] = answered_email_id
        if "webhook_lost" in kinds:
            return 0
        delivered = 0
        for subscription in list(self._workspace.webhooks.values()):
            if not _is_subscribed(subscription, event_type, lead):
                continue
            headers = {} if "webhook_without_secret" in kinds else subscription["headers"] or {}
            for _ in range(2 if "webhook_twice" in kinds else 1):
                delivery = _Delivery(subscription, event, headers, self._workspace.create_id())
                self._deliveries.start_task(self._attempt(delivery, 0))
                delivered += 1
        return delivered

    async def send_test(self, subscription: dict[str, Any]) -> DeliveryResult:
        """Send a test event to a subscription, once and outside the audit. Return the outcome."""
        event = {
            "timestamp": current_time(), "event_type": subscription["event_type"] or "all_events",
            "workspace": ORGANIZATION_ID, "test": True,
        }  # fmt: skip
        return await self._deliveries.post_json(subscription["target_hook_url"], event, subscription["headers"])

    async def _attempt(self, delivery: _Delivery, attempt: int) -> None:
        """Send a delivery for the first time (attempt 0) or again, write it to the audit and plan the next attempt."""
        subscription = delivery.subscription
        if subscription["status"] != 1 or subscription["id"] not in self._workspace.webhooks:
            return
        url = subscription["target_hook_url"]
        result = await self._deliveries.post_json(url, delivery.event, delivery.headers)
        self._count_result(subscription, is_success=result.is_success)
        will_retry = not result.is_success and attempt < self._retries.retries and subscription["status"] == 1
        next_at = datetime.now(UTC) + timedelta(seconds=self._retries.pause_seconds)
        self._workspace.add_webhook_event({
            "payload": delivery.event, "success": result.is_success, "retry_count": attempt, "will_retry": will_retry,
            "webhook_url": url, "status_code": result.status, "error_message": result.error,
            "timestamp_next_retry": format_time(next_at) if will_retry else None, "retry_group_id": delivery.group_id,
            "retry_successful": result.is_success if attempt else None, "lead_email": delivery.event.get("lead_email"),
            "response_time_ms": result.milliseconds,
        })  # fmt: skip
        if will_retry:
            self._deliveries.start_later(self._retries.pause_seconds, self._attempt(delivery, attempt + 1))

    def _count_result(self, subscription: dict[str, Any], *, is_success: bool) -> None:
        """Count failures in a row. Disable the subscription when there are too many."""
        failures = self._workspace.webhook_failures
        if is_success:
            failures.pop(subscription["id"], None)
            return
        failures[subscription["id"]] = failures.get(subscription["id"], 0) + 1
        if failures[subscription["id"]] >= self._retries.failures_to_disable and subscription["status"] == 1:
            subscription.update(status=-1, timestamp_error=current_time())


def _is_subscribed(subscription: dict[str, Any], event_type: str, lead: dict[str, Any]) -> bool:
    """Return whether an event goes to a subscription. A subscription without a type gets the events of custom labels."""
    is_custom_label = event_type not in _DOCUMENTED_TYPES
    wanted = subscription["event_type"]
    is_type_subscribed = is_custom_label if wanted is None else wanted in {"all_events", event_type}
    return subscription["status"] == 1 and is_type_subscribed and subscription["campaign"] in (None, lead["campaign"])


def _create_event(event_type: str, lead: dict[str, Any], workspace: InstantlyWorkspace) -> dict[str, Any]:
    """Return the flat object of a delivery: lead fields and custom variables at the top level, their values as text."""
    variables = {name: variable_text(value) for name, value in lead["payload"].items() if value is not None}
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
