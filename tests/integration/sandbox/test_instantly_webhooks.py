"""Instantly's stand-in: what it tells its subscribers."""

from typing import Any

import pytest

from contracts import conform, instantly

SECRET = {"X-EC-Webhook-Secret": "s3cret"}
REPLY = {"event_type": "reply_received", "email": "a@example.com", "details": {"reply_text": "Yes, please call me"}}


@pytest.fixture
async def campaign(call: Any, hooks: Any) -> str:
    """A campaign with one member, and a subscription to all that happens."""
    campaign = str(await call.campaign())
    await call.add(campaign, "a@example.com")
    body = {"target_hook_url": hooks.url, "event_type": "all_events", "headers": SECRET}
    conform(instantly.Webhook, (await call.instantly("POST", "/webhooks", body)).json)
    return campaign


async def test_a_delivery_is_flat_and_brings_our_variables_and_our_header(call: Any, hooks: Any, campaign: str) -> None:
    assert await call.control("POST", "instantly/events", REPLY) == {"delivered": 1}
    [(headers, body)] = hooks.received
    delivery = conform(instantly.Delivery, body)
    assert headers["X-EC-Webhook-Secret"] == "s3cret"
    assert delivery.lead_email == delivery.email == "a@example.com"
    assert (delivery.campaign_id, body["lead_id"], body["reply_text"]) == (
        campaign,
        "ld_a@example.com",
        "Yes, please call me",
    )


async def test_variables_come_back_as_text_in_javascripts_way(call: Any, hooks: Any) -> None:
    variables = {"lead_id": "ld_1", "est_value": 412000, "equity": 351000.0, "ratio": 0.5, "free": True, "note": None}
    lead = {"campaign": await call.campaign(), "email": "b@example.com", "custom_variables": variables}
    await call.instantly("POST", "/leads", lead)
    await call.instantly("POST", "/webhooks", {"target_hook_url": hooks.url})
    await call.control("POST", "instantly/events", {"event_type": "email_bounced", "email": "b@example.com"})
    [(_, body)] = hooks.received
    said = {name: body.get(name) for name in variables}
    assert said == {
        "lead_id": "ld_1", "est_value": "412000", "equity": "351000", "ratio": "0.5", "free": "true", "note": None,
    }  # fmt: skip


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_come_twice(call: Any, hooks: Any) -> None:
    await call.fault("instantly", "webhook_twice")
    await call.control("POST", "instantly/events", REPLY)
    (_, first), (_, second) = hooks.received
    assert first == second


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_lack_the_secret(call: Any, hooks: Any) -> None:
    await call.fault("instantly", "webhook_without_secret")
    await call.control("POST", "instantly/events", REPLY)
    assert "X-EC-Webhook-Secret" not in hooks.received[0][0]


@pytest.mark.usefixtures("campaign")
async def test_a_delivery_may_have_a_type_that_nobody_knows(call: Any, hooks: Any) -> None:
    await call.fault("instantly", "webhook_unknown_type")
    await call.control("POST", "instantly/events", REPLY)
    assert hooks.received[0][1]["event_type"] not in {"reply_received", "all_events"}


@pytest.mark.usefixtures("campaign")
async def test_only_what_was_subscribed_is_delivered(call: Any, hooks: Any) -> None:
    [subscription] = (await call.instantly("GET", "/webhooks")).json["items"]
    assert (await call.instantly("GET", f"/webhooks/{subscription['id']}")).json == subscription
    await call.instantly("DELETE", f"/webhooks/{subscription['id']}")
    await call.instantly("POST", "/webhooks", {"target_hook_url": hooks.url, "event_type": "email_bounced"})
    assert await call.control("POST", "instantly/events", REPLY) == {"delivered": 0}


@pytest.mark.usefixtures("campaign")
async def test_a_subscription_can_be_changed_and_resumed(call: Any, sandbox: Any, hooks: Any) -> None:
    [webhook] = (await call.instantly("GET", "/webhooks")).json["items"]
    changed = await call.instantly("PATCH", f"/webhooks/{webhook['id']}", {"event_type": "email_bounced"})
    assert conform(instantly.Webhook, changed.json).headers == SECRET
    await call.control("POST", "instantly/events", REPLY)
    assert hooks.received == []
    sandbox.world.instantly.workspace.webhooks[webhook["id"]]["status"] = -1
    resumed = await call.instantly("POST", f"/webhooks/{webhook['id']}/resume", {})
    assert conform(instantly.Webhook, resumed.json).status == 1
    refused = await call.instantly("PATCH", f"/webhooks/{webhook['id']}", {"target_hook_url": "nowhere"})
    assert refused.status == 400
