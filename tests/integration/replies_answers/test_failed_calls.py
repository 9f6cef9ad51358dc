"""Failed calls of an answer: it reaches the person once or not at all, and each outcome is recorded."""

import asyncio
from typing import Any

import pytest

from common.events import EmailSent
from replies.settings import RepliesSettings
from support.answers import AnswerFixture, RepliesJobs, make_answer_settings
from support.databases import Database

OPERATION = "reply_to_email"


async def retry(data: AnswerFixture, replies: RepliesJobs, rounds: int = 3) -> None:
    """Run the jobs of answers after every wait ended."""
    for _ in range(rounds):
        await data.end_waits()
        await replies.run_jobs("send_answers", "look_up_answers")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("lost_answer", {}),
        ("error_after_effect", {"status": 502}),
        ("error_after_effect", {"status": 500}),
        ("broken_json", {}),
        ("timeout", {"seconds": 5}),
        ("reset", {}),
        ("server_error", {"status": 500}),
    ],
)
async def test_an_unknown_outcome_is_looked_up_and_never_sent_again(
    data: AnswerFixture, replies: RepliesJobs, kind: str, options: dict[str, Any]
) -> None:
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", kind, operation=OPERATION, times=1, **options)
    await replies.run_jobs("send_answers")
    state, _ = await data.state(answer)
    assert state == "unknown"
    await retry(data, replies)
    sent = await data.sent_emails()
    has_effect = kind in ("lost_answer", "error_after_effect", "broken_json")
    assert len(sent) == has_effect
    assert (await data.state(answer))[0] == ("sent" if has_effect else "unknown")
    assert len(await data.events(EmailSent.topic)) == has_effect


async def test_an_answer_that_was_found_has_its_id_and_time(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", "lost_answer", operation=OPERATION, times=1)
    await replies.run_jobs("send_answers")
    await retry(data, replies, 1)
    [email] = await data.sent_emails()
    row = await data.row(answer)
    assert row["vendor_email_id"] == email["id"]
    assert row["sent_at"].isoformat(timespec="milliseconds")[:23] == email["timestamp_created"][:23]


async def test_an_answer_that_is_never_found_is_given_up(database: Database, data: AnswerFixture) -> None:
    settings = make_answer_settings(database, data.sandbox.url, answer_lookup_hours=1)
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", "reset", operation=OPERATION, times=1)
    async with RepliesJobs(settings) as replies:
        await replies.run_jobs("send_answers")
        await retry(data, replies, 1)
        assert (await data.state(answer))[0] == "unknown"
        await data.db.execute("update app.reply_answers set claimed_at = claimed_at - interval '2 hours'")
        await retry(data, replies)
    assert await data.state(answer) == ("skipped", "not_found")
    assert await data.sent_emails() == []


async def test_a_failed_look_up_proves_nothing(database: Database, data: AnswerFixture) -> None:
    settings = make_answer_settings(database, data.sandbox.url, answer_lookup_hours=1)
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", "lost_answer", operation=OPERATION, times=1)
    async with RepliesJobs(settings) as replies:
        await replies.run_jobs("send_answers")
        await data.db.execute("update app.reply_answers set claimed_at = claimed_at - interval '2 hours'")
        await data.client.add_fault("instantly", "server_error", operation="list_emails", times=1)
        await retry(data, replies, 1)
        assert (await data.state(answer))[0] == "unknown"
        await retry(data, replies, 1)
    assert await data.state(answer) == ("sent", None)


@pytest.mark.parametrize("retry_after", [None, 1])
async def test_a_rate_limited_answer_waits_and_is_sent_once(
    data: AnswerFixture, replies: RepliesJobs, retry_after: int | None
) -> None:
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", "rate_limited", operation=OPERATION, times=1, retry_after=retry_after)
    await replies.run_jobs("send_answers")
    assert await data.state(answer) == ("due", "http_429")
    assert await data.db.fetchval("select retry_at > now() from app.reply_answers")
    await retry(data, replies)
    assert await data.state(answer) == ("sent", None)
    assert len(await data.sent_emails()) == 1


@pytest.mark.parametrize("kind", ["unauthorized", "payment_required"])
async def test_denied_access_keeps_the_answer_until_a_person_acted(
    data: AnswerFixture, replies: RepliesJobs, kind: str
) -> None:
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", kind)
    await replies.run_jobs("send_answers")
    await retry(data, replies)
    assert (await data.state(answer))[0] == "due"
    await data.client.call_control_api("DELETE", "faults")
    await retry(data, replies)
    assert await data.state(answer) == ("sent", None)
    assert len(await data.sent_emails()) == 1


async def test_a_refused_request_is_final(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    data.sandbox.state.vendors["instantly"].workspace.campaigns.clear()  # type: ignore[attr-defined]
    await replies.run_jobs("send_answers")
    await retry(data, replies)
    assert await data.state(answer) == ("refused", "http_400")
    assert await data.sent_emails() == []


async def test_an_outage_only_delays_answers(data: AnswerFixture, replies: RepliesJobs) -> None:
    answers = [await data.add_waiting_answer(f"owner{number}@gmail.com") for number in range(3)]
    await data.client.add_fault("instantly", "server_error", status=503)
    await replies.run_jobs("send_answers")
    await retry(data, replies, 5)
    assert {(await data.state(answer))[0] for answer in answers} == {"due"}
    await data.client.call_control_api("DELETE", "faults")
    await retry(data, replies, 2)
    assert {(await data.state(answer))[0] for answer in answers} == {"sent"}


async def test_a_sender_that_died_after_the_intent_is_looked_up(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.client.add_fault("instantly", "lost_answer", operation=OPERATION, times=1)
    await replies.run_jobs("send_answers")
    await data.db.execute(
        "update app.reply_answers set state = 'sending', reason = null, claimed_until = now() + interval '1 minute'"
    )
    await replies.run_jobs("send_answers", "look_up_answers")
    assert (await data.state(answer))[0] == "sending"
    await retry(data, replies, 1)
    assert await data.state(answer) == ("sent", None)
    assert len(await data.sent_emails()) == 1


async def test_a_late_answer_of_the_first_sender_changes_nothing_twice(
    data: AnswerFixture, settings: RepliesSettings
) -> None:
    """A response that comes after another replica found the answer makes no second event."""
    await data.add_waiting_answer()
    await data.client.add_fault("instantly", "slow", operation=OPERATION, times=1, seconds=1)
    async with RepliesJobs(settings) as first, RepliesJobs(settings) as second:
        sending = asyncio.create_task(first.run_jobs("send_answers"))
        async with asyncio.timeout(10):
            while not await data.db.fetchval("select count(*) from app.reply_answers where state = 'sending'"):
                await asyncio.sleep(0.01)
            while not await data.sent_emails():
                await asyncio.sleep(0.01)
        await data.end_waits()
        await second.run_jobs("look_up_answers")
        await sending
    assert len(await data.events(EmailSent.topic)) == 1
    assert len(await data.sent_emails()) == 1
