"""Instantly's stand-in: campaign emails, replies that quote them, and our answers."""

from typing import Any

import aiohttp
import pytest

from contracts import conform, instantly_emails
from sandbox.settings import SandboxSettings
from support.vendors import CAMPAIGN_SCHEDULE, SandboxClient, run_sandbox

OWNER = "a@example.com"
VARIABLES = {"lead_id": "ld_1", "property_address": "418 Palmetto Ave", "opt_out_link": "https://consent.example/o"}
BODY = '<p>Hello {{firstName}},</p><p>We write about {{property_address}}.<br><a href="{{opt_out_link}}">Stop</a>, or answer STOP.</p>'


@pytest.fixture
async def campaign(client: Any, listener: Any) -> str:
    """Return an active campaign of two steps with one member, and subscribe to all events."""
    steps = [
        {"type": "email", "delay": 2, "variants": [{"subject": "Your home at {{property_address}}", "body": BODY}]},
        {"type": "email", "delay": 0, "variants": [{"subject": "My last note", "body": BODY}]},
    ]
    body = {
        "name": "FL", "campaign_schedule": CAMPAIGN_SCHEDULE, "sequences": [{"steps": steps}],
        "email_list": ["dana@outreach.example"], "stop_on_reply": True,
    }  # fmt: skip
    campaign = str((await client.call_instantly("POST", "/campaigns", body)).json["id"])
    lead = {"email": OWNER, "first_name": "Marjorie", "custom_variables": VARIABLES}
    await client.call_instantly("POST", "/leads/add", {"campaign_id": campaign, "leads": [lead]})
    await client.call_instantly("POST", f"/campaigns/{campaign}/activate")
    await client.call_instantly("POST", "/webhooks", {"target_hook_url": listener.url, "event_type": "all_events"})
    return campaign


async def send_step(client: Any, step: int = 1) -> dict[str, Any]:
    email = await client.call_control_api("POST", "instantly/emails", {"email": OWNER, "step": step})
    return conform(instantly_emails.Email, email).model_dump()


async def receive_reply(client: Any, **fields: Any) -> dict[str, Any]:
    reply = await client.call_control_api(
        "POST", "instantly/replies", {"email": OWNER, "text": "Yes please.", **fields}
    )
    return conform(instantly_emails.Email, reply).model_dump()


async def answer(client: Any, email_id: str, **fields: Any) -> Any:
    body = {
        "reply_to_uuid": email_id, "eaccount": "dana@outreach.example", "subject": "Re: home", "body": {"text": "Thanks"},
        **fields,
    }  # fmt: skip
    return await client.call_instantly("POST", "/emails/reply", body)


async def count_answers(client: Any) -> int:
    return len(await client.call_control_api("GET", f"instantly/emails?lead={OWNER}&ue_type=3"))


async def test_a_step_is_sent_with_the_variables_of_the_member(client: Any, listener: Any, campaign: str) -> None:
    email = await send_step(client)
    assert (email["subject"], email["ue_type"], email["campaign_id"]) == (
        "Your home at 418 Palmetto Ave",
        1,
        campaign,
    )
    assert "Hello Marjorie," in email["body"]["text"]
    assert "Stop <https://consent.example/o>, or answer STOP." in email["body"]["text"]
    delivery = conform(instantly_emails.SentDelivery, listener.received[0][1])
    assert (delivery.email_id, delivery.step, listener.received[0][1]["lead_id"]) == (email["id"], 1, "ld_1")


@pytest.mark.usefixtures("campaign")
async def test_a_reply_quotes_the_email_that_it_answers_and_is_delivered(client: Any, listener: Any) -> None:
    email = await send_step(client)
    reply = await receive_reply(client)
    assert (reply["ue_type"], reply["thread_id"]) == (2, email["thread_id"])
    delivery = conform(instantly_emails.ReplyDelivery, listener.received[1][1])
    assert delivery.email_id == reply["id"]
    assert delivery.reply_text is not None and delivery.reply_text.startswith("Yes please.")
    assert "> Stop <https://consent.example/o>, or answer STOP." in delivery.reply_text
    assert delivery.reply_html == reply["body"]["html"]
    assert (await client.call_instantly("GET", f"/emails/{reply['id']}")).json["body"] == reply["body"]


@pytest.mark.usefixtures("campaign")
async def test_a_reply_may_be_html_only_or_automatic_or_come_from_another_address(client: Any, listener: Any) -> None:
    await send_step(client)
    html = await receive_reply(client, html="<b>Yes</b>", text=None, format="html")
    assert html["body"]["text"] is None
    assert "reply_text" not in listener.received[1][1]
    automatic = await receive_reply(client, is_auto_reply=True, from_address="other@example.com", subject="Away")
    assert (automatic["is_auto_reply"], automatic["from_address_email"]) == (1, "other@example.com")
    assert listener.received[2][1]["event_type"] == "auto_reply_received"
    assert listener.received[2][1]["reply_subject"] == "Away"


@pytest.mark.usefixtures("campaign")
async def test_two_replies_may_share_the_id_of_the_email_that_they_answer(client: Any, listener: Any) -> None:
    email = await send_step(client)
    await client.add_fault("instantly", "webhook_answered_id")
    replies = [await receive_reply(client), await receive_reply(client)]
    assert replies[0]["id"] != replies[1]["id"]
    assert [body["email_id"] for _, body in listener.received[1:]] == [email["id"], email["id"]]


