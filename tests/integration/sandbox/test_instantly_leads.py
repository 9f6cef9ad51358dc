"""Instantly's stand-in: leads of campaigns."""

from typing import Any

import pytest

from contracts import conform, instantly


async def add_conforming(client: Any, campaign: str, *emails: str, **flags: Any) -> instantly.BulkAdded:
    return conform(instantly.BulkAdded, (await client.add_leads(campaign, *emails, **flags)).json)


async def test_a_bulk_add_returns_the_indexes_of_the_created_leads(client: Any) -> None:
    campaign = await client.create_campaign()
    answer = await add_conforming(client, campaign, "no email", "a@example.com", "A@example.com", "b@example.com")
    assert [(lead.index, lead.email) for lead in answer.created_leads] == [(1, "a@example.com"), (3, "b@example.com")]
    assert (answer.invalid_email_count, answer.duplicate_email_count) == (1, 1)
    assert await client.list_members(campaign) == ["a@example.com", "b@example.com"]


async def test_a_repeated_add_creates_no_second_member(client: Any) -> None:
    campaign = await client.create_campaign()
    await add_conforming(client, campaign, "a@example.com")
    answer = await add_conforming(client, campaign, "a@example.com")
    assert (answer.duplicated_leads, answer.created_leads) == (1, [])


@pytest.mark.parametrize(
    ("flag", "skipped"), [("skip_if_in_campaign", 1), ("skip_if_in_workspace", 1), ("skip_if_in_list", 0)]
)
async def test_skip_flags_apply_to_every_campaign_of_the_workspace(client: Any, flag: str, skipped: int) -> None:
    one, other = await client.create_campaign("one"), await client.create_campaign("other")
    await add_conforming(client, one, "a@example.com")
    assert (await add_conforming(client, other, "a@example.com", **{flag: True})).skipped_count == skipped


async def test_blocked_emails_and_domains_are_not_added(client: Any) -> None:
    campaign = await client.create_campaign()
    entry = await client.call_instantly("POST", "/block-lists-entries", {"bl_value": "a@example.com"})
    conform(instantly.BlockListEntry, entry.json)
    await client.call_instantly(
        "POST", "/block-lists-entries/bulk-create", {"bl_values": ["blocked.example", "nonsense"]}
    )
    answer = await add_conforming(client, campaign, "a@example.com", "b@blocked.example", "c@example.com")
    assert (answer.in_blocklist, await client.list_members(campaign)) == (2, ["c@example.com"])
    assert len((await client.call_instantly("GET", "/block-lists-entries")).json["items"]) == 2


@pytest.mark.parametrize(("kind", "count"), [("partial", "invalid_email_count"), ("blocklisted", "in_blocklist")])
async def test_leads_can_be_refused_one_by_one(client: Any, kind: str, count: str) -> None:
    campaign = await client.create_campaign()
    await client.add_fault("instantly", kind, contains="b@example.com")
    answer = await add_conforming(client, campaign, "a@example.com", "b@example.com", "c@example.com")
    assert [lead.index for lead in answer.created_leads] == [0, 2]
    assert getattr(answer, count) == 1


@pytest.mark.parametrize(
    "lead",
    [
        {"email": "a@example.com", "custom_variables": {"lead_id": {"an": "object"}}},
        {"email": "a@example.com", "custom_variables": {"lead_id": ["a list"]}},
        {"email": "a@example.com", "shoe_size": 9},
    ],
)
async def test_one_lead_that_breaks_the_schema_refuses_the_whole_batch(client: Any, lead: Any) -> None:
    campaign = await client.create_campaign()
    body = {"campaign_id": campaign, "leads": [{"email": "b@example.com"}, lead]}
    response = await client.call_instantly("POST", "/leads/add", body)
    assert conform(instantly.Failure, response.json).statusCode == 400
    assert await client.list_members(campaign) == []


async def test_a_thousand_leads_are_accepted_and_one_more_is_not(client: Any) -> None:
    campaign = await client.create_campaign()
    emails = [f"lead{number}@example.com" for number in range(1_001)]
    assert (await client.add_leads(campaign, *emails)).status == 400
    assert (await add_conforming(client, campaign, *emails[:-1])).leads_uploaded == 1_000


