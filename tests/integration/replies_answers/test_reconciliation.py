"""Replies without a webhook are taken in once, in whatever order the webhook and the comparison come."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from common.bus import Tx
from common.ids import new_id
from replies.own_texts import OwnTexts
from replies.reading import read_reply
from replies.recorder import ReplyRecorder
from replies.router import ReplyRouter
from replies.settings import RepliesSettings
from replies.webhook import read_webhook
from support.answers import OWNER, AnswerFixture, RepliesJobs, make_answer_settings
from support.databases import Database
from support.feeding import KEYS


@pytest.fixture
def settings(database: Database, data: AnswerFixture) -> RepliesSettings:
    return make_answer_settings(
        database, data.sandbox.url, reply_reconcile_grace_seconds=0, reply_reconcile_seconds=0.001
    )


async def deliver(
    replies: RepliesJobs,
    email: dict[str, Any],
    *,
    event_id: UUID | None = None,
    named: str | None = None,
    is_stub: bool = False,
) -> None:
    """Record the webhook of *email*, as the handler of webhooks does; *named* is another `email_id`."""
    service = replies.service
    body = {
        "timestamp": email["timestamp_created"], "event_type": "reply_received", "campaign_id": email["campaign_id"],
        "lead_email": email["lead"], "email_account": email["eaccount"], "email_id": named or email["id"], "step": 1,
        "reply_subject": email["subject"], "reply_text": email["body"]["text"], "reply_html": email["body"]["html"],
    }  # fmt: skip
    event = read_webhook(body, datetime.now(UTC), oversized=is_stub)
    own = await OwnTexts(service.database).load(event.vendor_campaign_id)
    read = None if is_stub else read_reply(event, own)
    recorder = ReplyRecorder(service.keyring, ReplyRouter())

    async def write(tx: Tx) -> None:
        await recorder.record_reply(tx, event_id or new_id(), event, read)

    await service.bus.transact(write)


async def rows(data: AnswerFixture) -> list[dict[str, Any]]:
    """Return the replies, the oldest first."""
    return [dict(row) for row in await data.db.fetch("select * from app.replies order by at, id")]


async def find_ours(data: AnswerFixture) -> str:
    """Return the id of the email that the campaign sent."""
    [ours] = await data.client.call_control_api("GET", f"instantly/emails?lead={OWNER}&ue_type=1")
    return str(ours["id"])


async def test_an_email_that_cannot_be_read_keeps_no_other_back(data: AnswerFixture, replies: RepliesJobs) -> None:
    await data.add_lead(status="active")
    broken, readable = [await data.receive(text) for text in ("Who are you?", "STOP")]
    data.sandbox.state.instantly.workspace.emails[broken["id"]]["id"] = None
    await replies.run_jobs("compare_emails")
    assert [row["received_email_id"] for row in await rows(data)] == [readable["id"]]


async def test_replies_without_webhooks_are_found_and_an_opt_out_among_them_takes_effect(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    lead = await data.add_lead(status="active")
    received = [await data.receive(text) for text in ("Who are you?", "STOP")]
    await replies.run_jobs("compare_emails")
    found = await rows(data)
    assert [row["received_email_id"] for row in found] == [email["id"] for email in received]
    assert {row["found_by"] for row in found} == {"reconciliation"}
    assert {row["lead_id"] for row in found} == {lead}
    assert await data.db.fetchval(
        "select count(*) from app.active_suppressions where value_hash = $1", KEYS.hash_contact(OWNER)
    )
    assert await data.db.fetchval("select campaign_status::text from app.leads") == "unsubscribed"


async def test_a_reply_of_a_lead_that_was_removed_is_found(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead(status="active")
    members = data.sandbox.state.vendors["instantly"].workspace.leads  # type: ignore[attr-defined]
    await data.client.call_instantly("DELETE", f"/leads/{next(iter(members))}")
    await data.receive("Who are you?")
    await replies.run_jobs("compare_emails")
    assert [row["lead_id"] for row in await rows(data)] == [lead]


@pytest.mark.parametrize("names_ours", [False, True])
async def test_a_reply_with_a_webhook_is_not_taken_in_again(
    data: AnswerFixture, replies: RepliesJobs, names_ours: bool
) -> None:
    await data.add_lead(status="active")
    email = await data.receive("Who are you?")
    await deliver(replies, email, named=await find_ours(data) if names_ours else None)
    await replies.run_jobs("compare_emails", "compare_emails")
    [row] = await rows(data)
    assert (row["received_email_id"], row["found_by"]) == (email["id"], "webhook")


@pytest.mark.parametrize("names_ours", [False, True])
async def test_a_late_webhook_is_linked_and_not_taken_in_again(
    data: AnswerFixture, replies: RepliesJobs, names_ours: bool
) -> None:
    await data.add_lead(status="active")
    email = await data.receive("Who are you?")
    await replies.run_jobs("compare_emails")
    event_id = new_id()
    for _ in range(2):
        await deliver(replies, email, event_id=event_id, named=await find_ours(data) if names_ours else None)
    [row] = await rows(data)
    assert row["late_event_id"] == event_id


async def test_of_two_equal_replies_with_one_webhook_both_are_taken_in_once(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    await data.add_lead(status="active")
    ours = await find_ours(data)
    emails = [await data.receive("Who are you?") for _ in range(2)]
    await deliver(replies, emails[1], named=ours)
    await replies.run_jobs("compare_emails")
    await deliver(replies, emails[0], named=ours)
    assert {row["received_email_id"] for row in await rows(data)} == {email["id"] for email in emails}
    assert len(await rows(data)) == 2


async def test_webhook_and_comparison_at_the_same_time_make_one_reply(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    await data.add_lead(status="active")
    emails = [await data.receive(f"Who are you? {number}") for number in range(6)]
    await asyncio.gather(replies.run_jobs("compare_emails"), *(deliver(replies, email) for email in emails))
    await replies.run_jobs("compare_emails")
    assert len(await rows(data)) == len(emails)
    assert {row["received_email_id"] for row in await rows(data)} == {email["id"] for email in emails}


async def test_a_young_email_waits_for_its_webhook(database: Database, data: AnswerFixture) -> None:
    await data.add_lead(status="active")
    await data.receive("Who are you?")
    async with RepliesJobs(make_answer_settings(database, data.sandbox.url)) as replies:
        await replies.run_jobs("compare_emails")
    assert await rows(data) == []


async def test_an_interrupted_comparison_continues(data: AnswerFixture, replies: RepliesJobs) -> None:
    await data.add_lead(status="active")
    await data.receive("Who are you?")
    await data.client.add_fault("instantly", "server_error", operation="list_emails", times=1)
    await replies.run_jobs("compare_emails")
    assert await rows(data) == []
    assert await data.db.fetchval("select completed_at is null from app.email_reconciliation")
    await data.end_waits()
    await replies.run_jobs("compare_emails")
    assert len(await rows(data)) == 1


@pytest.mark.parametrize("names_ours", [False, True])
async def test_the_content_of_a_stub_is_fetched_and_read(
    data: AnswerFixture, replies: RepliesJobs, names_ours: bool
) -> None:
    await data.add_lead(status="active")
    email = await data.receive("Please take me off your list")
    await deliver(replies, email, named=await find_ours(data) if names_ours else None, is_stub=True)
    [stub] = await rows(data)
    assert stub["state"] == "content_missing"
    await replies.run_jobs("fetch_contents")
    [row] = await rows(data)
    assert (row["state"], row["route"], row["received_email_id"]) == ("routed", "opt_out", email["id"])
    assert await data.db.fetchval("select campaign_status::text from app.leads") == "unsubscribed"


async def test_a_content_that_is_never_found_goes_to_a_person(data: AnswerFixture, replies: RepliesJobs) -> None:
    await data.add_lead(status="active")
    await deliver(replies, await data.receive("Hello"), named=str(new_id()), is_stub=True)
    await replies.run_jobs("fetch_contents")
    assert [row["state"] for row in await rows(data)] == ["content_missing"]
    await data.db.execute("update app.replies set recorded_at = now() - interval '25 hours', claimed_until = null")
    await replies.run_jobs("fetch_contents")
    [row] = await rows(data)
    assert (row["route"], row["fallback_reason"]) == ("question", "no_content")


async def test_a_disabled_subscription_is_resumed_and_starts_a_comparison(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    url = "https://gateway.example.com/v1/webhooks/instantly"
    body = {"target_hook_url": url, "event_type": "all_events", "headers": {"X-EC-Webhook-Secret": "s"}}
    subscription = (await data.client.call_instantly("POST", "/webhooks", body)).json["id"]
    other = (await data.client.call_instantly("POST", "/webhooks", {**body, "target_hook_url": "https://a.com/x"})).json
    webhooks = data.sandbox.state.vendors["instantly"].workspace.webhooks  # type: ignore[attr-defined]
    for entry in webhooks.values():
        entry["status"] = -1
    await replies.run_jobs("compare_emails", "check_webhook_subscription")
    assert webhooks[subscription]["status"] == 1
    assert webhooks[other["id"]]["status"] == -1
    assert await data.db.fetchval("select completed_at is null from app.email_reconciliation")
