"""Instantly's block list and webhook subscriptions, and what it delivers (contracts §1.4, §1.7). Deliveries are not signed."""

from typing import Any

import orjson

from sandbox.deliveries import Deliveries
from sandbox.faults import Faults
from sandbox.vendor import Answer, Call, Operation
from sandbox.vendors.instantly.reading import Reader
from sandbox.vendors.instantly.requests import BlockListEntries, BlockListEntry, Subscription, SubscriptionFields
from sandbox.vendors.instantly.workspace import ORGANIZATION, Workspace, now

DELIVERY = "deliver_webhook"
"""The operation that faults of deliveries name."""
DELIVERY_FAULTS = frozenset({"webhook_twice", "webhook_without_secret", "webhook_unknown_type"})
_CHANGES: dict[str, dict[str, Any]] = {
    "email_bounced": {"status": -1},
    "lead_unsubscribed": {"status": -2},
    "campaign_completed": {"status": 3},
    "reply_received": {"email_reply_count": 1},
}
"""What an event leaves on its lead."""


class BlockList:
    """The workspace's block list."""

    def __init__(self, workspace: Workspace, reader: Reader) -> None:
        self._workspace = workspace
        self._reader = reader
        path = "/api/v2/block-lists-entries"
        self.operations = (
            Operation("block", "POST", path, self._add),
            Operation("block_many", "POST", f"{path}/bulk-create", self._add_many),
            Operation("list_blocked", "GET", path, self._list, ("cursor_on_last_page",)),
        )

    async def _add(self, call: Call) -> Answer:
        wanted = self._reader.read(BlockListEntry, call)
        return Answer(self._workspace.block([wanted.bl_value])[0])

    async def _add_many(self, call: Call) -> Answer:
        wanted = self._reader.read(BlockListEntries, call)
        valid = [value for value in wanted.bl_values if "." in value]
        entries = self._workspace.block(valid)
        return Answer(
            {"items": entries, "valid_count": len(valid), "invalid_count": len(wanted.bl_values) - len(valid)}
        )

    async def _list(self, call: Call) -> Answer:
        return Answer(self._reader.query_page(call, list(self._workspace.blocked.values())))


class Webhooks:
    """Subscriptions, and the deliveries to them."""

    def __init__(self, workspace: Workspace, reader: Reader, faults: Faults, deliveries: Deliveries) -> None:
        self._workspace = workspace
        self._reader = reader
        self._faults = faults
        self._deliveries = deliveries
        self.operations = (
            Operation("create_webhook", "POST", "/api/v2/webhooks", self._create),
            Operation("list_webhooks", "GET", "/api/v2/webhooks", self._list, ("cursor_on_last_page",)),
            Operation("get_webhook", "GET", "/api/v2/webhooks/{id}", self._get),
            Operation("update_webhook", "PATCH", "/api/v2/webhooks/{id}", self._update),
            Operation("resume_webhook", "POST", "/api/v2/webhooks/{id}/resume", self._resume),
            Operation("delete_webhook", "DELETE", "/api/v2/webhooks/{id}", self._delete),
        )

    async def _create(self, call: Call) -> Answer:
        wanted = self._reader.read(Subscription, call)
        subscription = {
            **wanted.model_dump(), "id": self._workspace.new_id(), "organization": ORGANIZATION, "status": 1,
            "timestamp_created": now(), "timestamp_error": None,
        }  # fmt: skip
        self._workspace.webhooks[subscription["id"]] = subscription
        return Answer(subscription)

    async def _list(self, call: Call) -> Answer:
        return Answer(self._reader.query_page(call, list(self._workspace.webhooks.values())))

    async def _get(self, call: Call) -> Answer:
        return Answer(self._reader.found(self._workspace.webhooks, call))

    async def _update(self, call: Call) -> Answer:
        wanted = self._reader.read(SubscriptionFields, call)
        subscription = self._reader.found(self._workspace.webhooks, call)
        subscription.update(wanted.model_dump(exclude_unset=True))
        return Answer(subscription)

    async def _resume(self, call: Call) -> Answer:
        subscription = self._reader.found(self._workspace.webhooks, call)
        subscription.update(status=1, timestamp_error=None)
        return Answer(subscription)

    async def _delete(self, call: Call) -> Answer:
        subscription = self._reader.found(self._workspace.webhooks, call)
        return Answer(self._workspace.webhooks.pop(subscription["id"]))

    def happen(self, event_type: str, lead: dict[str, Any], details: dict[str, Any]) -> int:
        """Let *event_type* happen to *lead*: change it, tell the subscribers; how many deliveries were sent."""
        lead.update(_CHANGES.get(event_type, {}), timestamp_updated=now())
        event = {**_event(event_type, lead, self._workspace), **details}
        hits = {
            fault.kind
            for fault in self._faults.hitting("instantly", DELIVERY, DELIVERY_FAULTS, orjson.dumps(event).decode())
        }
        if "webhook_unknown_type" in hits:
            event["event_type"] = "Custom label of somebody"
        sent = 0
        for subscription in list(self._workspace.webhooks.values()):
            if not _is_subscribed(subscription, event_type, lead):
                continue
            headers = {} if "webhook_without_secret" in hits else subscription["headers"] or {}
            for _ in range(2 if "webhook_twice" in hits else 1):
                self._deliveries.send(subscription["target_hook_url"], event, headers)
                sent += 1
        return sent


def _is_subscribed(subscription: dict[str, Any], event_type: str, lead: dict[str, Any]) -> bool:
    wants = subscription["event_type"] in (None, "all_events", event_type)
    return wants and subscription["campaign"] in (None, lead["campaign"])


def _text(value: str | float) -> str:
    """A variable as JavaScript writes it: `true`, and `412000` for 412000.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _event(event_type: str, lead: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    """The flat object of §1.7, lead fields and custom variables at the top, their values as text."""
    variables = {name: _text(value) for name, value in lead["payload"].items() if value is not None}
    return {
        **variables,
        "timestamp": now(),
        "event_type": event_type,
        "workspace": ORGANIZATION,
        "campaign_id": lead["campaign"],
        "campaign_name": workspace.campaigns[lead["campaign"]]["name"],
        "lead_email": lead["email"],
        "email": lead["email"],
    }
