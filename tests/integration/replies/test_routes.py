"""Each kind of reply takes its route: status of the lead, suppression, answer and events."""

import json

import pytest

from sandbox.app import Sandbox
from support.replies import BODY, EMAIL, RepliesFixture, webhook

QUOTE = f"\n\nOn Mon, Nov 16, 2026 at 9:00 AM Dana <dana@outreach.example> wrote:\n> {BODY.replace('<br/>', chr(10) + '> ')}"


@pytest.mark.parametrize(
    ("text", "intent", "route", "status", "answers"),
    [
        ("Yes, I am interested.", "interested", "consent_link", "replied", ["due"]),
        ("How does that work?", "question", "question", "replied", []),
        ("Hmm, the weather is fine.", "other", "question", "replied", []),
        ("Not interested, my son handles it", "not_interested", "pause", "paused", []),
        ("STOP", "unsubscribe", "opt_out", "unsubscribed", []),
        ("You have the wrong person.", "wrong_person", "wrong_person", "active", []),
        ("I am out of the office until Monday.", "out_of_office", "continue", "active", []),
    ],
)
async def test_a_reply_takes_the_route_of_its_intent(
    by_model: RepliesFixture, text: str, intent: str, route: str, status: str, answers: list[str]
) -> None:
    lead = await by_model.add_lead()
    [sent] = await by_model.deliver(webhook(reply_text=text + QUOTE, lead_id=str(lead)))
    row = await by_model.reply(sent)
    assert (row["intent"], row["route"], row["matched_by"]) == (intent, route, "lead_id")
    assert await by_model.leads.status(lead) == status
    assert [answer["state"] for answer in await by_model.answers()] == answers
    [classified] = [json.loads(body) for body in await by_model.events("funnel.reply_classified")]
    assert (classified["intent"], classified["route"], classified["lead_id"]) == (intent, route, str(lead))
    [replied] = [json.loads(body) for body in await by_model.events("funnel.email_replied")]
    assert replied["reply_id"] == str(row["id"])
    everything = b"".join(
        [*await by_model.events("funnel.reply_classified"), *await by_model.events("funnel.email_replied")]
    )
    assert EMAIL.encode() not in everything
    assert text.encode() not in everything


async def test_the_model_sees_masked_new_text_and_no_provider_that_keeps_data(
    by_model: RepliesFixture, sandbox: Sandbox
) -> None:
    lead = await by_model.add_lead()
    text = "Marjorie Holt here. Call me: 727-555-0142. The home is 418 Palmetto Ave. marjorie@example.com"
    await by_model.deliver(webhook(reply_text=text + QUOTE, lead_id=str(lead)))
    [request] = sandbox.state.openrouter.requests
    written = request["messages"][-1]["content"]
    assert written == "[NAME] [NAME] here. Call me: [PHONE]. The home is [ADDRESS] [EMAIL]"
    assert request["provider"] == {
        "require_parameters": True, "data_collection": "deny", "zdr": True, "allow_fallbacks": True,
    }  # fmt: skip


async def test_an_opt_out_suppresses_all_contacts_of_the_lead_and_unsubscribes_every_lead_with_the_address(
    by_rules: RepliesFixture,
) -> None:
    lead = await by_rules.add_lead()
    other = await by_rules.add_lead(status="queued")
    await by_rules.deliver(webhook(reply_text="Do not call or write again. Take me off your list.", lead_id=str(lead)))
    assert await by_rules.suppressed() == ["opt_out"]
    assert await by_rules.suppressed("+17275550142") == ["opt_out"]
    assert [await by_rules.leads.status(one) for one in (lead, other)] == ["unsubscribed", "unsubscribed"]
    revoked = [json.loads(body) for body in await by_rules.events("funnel.consent_revoked")]
    assert {event["lead_id"] for event in revoked} == {str(lead), str(other)}
    unsubscribed = [json.loads(body) for body in await by_rules.events("funnel.unsubscribed")]
    assert {(event["channel"], event["how"]) for event in unsubscribed} == {("email", "reply"), ("phone", "reply")}


async def test_an_opt_out_that_no_lead_matches_suppresses_the_address(by_rules: RepliesFixture) -> None:
    [sent] = await by_rules.deliver(webhook(reply_text="unsubscribe", lead_email="unknown@example.com"))
    assert await by_rules.suppressed("unknown@example.com") == ["opt_out"]
    row = await by_rules.reply(sent)
    assert (row["lead_id"], row["text_ciphertext"], row["route"]) == (None, None, "opt_out")


async def test_the_address_decides_where_it_contradicts_the_id(by_rules: RepliesFixture) -> None:
    lead, other = await by_rules.add_lead(), await by_rules.add_lead("other@example.com")
    [sent] = await by_rules.deliver(webhook(reply_text="What is this?", lead_id=str(other)))
    row = await by_rules.reply(sent)
    assert (row["lead_id"], row["matched_by"]) == (lead, "address")
    assert await by_rules.leads.status(other) == "active"


async def test_a_reply_of_a_lead_with_an_active_consent_asks_for_a_call(by_model: RepliesFixture) -> None:
    lead = await by_model.add_lead()
    await by_model.db.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    await by_model.db.execute(
        "select app.grant_consent($1, $2, 'h1', $3, 1, null, 'form', now(), $4, $4, 'page', $4, 'signer')",
        lead, b"n" * 32, by_model.broker, b"x" * 32,
    )  # fmt: skip
    [sent] = await by_model.deliver(webhook(reply_text="Yes, please call me", lead_id=str(lead)))
    row = await by_model.reply(sent)
    assert (row["route"], row["is_call_requested"]) == ("call", True)
    assert await by_model.answers() == []


async def test_two_replies_with_one_email_id_are_two_replies_and_a_third_answer_of_the_day_is_skipped(
    by_model: RepliesFixture,
) -> None:
    lead = await by_model.add_lead()
    for text in ("Yes, interested", "Yes, still interested", "Yes! Interested!"):
        await by_model.deliver(webhook(reply_text=text, lead_id=str(lead), email_id="e-1"))
    assert [(answer["state"], answer["reason"]) for answer in await by_model.answers()] == [
        ("due", None), ("due", None), ("skipped", "limit_of_the_day"),
    ]  # fmt: skip


async def test_an_automatic_reply_is_never_answered_and_changes_nothing(by_model: RepliesFixture) -> None:
    lead = await by_model.add_lead()
    [sent] = await by_model.deliver(webhook("auto_reply_received", reply_text="Yes, interested!", lead_id=str(lead)))
    assert (await by_model.reply(sent))["route"] == "continue"
    assert await by_model.answers() == []
    assert await by_model.leads.status(lead) == "active"


async def test_a_webhook_that_comes_twice_counts_once(by_rules: RepliesFixture) -> None:
    lead = await by_rules.add_lead()
    body = webhook(reply_text="What is the rate?", lead_id=str(lead))
    [first] = await by_rules.deliver(body)
    await by_rules.publish(body, ids=[first])
    await by_rules.deliver(webhook(reply_text="And when?", lead_id=str(lead)))
    assert await by_rules.db.fetchval("select count(*) from app.replies") == 2
    assert len(await by_rules.events("funnel.email_replied")) == 2