@pytest.mark.usefixtures("campaign")
async def test_a_member_that_replied_gets_no_further_step(client: Any) -> None:
    await send_step(client)
    await receive_reply(client)
    refused = await client.send_request("POST", "/_sandbox/instantly/emails", {"email": OWNER, "step": 2})
    assert refused.status == 422
    assert await client.call_control_api("POST", "instantly/steps/2") == {}


async def test_a_removed_lead_can_reply_but_no_webhook_is_sent(client: Any, listener: Any, campaign: str) -> None:
    await send_step(client)
    await client.call_instantly("DELETE", "/leads", {"campaign_id": campaign})
    reply = await receive_reply(client)
    assert reply["lead_id"] is None
    assert len(listener.received) == 1
    [listed] = (await client.call_instantly("GET", "/emails?email_type=received")).json["items"]
    assert (listed["id"], listed["lead"]) == (reply["id"], OWNER)


@pytest.mark.parametrize(
    "wrong", [{"email": "x@example.com", "text": "?"}, {"email": OWNER, "text": "?", "answers": "x"}, {"email": OWNER}]
)
@pytest.mark.usefixtures("campaign")
async def test_a_reply_to_nothing_or_without_content_is_refused(client: Any, wrong: dict[str, str]) -> None:
    await send_step(client)
    assert (await client.send_request("POST", "/_sandbox/instantly/replies", wrong)).status == 422


@pytest.mark.usefixtures("campaign")
async def test_emails_are_listed_by_filter_newest_first_page_by_page(client: Any) -> None:
    sent = await send_step(client)
    replies = [await receive_reply(client, text=str(number)) for number in range(3)]
    listed: list[str] = []
    cursor = ""
    while True:
        response = await client.call_instantly("GET", f"/emails?email_type=received&lead={OWNER}&limit=2{cursor}")
        page = conform(instantly_emails.EmailPage, response.json)
        listed += [email.id for email in page.items]
        if not page.items or page.next_starting_after is None:
            break
        cursor = f"&starting_after={page.next_starting_after}"
    assert listed == [reply["id"] for reply in reversed(replies)]
    after = f"/emails?min_timestamp_created={replies[-1]['timestamp_created']}"
    assert (await client.call_instantly("GET", after)).json["items"] == []
    early = "/emails?min_timestamp_created=2020-01-01T00:00:00%2B00:00&limit=100"
    assert len((await client.call_instantly("GET", early)).json["items"]) == 4
    assert (await client.call_instantly("GET", "/emails?max_timestamp_created=2020-01-01T00:00:00Z")).json == {
        "items": []
    }
    assert (await client.call_instantly("GET", "/emails?min_timestamp_created=yesterday")).status == 400
    oldest = (await client.call_instantly("GET", "/emails?sort_order=asc&eaccount=dana@outreach.example")).json["items"]
    assert oldest[0]["id"] == sent["id"]
    other = await client.call_instantly("GET", "/emails?campaign_id=0198a1c2-5b7e-7c31-9d10-2f6a4c11e001")
    assert other.json == {"items": []}


async def test_emails_can_be_listed_only_a_few_times_a_minute(session: Any) -> None:
    settings = SandboxSettings(sandbox_port=0, sandbox_instantly_email_lists_per_minute=2)
    async with run_sandbox(settings) as sandbox:
        client = SandboxClient(sandbox.url, session)
        statuses = [(await client.call_instantly("GET", "/emails")).status for _ in range(5)]
        assert set(statuses) == {200, 429}
        assert (await client.call_instantly("GET", "/campaigns")).status == 200


@pytest.mark.usefixtures("campaign")
async def test_an_answer_goes_to_the_sender_of_the_named_email(client: Any) -> None:
    sent = await send_step(client)
    reply = await receive_reply(client, from_address="other@example.com")
    response = await answer(client, reply["id"], body={"html": "Thank you,<br>Dana"})
    email = conform(instantly_emails.Email, response.json)
    assert (email.ue_type, email.to_address_email_list, email.thread_id) == (3, "other@example.com", sent["thread_id"])
    assert email.body.text == "Thank you,\nDana"
    to_ourselves = (await answer(client, sent["id"])).json
    assert to_ourselves["to_address_email_list"] == "dana@outreach.example"
    assert await count_answers(client) == 2


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"body": {}}, 400),
        ({"body": "text"}, 400),
        ({"subject": None}, 400),
        ({"eaccount": "unknown@example.com"}, 400),
        ({"reply_to_uuid": "0198b000-aaaa-7bbb-8ccc-0242ac120003"}, 404),
    ],
)
@pytest.mark.usefixtures("campaign")
async def test_a_wrong_answer_is_refused_and_not_sent(client: Any, fields: dict[str, Any], status: int) -> None:
    await send_step(client)
    reply = await receive_reply(client)
    assert (await answer(client, reply["id"], **fields)).status == status
    assert await count_answers(client) == 0


@pytest.mark.parametrize(
    ("fault", "status", "answers"),
    [
        ({"kind": "lost_answer"}, None, 1),
        ({"kind": "error_after_effect", "status": 500}, 500, 1),
        ({"kind": "server_error", "status": 500}, 500, 0),
        ({"kind": "rate_limited"}, 429, 0),
    ],
)
@pytest.mark.usefixtures("campaign")
async def test_a_fault_decides_whether_an_answer_was_sent(
    client: Any, fault: dict[str, Any], status: int | None, answers: int
) -> None:
    await send_step(client)
    reply = await receive_reply(client)
    await client.add_fault("instantly", operation="reply_to_email", **fault)
    try:
        answered = (await answer(client, reply["id"])).status
    except aiohttp.ClientError:
        answered = None
    assert (answered, await count_answers(client)) == (status, answers)
