"""Instantly's stand-in: simulated sequence steps."""

from typing import Any

import pytest

from contracts import conform, instantly


@pytest.fixture
async def campaign(client: Any) -> str:
    """Return a campaign with 300 members."""
    campaign = str(await client.create_campaign())
    await client.add_leads(campaign, *(f"lead{number}@example.com" for number in range(300)))
    return campaign


async def test_an_active_campaign_sends_emails_and_gets_replies(client: Any, listener: Any, campaign: str) -> None:
    await client.call_instantly("POST", f"/campaigns/{campaign}/activate")
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "all_events"})
    events = await client.call_control_api("POST", "instantly/steps/1")
    assert events["email_sent"] == 300
    assert events["reply_received"] >= 15
    assert len(listener.received) == sum(events.values())
    for _, body in listener.received:
        conform(instantly.Delivery, body)


async def test_a_campaign_that_is_not_active_sends_nothing(client: Any, campaign: str) -> None:
    assert await client.call_control_api("POST", "instantly/steps/1") == {}
    await client.call_instantly("POST", f"/campaigns/{campaign}/pause")
    assert await client.call_control_api("POST", "instantly/steps/1") == {}


async def test_bounced_and_unsubscribed_leads_get_no_further_step(client: Any, campaign: str) -> None:
    await client.call_instantly("POST", f"/campaigns/{campaign}/activate")
    first = await client.call_control_api("POST", "instantly/steps/1")
    inactive = first["email_bounced"] + first["lead_unsubscribed"]
    assert inactive > 0
    assert (await client.call_control_api("POST", "instantly/steps/2"))["email_sent"] == 300 - inactive
