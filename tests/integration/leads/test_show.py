"""`equity leads show`: one page about a lead, hidden contact values, and the next step."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from support.commandline import Equity
from support.feeding import MONDAY, FeedFixture, clock_at
from support.leads import LeadFixture

SATURDAY = MONDAY - timedelta(days=2)


async def show(equity: Equity, lead: UUID, *arguments: str, **environment: str) -> dict[str, object]:
    page = (await equity.soon("leads", "show", lead, *arguments, "--json", **environment)).ok().json
    assert isinstance(page, dict)
    return page


async def test_the_page_has_every_section(equity: Equity, leads: LeadFixture, feed_data: FeedFixture) -> None:
    broker = await feed_data.add_broker()
    lead = await leads.add(
        status="new", phone="+17275550142", assigned_broker_id=broker, owner_first_name="Dana", owner_last_name="Holt",
        property_address="418 N Palmetto Ave", est_value=400_000, lead_score=62, score_contributions='{"base": 10, "equity": 52}',
    )  # fmt: skip
    await feed_data.db.execute("update app.lead_contacts set dnc = true, line_type = 'mobile'")
    await feed_data.db.execute(
        """insert into app.pipeline_events (event_id, event_type, lead_id, outcome, occurred_at, created_at, payload)
        values ($1, 'lead_unverifiable', $2, 'ruled_out', now(), now(), '{"reasons": ["ruled_out"]}')""",
        uuid4(), lead,
    )  # fmt: skip
    await feed_data.db.execute(
        "insert into pipeline.contact_decisions (lead_id, channel, allowed, reason) values ($1, 'email', false, 'status_new')",
        lead,
    )
    text = (await equity.soon("leads", "show", lead)).ok().out
    for shown in ("418 N Palmetto Ave", "Dana Holt", "do not call", "mobile", "equity", "52", "lead_unverifiable",
                  "ruled_out", "status_new", "nothing until a record brings new contact details"):  # fmt: skip
        assert shown in text, shown
    page = await show(equity, lead)
    assert (page["lead_score"], page["next"]) == (
        62,
        {
            "text": "nothing until a record brings new contact details: no phone and no email is verified",
            "at": None,
            "reasons": ["ruled_out"],
        },
    )


async def test_values_are_hidden_until_an_access_is_logged(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(phone="+17275550142", email="dana@example.com")
    hidden = (await equity.soon("leads", "show", lead)).ok()
    assert "+17275550142" not in hidden.out + hidden.err
    assert await leads.log() == []
    refused = await equity.soon("leads", "show", lead, "--reveal")
    assert (refused.code, "--purpose" in refused.err, refused.out) == (2, True, "")
    page = await show(equity, lead, "--reveal", "--purpose", "the owner called")
    assert {contact["value"] for contact in page["contacts"]} == {"+17275550142", "dana@example.com"}  # type: ignore[attr-defined]
    [row] = await leads.log()
    assert (row["login"], row["command"], row["purpose"], row["lead_ids"], row["lead_count"], row["reveals"]) == (
        "equity_operator", "leads show", "the owner called", [lead], 1, True,
    )  # fmt: skip


async def test_nothing_is_revealed_where_the_log_cannot_be_written(equity: Equity, leads: LeadFixture) -> None:
    lead = await leads.add(phone="+17275550142")
    await leads.db.execute("revoke insert on app.access_log from equity_operator")
    done = await equity.soon("leads", "show", lead, "--reveal", "--purpose", "test")
    assert (done.code, "+17275550142" in done.out) == (3, False)


@pytest.mark.parametrize("lead", ["01a1fc73-2c4b-7487-8c65-ff5ed8d7211b"])
def test_an_unknown_lead_is_an_error(equity: Equity, lead: str) -> None:
    done = equity("leads", "show", lead)
    assert (done.code, f"There is no lead {lead}" in done.err) == (3, True)


async def test_a_queued_lead_has_its_next_feed_and_its_place(
    equity: Equity, feed_data: FeedFixture, tmp_path: Path
) -> None:
    broker = await feed_data.add_broker(limit=2)
    added = await feed_data.add_leads(broker, 3)
    clock = clock_at(SATURDAY, tmp_path)
    [first, _, third] = [(await show(equity, lead, CLOCK_FILE=clock))["next"] for lead in added]
    assert first["text"] == "the feed: Monday 2026-11-16 06:00 in Los Angeles (place 1 of the queue, 2 a day)"  # type: ignore[index]
    assert third["text"] == "the feed: Tuesday 2026-11-17 06:00 in Los Angeles (place 3 of the queue, 2 a day)"  # type: ignore[index]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update app.leads set assigned_broker_id = null", "seller_unknown"),
        ("update app.brokers set active = false", "broker_inactive"),
        ("update app.brokers set daily_limit = 0", "limit_reached"),
        ("update app.campaigns set problem = 'gone'", "no_campaign"),
        ("update app.lead_contacts set verified = false", "no_verified_email"),
        ("update app.leads set company_name = 'Holt LLC', owner_first_name = null", "legal_entity"),
        (
            "delete from app.leads where false; refresh materialized view app.mv_contactable_leads",
            "not_in_the_snapshot_yet",
        ),
    ],
)
async def test_a_lead_that_is_not_fed_has_the_reason(
    equity: Equity, feed_data: FeedFixture, tmp_path: Path, change: str, reason: str
) -> None:
    [lead] = await feed_data.add_leads(await feed_data.add_broker(), 1, refresh=reason != "not_in_the_snapshot_yet")
    if reason != "not_in_the_snapshot_yet":
        await feed_data.db.execute(change)
    next_step = (await show(equity, lead, CLOCK_FILE=clock_at(SATURDAY, tmp_path)))["next"]
    assert next_step["reasons"][0] == reason  # type: ignore[index]
