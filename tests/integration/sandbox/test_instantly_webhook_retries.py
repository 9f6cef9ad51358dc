"""Instantly's stand-in: retries of webhooks, their audit, and subscriptions that disable themselves."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from contracts import conform, instantly_webhooks
from sandbox.app import Sandbox
from sandbox.settings import SandboxSettings
from support.vendors import run_sandbox

EVENT = {"event_type": "lead_unsubscribed", "email": "a@example.com"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox whose webhooks are sent again at once, and whose subscriptions disable themselves after five failures."""
    settings = SandboxSettings(
        sandbox_port=0, sandbox_instantly_webhook_retry_seconds=0, sandbox_instantly_webhook_failures=5
    )
    async with run_sandbox(settings) as sandbox:
        yield sandbox


class FailingReceiver:
    """A receiver that answers with the given statuses, then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.url = ""
        self.count = 0

    async def receive(self, _request: web.Request) -> web.Response:
        self.count += 1
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def receiver() -> AsyncIterator[FailingReceiver]:
    receiver = FailingReceiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def webhook(client: Any, receiver: FailingReceiver) -> str:
    """Return a subscription to all events of a campaign with one member."""
    await client.add_leads(await client.create_campaign(), "a@example.com")
    body = {"target_hook_url": receiver.url, "event_type": "all_events"}
    return str((await client.call_instantly("POST", "/webhooks", body)).json["id"])


async def trigger_event(client: Any, sandbox: Sandbox) -> None:
    await client.call_control_api("POST", "instantly/events", EVENT)
    await sandbox.state.deliveries.wait_for_retries()


async def list_events(client: Any, query: str = "") -> list[instantly_webhooks.WebhookEvent]:
    page = (await client.call_instantly("GET", f"/webhook-events?{query}")).json
    return conform(instantly_webhooks.WebhookEventPage, page).items


async def fetch_webhook(client: Any, webhook: str) -> instantly_webhooks.Webhook:
    return conform(instantly_webhooks.Webhook, (await client.call_instantly("GET", f"/webhooks/{webhook}")).json)


@pytest.mark.usefixtures("webhook")
async def test_a_failed_delivery_is_sent_again_and_the_audit_shows_each_attempt(
    client: Any, sandbox: Sandbox, receiver: FailingReceiver
) -> None:
    receiver.statuses = [500, 302]
    await trigger_event(client, sandbox)
    last, second, first = await list_events(client)
    assert [event.status_code for event in (first, second, last)] == [500, 302, 200]
    assert [event.will_retry for event in (first, second, last)] == [True, True, False]
    assert [event.retry_count for event in (first, second, last)] == [0, 1, 2]
    assert (first.retry_successful, last.retry_successful, last.success) == (None, True, True)
    assert first.timestamp_next_retry is not None
    assert len({event.retry_group_id for event in (first, second, last)}) == 1
    assert first.payload is not None and first.payload["event_type"] == "lead_unsubscribed"
    assert first.lead_email == "a@example.com"


@pytest.mark.usefixtures("webhook")
async def test_the_audit_is_filtered(client: Any, sandbox: Sandbox, receiver: FailingReceiver) -> None:
    receiver.statuses = [500]
    await trigger_event(client, sandbox)
    [failed] = await list_events(client, "success=false")
    assert failed.status_code == 500
    assert len(await list_events(client, "search=a@example.com&from=2020-01-01")) == 2
    assert await list_events(client, "to=2020-01-01") == []
    shown = (await client.call_instantly("GET", f"/webhook-events/{failed.id}")).json
    assert conform(instantly_webhooks.WebhookEvent, shown) == failed


async def test_a_subscription_disables_itself_until_it_is_resumed(
    client: Any, sandbox: Sandbox, receiver: FailingReceiver, webhook: str
) -> None:
    receiver.statuses = [500] * 5
    await trigger_event(client, sandbox)
    assert (await fetch_webhook(client, webhook)).status == 1
    await trigger_event(client, sandbox)
    disabled = await fetch_webhook(client, webhook)
    assert (disabled.status, receiver.count) == (-1, 5)
    assert disabled.timestamp_error is not None
    assert not (await list_events(client))[0].will_retry
    await trigger_event(client, sandbox)
    assert receiver.count == 5
    resumed = await client.call_instantly("POST", f"/webhooks/{webhook}/resume")
    assert conform(instantly_webhooks.Webhook, resumed.json).timestamp_error is None
    await trigger_event(client, sandbox)
    assert receiver.count == 6


async def test_a_delivery_that_is_accepted_forgives_earlier_failures(
    client: Any, sandbox: Sandbox, receiver: FailingReceiver, webhook: str
) -> None:
    for _ in range(3):
        receiver.statuses = [500, 500]
        await trigger_event(client, sandbox)
    assert (await fetch_webhook(client, webhook)).status == 1


async def test_a_receiver_that_cannot_be_reached_has_an_error_and_no_status(client: Any, sandbox: Sandbox) -> None:
    await client.add_leads(await client.create_campaign(), "a@example.com")
    body = {"target_hook_url": "http://127.0.0.1:1/hook", "event_type": "all_events"}
    webhook = (await client.call_instantly("POST", "/webhooks", body)).json["id"]
    await trigger_event(client, sandbox)
    event = (await list_events(client))[0]
    assert (event.status_code, event.success, event.retry_count) == (None, False, 2)
    assert event.error_message
    tested = await client.call_instantly("POST", f"/webhooks/{webhook}/test")
    assert not conform(instantly_webhooks.WebhookTested, tested.json).success


async def test_a_subscription_can_be_tested(client: Any, webhook: str, receiver: FailingReceiver) -> None:
    tested = await client.call_instantly("POST", f"/webhooks/{webhook}/test")
    assert conform(instantly_webhooks.WebhookTested, tested.json).status_code == 200
    assert receiver.count == 1


async def test_event_types_are_listed_and_others_are_refused(client: Any) -> None:
    types = conform(instantly_webhooks.EventTypes, (await client.call_instantly("GET", "/webhooks/event-types")).json)
    assert {"all_events", "reply_received"} <= {entry.id for entry in types.event_types}
    for wrong in ({"event_type": "auto_reply_received"}, {"colour": "red"}):
        body = {"target_hook_url": "http://127.0.0.1:1/hook", **wrong}
        assert (await client.call_instantly("POST", "/webhooks", body)).status == 400


async def test_a_custom_label_reaches_subscriptions_without_a_type_and_those_to_all_events(
    client: Any, sandbox: Sandbox, webhook: str, receiver: FailingReceiver
) -> None:
    assert webhook
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": receiver.url})
    label = {"event_type": "Call back in spring", "email": "a@example.com"}
    assert await client.call_control_api("POST", "instantly/events", label) == {"delivered": 2}
    assert await client.call_control_api("POST", "instantly/events", EVENT) == {"delivered": 1}


@pytest.mark.usefixtures("webhook")
async def test_a_delivery_may_be_lost(client: Any, sandbox: Sandbox, receiver: FailingReceiver) -> None:
    await client.add_fault("instantly", "webhook_lost", times=1)
    await trigger_event(client, sandbox)
    assert (receiver.count, await list_events(client)) == (0, [])
