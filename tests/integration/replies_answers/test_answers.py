"""Automatic answers: one for each reply, to the person that wrote, if the gate allows it."""

from datetime import timedelta
from uuid import UUID

import pytest

from common.compliance.links import read_lead_link
from common.events import EmailSent
from common.ids import new_id
from replies.answers.composition import build_reference
from replies.stored_texts import decrypt_text
from support.answers import ACCOUNT, OWNER, POSTAL_ADDRESS, AnswerFixture, RepliesJobs
from support.installation import SECRETS


async def test_an_answer_reaches_the_sender_with_address_opt_out_and_disclosure(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    answer = await data.add_waiting_answer()
    await replies.run_jobs("send_answers")
    [email] = await data.sent_emails()
    assert (email["to_address_email_list"], email["eaccount"], email["subject"]) == (OWNER, ACCOUNT, "Re: Your home")
    for part in ("text", "html"):
        body = email["body"][part]
        assert POSTAL_ADDRESS in body
        assert "This answer was written automatically for Palmetto Home Equity" in body
        assert build_reference(answer.id) in body
        assert "answer with the word STOP" in body
    link = email["body"]["text"].split("opt-out?l=")[1].split()[0]
    assert read_lead_link(link, SECRETS["FORM_LINK_SECRET"].encode()) == answer.lead_id


async def test_the_row_keeps_the_encrypted_text_and_the_event_names_the_reply(
    data: AnswerFixture, replies: RepliesJobs
) -> None:
    answer = await data.add_waiting_answer()
    await replies.run_jobs("send_answers")
    [email] = await data.sent_emails()
    row = await data.row(answer)
    key = await data.data_key(answer.lead_id)
    assert (row["state"], row["vendor_email_id"], row["reply_to_email_id"]) == ("sent", email["id"], answer.email["id"])
    assert decrypt_text(key, answer.id, "text", row["text_ciphertext"]) == email["body"]["text"]
    [event] = await data.events(EmailSent.topic)
    sent = EmailSent.model_validate(event)
    assert (sent.purpose, sent.intent_id, sent.reply_id) == ("answer", UUID(int=answer.id.int), answer.reply_id)
    assert (sent.template, sent.template_version, sent.vendor_message_id) == ("consent_link", 1, email["id"])
    assert OWNER not in str(event)


async def test_the_decision_is_logged_with_the_purpose_answer(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await replies.run_jobs("send_answers")
    rows = await data.db.fetch(
        "select purpose, allowed, decided_by from pipeline.contact_decisions where lead_id = $1", answer.lead_id
    )
    assert [tuple(row) for row in rows] == [("answer", True, "svc_replies")]


async def test_a_second_run_sends_nothing(data: AnswerFixture, replies: RepliesJobs) -> None:
    await data.add_waiting_answer()
    await replies.run_jobs("send_answers", "send_answers", "look_up_answers")
    assert len(await data.sent_emails()) == 1


async def test_a_spanish_reply_gets_a_spanish_answer(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    text = "Sí, por favor llámeme mañana por la tarde."
    await data.add_answer(lead, await data.receive(text), text=text)
    await replies.run_jobs("send_answers")
    [email] = await data.sent_emails()
    assert "Esta respuesta se escribió automáticamente" in email["body"]["text"]


async def test_an_opt_out_between_route_and_sending_refuses(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.suppress()
    await replies.run_jobs("send_answers")
    assert await data.sent_emails() == []
    assert await data.state(answer) == ("refused", "suppressed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update app.leads set campaign_status = 'paused'", "status_paused"),
        ("update app.leads set campaign_status = 'converted'", "status_converted"),
        ("update app.leads set deceased_owner = true", "deceased"),
        ("update app.leads set litigator = true", "litigator"),
        ("update app.leads set assigned_broker_id = null", "seller_unknown"),
        ("update app.lead_contacts set verified = false", "unverified"),
        ("delete from app.lead_contacts", "verified_unknown,other_person"),
    ],
)
async def test_the_gate_decides_at_the_moment_of_sending(
    data: AnswerFixture, replies: RepliesJobs, change: str, reason: str
) -> None:
    answer = await data.add_waiting_answer()
    await data.db.execute("alter table app.leads disable trigger user")
    await data.db.execute(change)
    await replies.run_jobs("send_answers")
    assert await data.sent_emails() == []
    assert await data.state(answer) == ("refused", reason)


async def test_a_reply_from_another_address_is_not_answered(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer(from_address="son@example.com")
    await replies.run_jobs("send_answers")
    assert await data.sent_emails() == []
    assert await data.state(answer) == ("refused", "other_sender")


async def test_an_automatic_reply_is_never_answered(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer(is_auto_reply=True)
    await replies.run_jobs("send_answers")
    assert await data.sent_emails() == []
    assert await data.state(answer) == ("skipped", "auto_reply")


async def test_a_lead_gets_two_answers_in_24_hours_at_most(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    answers = [await data.add_answer(lead, await data.receive(f"Yes, {number}")) for number in range(3)]
    await replies.run_jobs("send_answers")
    assert len(await data.sent_emails()) == 2
    assert [await data.state(answer) for answer in answers] == [
        ("sent", None),
        ("sent", None),
        ("skipped", "answer_limit"),
    ]


async def test_an_old_answer_is_skipped(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    answer = await data.add_answer(lead, await data.receive(), age=timedelta(hours=25))
    await replies.run_jobs("send_answers")
    assert await data.sent_emails() == []
    assert await data.state(answer) == ("skipped", "too_late")


async def test_an_erased_lead_is_not_answered(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.db.execute("update app.leads set data_key = null")
    await replies.run_jobs("send_answers")
    assert await data.state(answer) == ("skipped", "erased")


async def test_without_a_postal_address_the_answer_waits(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.db.execute("update app.campaigns set settings = '{}'")
    await replies.run_jobs("send_answers")
    assert await data.state(answer) == ("due", "no_postal_address")


async def test_an_unknown_template_is_refused(data: AnswerFixture, replies: RepliesJobs) -> None:
    answer = await data.add_waiting_answer()
    await data.db.execute("update app.reply_answers set template_version = 99")
    await replies.run_jobs("send_answers")
    assert await data.state(answer) == ("refused", "unknown_template")


async def test_an_email_that_does_not_exist_is_refused(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    answer = await data.add_answer(lead, await data.receive(), named=str(new_id()))
    await replies.run_jobs("send_answers")
    assert await data.state(answer) == ("refused", "email_not_found")


async def test_an_id_of_our_own_email_leads_to_the_person_who_wrote(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    [ours] = await data.client.call_control_api("GET", f"instantly/emails?lead={OWNER}&ue_type=1")
    received = await data.receive()
    answer = await data.add_answer(lead, received, named=ours["id"])
    await replies.run_jobs("send_answers")
    [email] = await data.sent_emails()
    assert email["to_address_email_list"] == OWNER
    found = await data.db.fetchval("select received_email_id from app.replies where id = $1", answer.reply_id)
    assert found == received["id"]


async def test_two_replies_with_one_id_get_one_answer_each(data: AnswerFixture, replies: RepliesJobs) -> None:
    lead = await data.add_lead()
    [ours] = await data.client.call_control_api("GET", f"instantly/emails?lead={OWNER}&ue_type=1")
    answers = [
        await data.add_answer(lead, await data.receive(text), text=text, named=ours["id"])
        for text in ("Yes!", "Call me")
    ]
    await replies.run_jobs("send_answers")
    named = await data.db.fetch("select reply_to_email_id from app.reply_answers order by created_at")
    assert [row["reply_to_email_id"] for row in named] == [answer.email["id"] for answer in answers]
    assert len(await data.sent_emails()) == 2