async def test_an_unknown_campaign_is_a_404(client: Any) -> None:
    assert (await client.add_leads("0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "a@example.com")).status == 404


async def test_an_error_after_the_effect_leaves_the_members_in_the_campaign(client: Any) -> None:
    campaign = await client.create_campaign()
    await client.add_fault("instantly", "error_after_effect", operation="add_leads")
    assert (await client.add_leads(campaign, "a@example.com")).status == 502
    assert await client.list_members(campaign) == ["a@example.com"]


async def test_one_lead_can_be_added_read_changed_and_removed(client: Any) -> None:
    campaign = await client.create_campaign()
    body = {"campaign": campaign, "email": "a@example.com", "first_name": "Ann", "custom_variables": {"lead_id": "1"}}
    lead = conform(instantly.Lead, (await client.call_instantly("POST", "/leads", body)).json)
    assert lead.verification_status == 11, "pending"
    assert lead.payload == {"firstName": "Ann", "lead_id": "1"}
    changed = await client.call_instantly("PATCH", f"/leads/{lead.id}", {"custom_variables": {"est_value": 5}})
    assert conform(instantly.Lead, changed.json).payload == {"firstName": "Ann", "lead_id": "1", "est_value": 5}
    again = await client.call_instantly("POST", "/leads", {**body, "skip_if_in_campaign": True})
    assert again.json["id"] == lead.id
    assert (await client.call_instantly("DELETE", f"/leads/{lead.id}")).status == 200
    assert (await client.call_instantly("GET", f"/leads/{lead.id}")).status == 404
    assert await client.list_members(campaign) == []


async def test_leads_are_listed_by_id_until_a_page_is_empty(client: Any) -> None:
    campaign, other = await client.create_campaign("one"), await client.create_campaign("other")
    await add_conforming(client, campaign, *(f"lead{number}@example.com" for number in range(4)))
    await add_conforming(client, other, "other@example.com")
    found: list[str | None] = []
    cursor: dict[str, str] = {}
    while True:
        body = {"campaign": campaign, "limit": 2, **cursor}
        page = conform(instantly.LeadPage, (await client.call_instantly("POST", "/leads/list", body)).json)
        if not page.items:
            break
        found += [lead.email for lead in page.items]
        cursor = {"starting_after": page.next_starting_after or page.items[-1].id}
    assert found == [f"lead{number}@example.com" for number in range(4)]


async def test_the_last_page_may_have_a_cursor(client: Any) -> None:
    campaign = await client.create_campaign()
    await add_conforming(client, campaign, "a@example.com")
    await client.add_fault("instantly", "cursor_on_last_page")
    page = conform(instantly.LeadPage, (await client.call_instantly("POST", "/leads/list", {"limit": 100})).json)
    assert page.next_starting_after is not None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"contacts": ["B@example.com"]}, ["b@example.com"]),
        ({"search": "c@"}, ["c@example.com"]),
        ({"filter": "FILTER_VAL_UNSUBSCRIBED"}, ["c@example.com"]),
        ({"in_campaign": False}, []),
    ],
)
async def test_lists_can_be_filtered(client: Any, asked: Any, found: list[str]) -> None:
    campaign = await client.create_campaign()
    await add_conforming(client, campaign, "a@example.com", "b@example.com", "c@example.com")
    await client.call_control_api(
        "POST", "instantly/events", {"event_type": "lead_unsubscribed", "email": "c@example.com"}
    )
    page = conform(instantly.LeadPage, (await client.call_instantly("POST", "/leads/list", asked)).json)
    assert [lead.email for lead in page.items] == found


async def test_leads_can_be_removed_by_id_or_status(client: Any) -> None:
    campaign = await client.create_campaign()
    answer = await add_conforming(client, campaign, "a@example.com", "b@example.com", "c@example.com")
    await client.call_control_api("POST", "instantly/events", {"event_type": "email_bounced", "email": "c@example.com"})
    by_id = {"campaign_id": campaign, "ids": [answer.created_leads[0].id]}
    assert conform(instantly.Deleted, (await client.call_instantly("DELETE", "/leads", by_id)).json).count == 1
    by_status = {"campaign_id": campaign, "status": -1}
    assert (await client.call_instantly("DELETE", "/leads", by_status)).json == {"count": 1}
    assert await client.list_members(campaign) == ["b@example.com"]


async def test_the_interest_of_a_lead_can_be_set_and_removed(client: Any) -> None:
    campaign = await client.create_campaign()
    await client.add_leads(campaign, "a@example.com", "b@example.com")
    for value in (1, None):
        body = {"lead_email": "A@example.com", "interest_value": value, "campaign_id": campaign}
        response = await client.call_instantly("POST", "/leads/update-interest-status", body)
        assert response.status == 202
        conform(instantly.InterestSet, response.json)
        leads = (await client.call_instantly("POST", "/leads/list", {"campaign": campaign})).json["items"]
        assert [lead.get("lt_interest_status") for lead in leads] == [value, None]
    response = await client.call_instantly("POST", "/leads/update-interest-status", {"lead_email": "a@example.com"})
    assert response.status == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/leads/list", {"limit": 101}),
        ("DELETE", "/leads", {"campaign_id": "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "limit": 10_001}),
        ("POST", "/block-lists-entries/bulk-create", {"bl_values": [f"{n}@example.com" for n in range(1_001)]}),
    ],
)
async def test_requests_above_a_maximum_are_refused(client: Any, method: str, path: str, body: dict[str, Any]) -> None:
    assert (await client.call_instantly(method, path, body)).status == 400


async def test_leads_of_a_list_do_not_count_against_the_plan(client: Any) -> None:
    body = {"list_id": "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "leads": [{"email": "a@example.com"}]}
    response = await client.call_instantly("POST", "/leads/add", body)
    assert conform(instantly.BulkAdded, response.json).remaining_in_plan is None
