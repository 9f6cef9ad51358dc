"""Instantly's stand-in: leads in campaigns."""

from typing import Any

import pytest

from contracts import conform, instantly


async def added(call: Any, campaign: str, *emails: str, **flags: Any) -> instantly.BulkAdded:
    return conform(instantly.BulkAdded, (await call.add(campaign, *emails, **flags)).json)


async def test_a_bulk_add_says_by_index_who_was_taken(call: Any) -> None:
    campaign = await call.campaign()
    answer = await added(call, campaign, "no email", "a@example.com", "A@example.com", "b@example.com")
    assert [(lead.index, lead.email) for lead in answer.created_leads] == [(1, "a@example.com"), (3, "b@example.com")]
    assert (answer.invalid_email_count, answer.duplicate_email_count) == (1, 1)
    assert await call.members(campaign) == ["a@example.com", "b@example.com"]


async def test_adding_again_makes_no_second_member(call: Any) -> None:
    campaign = await call.campaign()
    await added(call, campaign, "a@example.com")
    answer = await added(call, campaign, "a@example.com")
    assert (answer.duplicated_leads, answer.created_leads) == (1, [])


@pytest.mark.parametrize(
    ("flag", "skipped"), [("skip_if_in_campaign", 1), ("skip_if_in_workspace", 1), ("skip_if_in_list", 0)]
)
async def test_flags_look_at_every_campaign_of_the_workspace(call: Any, flag: str, skipped: int) -> None:
    one, other = await call.campaign("one"), await call.campaign("other")
    await added(call, one, "a@example.com")
    assert (await added(call, other, "a@example.com", **{flag: True})).skipped_count == skipped


async def test_the_block_list_keeps_people_out(call: Any) -> None:
    campaign = await call.campaign()
    entry = await call.instantly("POST", "/block-lists-entries", {"bl_value": "a@example.com"})
    conform(instantly.BlockListEntry, entry.json)
    await call.instantly("POST", "/block-lists-entries/bulk-create", {"bl_values": ["blocked.example", "nonsense"]})
    answer = await added(call, campaign, "a@example.com", "b@blocked.example", "c@example.com")
    assert (answer.in_blocklist, await call.members(campaign)) == (2, ["c@example.com"])
    assert len((await call.instantly("GET", "/block-lists-entries")).json["items"]) == 2


@pytest.mark.parametrize(("kind", "count"), [("partial", "invalid_email_count"), ("blocklisted", "in_blocklist")])
async def test_leads_can_be_refused_one_by_one(call: Any, kind: str, count: str) -> None:
    campaign = await call.campaign()
    await call.fault("instantly", kind, contains="b@example.com")
    answer = await added(call, campaign, "a@example.com", "b@example.com", "c@example.com")
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
async def test_what_the_schema_does_not_allow_refuses_the_whole_batch(call: Any, lead: Any) -> None:
    campaign = await call.campaign()
    body = {"campaign_id": campaign, "leads": [{"email": "b@example.com"}, lead]}
    reply = await call.instantly("POST", "/leads/add", body)
    assert conform(instantly.Failure, reply.json).statusCode == 400
    assert await call.members(campaign) == []


async def test_a_thousand_leads_are_taken_and_one_more_is_not(call: Any) -> None:
    campaign = await call.campaign()
    emails = [f"lead{number}@example.com" for number in range(1_001)]
    assert (await call.add(campaign, *emails)).status == 400
    assert (await added(call, campaign, *emails[:-1])).leads_uploaded == 1_000


