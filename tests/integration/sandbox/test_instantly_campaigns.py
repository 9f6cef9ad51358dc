"""Instantly's stand-in: campaigns, keys, limits, pages."""

from typing import Any

import pytest

from contracts import conform, instantly
from support.vendors import SCHEDULE

STEPS = [{"type": "email", "delay": 2, "variants": [{"subject": "Hello {{firstName}}", "body": "<p>…</p>"}]}] * 4
NEW = {
    "name": "FL 62+",
    "campaign_schedule": SCHEDULE,
    "sequences": [{"steps": STEPS}],
    "insert_unsubscribe_header": True,
}


async def test_creating_makes_a_draft_that_can_be_read_again(call: Any) -> None:
    made = conform(instantly.Campaign, (await call.instantly("POST", "/campaigns", NEW)).json)
    read = await call.instantly("GET", f"/campaigns/{made.id}")
    assert made.status == 0
    assert read.json["sequences"] == NEW["sequences"]
    assert conform(instantly.Campaign, read.json) == made


async def test_a_campaign_can_be_changed_switched_and_deleted(call: Any) -> None:
    campaign = await call.campaign()
    changed = await call.instantly("PATCH", f"/campaigns/{campaign}", {"name": "Other", "status": 1})
    assert (changed.json["name"], changed.json["status"]) == ("Other", 0)
    assert (await call.instantly("POST", f"/campaigns/{campaign}/activate")).json["status"] == 1
    assert (await call.instantly("POST", f"/campaigns/{campaign}/pause")).json["status"] == 2
    await call.instantly("DELETE", f"/campaigns/{campaign}")
    assert (await call.instantly("GET", f"/campaigns/{campaign}")).status == 404


@pytest.mark.parametrize("zone", ["America/New_York", "America/Los_Angeles", "America/Denver"])
async def test_zones_that_instantly_does_not_list_are_refused(call: Any, zone: str) -> None:
    schedule = {"schedules": [{**SCHEDULE["schedules"][0], "timezone": zone}]}
    reply = await call.instantly("POST", "/campaigns", {"name": "x", "campaign_schedule": schedule})
    assert reply.status == 400
    assert "timezone" in conform(instantly.Failure, reply.json).message


async def test_a_missing_property_is_named(call: Any) -> None:
    reply = await call.instantly("POST", "/campaigns", {"campaign_schedule": SCHEDULE})
    assert conform(instantly.Failure, reply.json).message == "body must have required property 'name'"


async def test_campaigns_are_listed_page_by_page(call: Any) -> None:
    made = [await call.campaign(f"number {number}") for number in range(5)]
    first = conform(instantly.CampaignPage, (await call.instantly("GET", "/campaigns?limit=3")).json)
    path = f"/campaigns?limit=3&starting_after={first.next_starting_after}"
    second = conform(instantly.CampaignPage, (await call.instantly("GET", path)).json)
    assert [entry.id for entry in (*first.items, *second.items)] == made
    assert second.next_starting_after is None


@pytest.mark.parametrize("limit", ["0", "101", "many"])
async def test_a_page_has_one_to_a_hundred_items(call: Any, limit: str) -> None:
    assert (await call.instantly("GET", f"/campaigns?limit={limit}")).status == 400


@pytest.mark.parametrize("headers", [None, {"Authorization": "Bearer wrong"}])
async def test_without_the_key_nothing_is_told(call: Any, headers: Any) -> None:
    reply = await call("GET", "/instantly/api/v2/campaigns", None, headers)
    assert conform(instantly.Failure, reply.json).statusCode == reply.status == 401


async def test_over_the_limit_is_a_429_without_retry_after(call: Any, sandbox: Any) -> None:
    sandbox.world.instantly._limits[1]._most = 3
    replies = [await call.instantly("GET", "/campaigns") for _ in range(8)]
    refused = [reply for reply in replies if reply.status == 429]
    assert refused
    assert all("Retry-After" not in reply.headers for reply in refused)
    assert conform(instantly.Failure, refused[0].json).error == "Too Many Requests"


async def test_without_a_paid_plan_everything_is_a_402(call: Any) -> None:
    await call.fault("instantly", "payment_required")
    assert (await call.instantly("GET", "/campaigns")).status == 402
