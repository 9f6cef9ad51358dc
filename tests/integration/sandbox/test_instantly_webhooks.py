"""Instantly's stand-in: deliveries to webhook subscriptions."""

from typing import Any

import pytest

from contracts import conform, instantly, instantly_webhooks

SECRET = {"X-EC-Webhook-Secret": "s3cret"}
REPLY = {"event_type": "reply_received", "email": "a@example.com", "details": {"reply_text": "Yes, please call me"}}


@pytest.fixture
async def campaign(client: Any, listener: Any) -> str:
    """Return a campaign with one member, and subscribe to all events."""
    campaign = str(await client.create_campaign())
    await client.add_leads(campaign, "a@example.com")
    body = {"target_hook_url": listener.url, "event_type": "all_events", "headers": SECRET}
    conform(instantly_webhooks.Webhook, (await client.call_instantly("POST", "/webhooks", body)).json)
    return campaign


async def test_a_delivery_is_flat_and_has_our_variables_and_our_header(
    client: Any, listener: Any, campaign: str
) -> None:
    assert await client.call_control_api("POST", "instantly/events", REPLY) == {"delivered": 1}
    [(headers, body)] = listener.received
    delivery = conform(instantly.Delivery, body)
    assert headers["X-EC-Webhook-Secret"] == "s3cret"
    assert delivery.lead_email == delivery.email == "a@example.com"
    assert (delivery.campaign_id, body["lead_id"], body["reply_text"]) == (
        campaign,
        "ld_a@example.com",
        "Yes, please call me",
    )


async def test_variables_are_delivered_as_text_as_javascript_writes_them(client: Any, listener: Any) -> None:
    variables = {"lead_id": "ld_1", "est_value": 412000, "equity": 351000.0, "ratio": 0.5, "free": True, "note": None}
    lead = {"campaign": await client.create_campaign(), "email": "b@example.com", "custom_variables": variables}
    await client.call_instantly("POST", "/leads", lead)
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "all_events"})
    await client.call_control_api("POST", "instantly/events", {"event_type": "email_bounced", "email": "b@example.com"})
    [(_, body)] = listener.received
    delivered = {name: body.get(name) for name in variables}
    assert delivered == {
        "lead_id": "ld_1", "est_value": "412000", "equity": "351000", "ratio": "0.5", "free": "true", "note": None,
    }  # fmt: skip


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_come_twice(client: Any, listener: Any) -> None:
    await client.add_fault("instantly", "webhook_twice")
    await client.call_control_api("POST", "instantly/events", REPLY)
    (_, first), (_, second) = listener.received
    assert first == second


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_lack_the_secret(client: Any, listener: Any) -> None:
    await client.add_fault("instantly", "webhook_without_secret")
    await client.call_control_api("POST", "instantly/events", REPLY)
    assert "X-EC-Webhook-Secret" not in listener.received[0][0]


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_have_an_undocumented_type(client: Any, listener: Any) -> None:
    await client.add_fault("instantly", "webhook_unknown_type")
    await client.call_control_api("POST", "instantly/events", REPLY)
    assert listener.received[0][1]["event_type"] not in {"reply_received", "all_events"}


@pytest.mark.usefixtures("campaign")
async def test_only_subscribed_events_are_delivered(client: Any, listener: Any) -> None:
    [subscription] = (await client.call_instantly("GET", "/webhooks")).json["items"]
    assert (await client.call_instantly("GET", f"/webhooks/{subscription['id']}")).json == subscription
    await client.call_instantly("DELETE", f"/webhooks/{subscription['id']}")
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "email_bounced"})
    assert await client.call_control_api("POST", "instantly/events", REPLY) == {"delivered": 0}


@pytest.mark.usefixtures("campaign")
async def test_a_subscription_can_be_changed_and_resumed(client: Any, sandbox: Any, listener: Any) -> None:
    [webhook] = (await client.call_instantly("GET", "/webhooks")).json["items"]
    changed = await client.call_instantly("PATCH", f"/webhooks/{webhook['id']}", {"event_type": "email_bounced"})
    assert conform(instantly_webhooks.Webhook, changed.json).headers == SECRET
    await client.call_control_api("POST", "instantly/events", REPLY)
    assert listener.received == []
    sandbox.state.instantly.workspace.webhooks[webhook["id"]]["status"] = -1
    resumed = await client.call_instantly("POST", f"/webhooks/{webhook['id']}/resume", {})
    assert conform(instantly_webhooks.Webhook, resumed.json).status == 1
    refused = await client.call_instantly("PATCH", f"/webhooks/{webhook['id']}", {"target_hook_url": "not a url"})
    assert refused.status == 400