async def test_an_unknown_campaign_is_a_404(call: Any) -> None:
    assert (await call.add("0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "a@example.com")).status == 404


async def test_a_lost_answer_leaves_the_members_behind(call: Any) -> None:
    campaign = await call.campaign()
    await call.fault("instantly", "error_after_effect", operation="add_leads")
    assert (await call.add(campaign, "a@example.com")).status == 502
    assert await call.members(campaign) == ["a@example.com"]


async def test_one_lead_can_be_added_read_changed_and_removed(call: Any) -> None:
    campaign = await call.campaign()
    body = {"campaign": campaign, "email": "a@example.com", "first_name": "Ann", "custom_variables": {"lead_id": "1"}}
    lead = conform(instantly.Lead, (await call.instantly("POST", "/leads", body)).json)
    assert lead.verification_status == 11, "pending"
    assert lead.payload == {"firstName": "Ann", "lead_id": "1"}
    changed = await call.instantly("PATCH", f"/leads/{lead.id}", {"custom_variables": {"est_value": 5}})
    assert conform(instantly.Lead, changed.json).payload == {"firstName": "Ann", "lead_id": "1", "est_value": 5}
    again = await call.instantly("POST", "/leads", {**body, "skip_if_in_campaign": True})
    assert again.json["id"] == lead.id
    assert (await call.instantly("DELETE", f"/leads/{lead.id}")).status == 200
    assert (await call.instantly("GET", f"/leads/{lead.id}")).status == 404
    assert await call.members(campaign) == []


async def test_leads_are_listed_by_id_until_a_page_is_empty(call: Any) -> None:
    campaign, other = await call.campaign("one"), await call.campaign("other")
    await added(call, campaign, *(f"lead{number}@example.com" for number in range(4)))
    await added(call, other, "other@example.com")
    found: list[str | None] = []
    cursor: dict[str, str] = {}
    while True:
        body = {"campaign": campaign, "limit": 2, **cursor}
        page = conform(instantly.LeadPage, (await call.instantly("POST", "/leads/list", body)).json)
        if not page.items:
            break
        found += [lead.email for lead in page.items]
        cursor = {"starting_after": page.next_starting_after or page.items[-1].id}
    assert found == [f"lead{number}@example.com" for number in range(4)]


async def test_the_last_page_may_name_a_cursor(call: Any) -> None:
    campaign = await call.campaign()
    await added(call, campaign, "a@example.com")
    await call.fault("instantly", "cursor_on_last_page")
    page = conform(instantly.LeadPage, (await call.instantly("POST", "/leads/list", {"limit": 100})).json)
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
async def test_lists_can_be_filtered(call: Any, asked: Any, found: list[str]) -> None:
    campaign = await call.campaign()
    await added(call, campaign, "a@example.com", "b@example.com", "c@example.com")
    await call.control("POST", "instantly/events", {"event_type": "lead_unsubscribed", "email": "c@example.com"})
    page = conform(instantly.LeadPage, (await call.instantly("POST", "/leads/list", asked)).json)
    assert [lead.email for lead in page.items] == found


async def test_many_can_be_removed_by_id_or_status(call: Any) -> None:
    campaign = await call.campaign()
    answer = await added(call, campaign, "a@example.com", "b@example.com", "c@example.com")
    await call.control("POST", "instantly/events", {"event_type": "email_bounced", "email": "c@example.com"})
    by_id = {"campaign_id": campaign, "ids": [answer.created_leads[0].id]}
    assert conform(instantly.Deleted, (await call.instantly("DELETE", "/leads", by_id)).json).count == 1
    by_status = {"campaign_id": campaign, "status": -1}
    assert (await call.instantly("DELETE", "/leads", by_status)).json == {"count": 1}
    assert await call.members(campaign) == ["b@example.com"]


async def test_the_interest_of_a_lead_can_be_set_and_taken_away(call: Any) -> None:
    campaign = await call.campaign()
    await call.add(campaign, "a@example.com", "b@example.com")
    for value in (1, None):
        body = {"lead_email": "A@example.com", "interest_value": value, "campaign_id": campaign}
        reply = await call.instantly("POST", "/leads/update-interest-status", body)
        assert reply.status == 202
        conform(instantly.InterestSet, reply.json)
        leads = (await call.instantly("POST", "/leads/list", {"campaign": campaign})).json["items"]
        assert [lead.get("lt_interest_status") for lead in leads] == [value, None]
    reply = await call.instantly("POST", "/leads/update-interest-status", {"lead_email": "a@example.com"})
    assert reply.status == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/leads/list", {"limit": 101}),
        ("DELETE", "/leads", {"campaign_id": "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "limit": 10_001}),
        ("POST", "/block-lists-entries/bulk-create", {"bl_values": [f"{n}@example.com" for n in range(1_001)]}),
    ],
)
async def test_more_than_the_most_is_refused(call: Any, method: str, path: str, body: dict[str, Any]) -> None:
    assert (await call.instantly(method, path, body)).status == 400


async def test_a_list_takes_nothing_from_the_plan(call: Any) -> None:
    body = {"list_id": "0198a1c2-5b7e-7c31-9d10-2f6a4c11e001", "leads": [{"email": "a@example.com"}]}
    reply = await call.instantly("POST", "/leads/add", body)
    assert conform(instantly.BulkAdded, reply.json).remaining_in_plan is None
