"""Webhooks of Instantly other than replies, and bodies that no vendor should send."""

import json
from typing import Any

from support.replies import EMAIL, RepliesFixture, webhook

HOSTILE: list[Any] = [
    [], {}, [webhook()], {"event_type": None}, {"event_type": ["reply_received"], "timestamp": {}},
    webhook(timestamp="9999-12-31T23:59:59+00:00", reply_text="\0 hello \0"),
    webhook(timestamp="0001-01-01T00:00:00", reply_text=["STOP"], lead_id="no id", step="a", email_id="e e"),
    webhook(reply_text=17, reply_html={"a": 1}, lead_email=[EMAIL]),
    webhook(event_type="Call Marjorie back!", lead_email="x" * 10_000),
    webhook(reply_html="<div>" * 60_000 + "hello" + "</b>" * 60_000, reply_text=""),
    webhook(reply_html="<p>hi</p>" + "<!--" * 50_000, email_account="no address", campaign_id="'; drop table"),
]  # fmt: skip


async def test_a_bounce_ends_the_address_and_the_lead_without_another_one(by_rules: RepliesFixture) -> None:
    lead = await by_rules.add_lead()
    await by_rules.deliver(webhook("email_bounced"))
    assert await by_rules.suppressed() == ["bounced"]
    assert await by_rules.leads.status(lead) == "bounced"
    [event] = [json.loads(body) for body in await by_rules.events("funnel.email_bounced")]
    assert (event["lead_id"], event["outcome"]) == (str(lead), "bounced")


async def test_steps_never_go_backwards_and_an_unsubscription_at_instantly_counts(by_rules: RepliesFixture) -> None:
    lead = await by_rules.add_lead()
    await by_rules.deliver(*(webhook("email_sent", step=step) for step in (2, 3, 1)))
    step = "select current_sequence_step from app.leads where id = $1"
    assert await by_rules.db.fetchval(step, lead) == 3
    assert len(await by_rules.events("funnel.email_sent")) == 3
    await by_rules.deliver(webhook("lead_unsubscribed"))
    assert await by_rules.suppressed() == ["opt_out"]
    assert await by_rules.suppressed("+17275550142") == []
    assert await by_rules.leads.status(lead) == "unsubscribed"


async def test_a_label_routes_the_last_reply_or_stands_alone_and_never_undoes_an_opt_out(
    by_rules: RepliesFixture,
) -> None:
    lead = await by_rules.add_lead()
    other = await by_rules.add_lead("other@example.com")
    [sent] = await by_rules.deliver(webhook(reply_text="Well, maybe", lead_id=str(lead)))
    assert (await by_rules.reply(sent))["route"] == "question"
    await by_rules.deliver(webhook("lead_interested"))
    row = await by_rules.reply(sent)
    assert (row["route"], row["classified_by"], row["classification"]) == ("consent_link", "label", 2)
    await by_rules.deliver(webhook("lead_not_interested"))
    assert [(one["state"], one["reason"]) for one in await by_rules.answers()] == [("skipped", "reclassified")]
    assert await by_rules.leads.status(lead) == "paused"
    [stopped] = await by_rules.deliver(webhook(reply_text="STOP", lead_id=str(lead)))
    await by_rules.deliver(webhook("lead_interested"))
    assert (await by_rules.reply(stopped))["route"] == "opt_out"
    assert await by_rules.leads.status(lead) == "unsubscribed"
    [label] = await by_rules.deliver(webhook("lead_not_interested", lead_email="other@example.com"))
    assert (await by_rules.reply(label))["source"] == "label"
    assert await by_rules.leads.status(other) == "paused"


async def test_no_body_stops_the_service_or_becomes_a_dead_letter(by_rules: RepliesFixture) -> None:
    lead = await by_rules.add_lead()
    await by_rules.deliver(*HOSTILE)
    await by_rules.deliver(webhook(reply_text="Please stop emailing me", lead_id=str(lead)))
    assert await by_rules.suppressed() == ["opt_out"]
    assert await by_rules.events("pipeline.dlq") == []
    types = await by_rules.db.fetch("select distinct type from app.instantly_events")
    assert {row["type"] for row in types} == {"other"}


async def test_an_oversized_reply_waits_for_its_content(by_rules: RepliesFixture) -> None:
    await by_rules.add_lead()
    [sent] = await by_rules.deliver(webhook(), oversized=True)
    row = await by_rules.reply(sent)
    assert (row["state"], row["text_ciphertext"]) == ("content_missing", None)
