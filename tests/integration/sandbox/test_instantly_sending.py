"""Instantly's stand-in: what becomes of a step."""

from typing import Any

import pytest

from contracts import conform, instantly


@pytest.fixture
async def campaign(call: Any) -> str:
    """A campaign of 300."""
    campaign = str(await call.campaign())
    await call.add(campaign, *(f"lead{number}@example.com" for number in range(300)))
    return campaign


async def test_an_active_campaign_is_sent_and_replied_to(call: Any, hooks: Any, campaign: str) -> None:
    await call.instantly("POST", f"/campaigns/{campaign}/activate")
    await call.instantly("POST", "/webhooks", {"target_hook_url": hooks.url, "event_type": "all_events"})
    happened = await call.control("POST", "instantly/steps/1")
    assert happened["email_sent"] == 300
    assert happened["reply_received"] >= 15
    assert len(hooks.received) == sum(happened.values())
    for _, body in hooks.received:
        conform(instantly.Delivery, body)


async def test_a_campaign_that_is_not_active_sends_nothing(call: Any, campaign: str) -> None:
    assert await call.control("POST", "instantly/steps/1") == {}
    await call.instantly("POST", f"/campaigns/{campaign}/pause")
    assert await call.control("POST", "instantly/steps/1") == {}


async def test_who_bounced_or_unsubscribed_gets_no_further_step(call: Any, campaign: str) -> None:
    await call.instantly("POST", f"/campaigns/{campaign}/activate")
    first = await call.control("POST", "instantly/steps/1")
    gone = first["email_bounced"] + first["lead_unsubscribed"]
    assert gone > 0
    assert (await call.control("POST", "instantly/steps/2"))["email_sent"] == 300 - gone
