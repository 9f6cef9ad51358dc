"""Instantly's stand-in: campaigns, keys, limits, pages."""

from typing import Any

import pytest

from contracts import conform, instantly
from support.vendors import CAMPAIGN_SCHEDULE

SEQUENCE_STEPS = [
    {"type": "email", "delay": 2, "variants": [{"subject": "Hello {{firstName}}", "body": "<p>…</p>"}]}
] * 4
NEW_CAMPAIGN = {
    "name": "FL 62+",
    "campaign_schedule": CAMPAIGN_SCHEDULE,
    "sequences": [{"steps": SEQUENCE_STEPS}],
    "insert_unsubscribe_header": True,
}


async def test_a_created_campaign_is_a_draft_that_can_be_read(client: Any) -> None:
    made = conform(instantly.Campaign, (await client.call_instantly("POST", "/campaigns", NEW_CAMPAIGN)).json)
    read = await client.call_instantly("GET", f"/campaigns/{made.id}")
    assert made.status == 0
    assert read.json["sequences"] == NEW_CAMPAIGN["sequences"]
    assert conform(instantly.Campaign, read.json) == made


async def test_a_campaign_can_be_changed_activated_paused_and_deleted(client: Any) -> None:
    campaign = await client.create_campaign()
    changed = await client.call_instantly("PATCH", f"/campaigns/{campaign}", {"name": "Other", "status": 1})
    assert (changed.json["name"], changed.json["status"]) == ("Other", 0)
    assert (await client.call_instantly("POST", f"/campaigns/{campaign}/activate")).json["status"] == 1
    assert (await client.call_instantly("POST", f"/campaigns/{campaign}/pause")).json["status"] == 2
    await client.call_instantly("DELETE", f"/campaigns/{campaign}")
    assert (await client.call_instantly("GET", f"/campaigns/{campaign}")).status == 404


@pytest.mark.parametrize("zone", ["America/New_York", "America/Los_Angeles", "America/Denver"])
async def test_zones_that_instantly_does_not_list_are_refused(client: Any, zone: str) -> None:
    schedule = {"schedules": [{**CAMPAIGN_SCHEDULE["schedules"][0], "timezone": zone}]}
    response = await client.call_instantly("POST", "/campaigns", {"name": "x", "campaign_schedule": schedule})
    assert response.status == 400
    assert "timezone" in conform(instantly.Failure, response.json).message


async def test_a_missing_property_is_named(client: Any) -> None:
    response = await client.call_instantly("POST", "/campaigns", {"campaign_schedule": CAMPAIGN_SCHEDULE})
    assert conform(instantly.Failure, response.json).message == "body must have required property 'name'"


async def test_campaigns_are_listed_page_by_page(client: Any) -> None:
    made = [await client.create_campaign(f"number {number}") for number in range(5)]
    first = conform(instantly.CampaignPage, (await client.call_instantly("GET", "/campaigns?limit=3")).json)
    path = f"/campaigns?limit=3&starting_after={first.next_starting_after}"
    second = conform(instantly.CampaignPage, (await client.call_instantly("GET", path)).json)
    assert [entry.id for entry in (*first.items, *second.items)] == made
    assert second.next_starting_after is None


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_page_has_one_to_a_hundred_items(client: Any, limit: str) -> None:
    assert (await client.call_instantly("GET", f"/campaigns?limit={limit}")).status == 400


@pytest.mark.parametrize("headers", [None, {"Authorization": "Bearer wrong"}])
async def test_a_call_without_the_key_is_a_401(client: Any, headers: Any) -> None:
    response = await client.send_request("GET", "/instantly/api/v2/campaigns", None, headers)
    assert conform(instantly.Failure, response.json).statusCode == response.status == 401


async def test_a_call_above_the_limit_is_a_429_without_retry_after(client: Any, sandbox: Any) -> None:
    sandbox.state.instantly._limits[1]._max_units = 3
    replies = [await client.call_instantly("GET", "/campaigns") for _ in range(8)]
    refused = [response for response in replies if response.status == 429]
    assert refused
    assert all("Retry-After" not in response.headers for response in refused)
    assert conform(instantly.Failure, refused[0].json).error == "Too Many Requests"


async def test_every_call_without_a_paid_plan_is_a_402(client: Any) -> None:
    await client.add_fault("instantly", "payment_required")
    assert (await client.call_instantly("GET", "/campaigns")).status == 402
