"""Invariants of contacts, consents and replies: each offender is found, and correct rows are none."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common import telemetry
from common.ids import BrokerId, LeadId
from recorder.app import build
from recorder.jobs import INVARIANTS
from support.consents import EMAIL, NUMBER, ConsentFixture
from support.databases import Database
from support.feeding import KEYS
from support.installation import Installation

ALLOW = (
    "select pipeline.log_contact_decisions($1, array['email'], array['campaign'], $2, array[true], array['allowed'])"
)


@pytest.fixture
async def data(database: Database) -> AsyncIterator[ConsentFixture]:
    owner, consent = await asyncpg.connect(database.superuser_dsn), await asyncpg.connect(database.dsn("consent"))
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await owner.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    yield ConsentFixture(owner, consent, broker)
    await consent.close()
    await owner.close()


async def offenders(data: ConsentFixture) -> list[str]:
    rows = await data.owner.fetch("select invariant from pipeline.broken_invariants order by 1")
    return [row["invariant"] for row in rows]


async def allow(data: ConsentFixture, lead: LeadId, value: str = EMAIL) -> None:
    await data.owner.execute(ALLOW, [lead], [KEYS.hash_contact(value)])


async def reserve(data: ConsentFixture, lead: LeadId) -> None:
    await data.owner.execute(
        "insert into app.feed_slots (broker_id, local_date, lead_id) values ($1, '2026-11-30', $2)", data.broker, lead
    )


async def add_reply(data: ConsentFixture, lead: LeadId, *, state: str = "received", age: str = "2 hours") -> UUID:
    reply: UUID = await data.owner.fetchval(
        """insert into app.replies (id, event_id, lead_id, matched_by, at, received_at, recorded_at, text_hash, state)
        values (gen_random_uuid(), gen_random_uuid(), $1, 'address', '2026-11-30', '2026-11-30', now() - $3::text::interval, 'hash', $2)
        returning id""",
        lead, state, age,
    )  # fmt: skip
    return reply


async def answer(data: ConsentFixture, lead: LeadId, reply: UUID) -> None:
    await data.owner.execute(
        """insert into app.reply_answers (id, reply_id, lead_id, template, template_version, state, value_hash, hash_key_id)
        values (gen_random_uuid(), $1, $2, 'consent_link', 1, 'due', $3, 'h1')""",
        reply, lead, KEYS.hash_contact(EMAIL),
    )  # fmt: skip
    await data.owner.execute(
        "update app.reply_answers set state = 'sending', claimed_at = now() where reply_id = $1", reply
    )


async def test_a_contact_needs_an_allowing_decision_in_its_transaction(data: ConsentFixture) -> None:
    decided, undecided, later = [await data.add_lead(email=f"{name}@example.com") for name in "abc"]
    async with data.owner.transaction():
        await allow(data, decided)
        await reserve(data, decided)
    assert await offenders(data) == []
    await reserve(data, undecided)
    await allow(data, later)
    await reserve(data, later)
    assert await offenders(data) == ["contact_without_decision"] * 2


async def test_a_slot_that_is_reserved_again_needs_another_decision(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    async with data.owner.transaction():
        await allow(data, lead)
        await reserve(data, lead)
    await data.owner.execute("update app.feed_slots set state = 'returned'")
    assert await offenders(data) == []
    await data.owner.execute("update app.feed_slots set state = 'reserved'")
    assert await offenders(data) == ["contact_without_decision"]


async def test_an_answer_needs_a_decision_about_its_own_address(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    async with data.owner.transaction():
        await allow(data, lead, "another@example.com")
        await answer(data, lead, await add_reply(data, lead, age="0"))
    assert await offenders(data) == ["contact_without_decision"]


async def test_a_contact_after_an_opt_out_is_found_and_one_before_it_or_after_its_lift_is_not(
    data: ConsentFixture,
) -> None:
    lead = await data.add_lead()
    call = "select pipeline.log_contact_decisions($1, array['phone'], array['campaign'], $2, array[true], array['allowed'])"
    await data.owner.execute(call, [lead], [KEYS.hash_contact(NUMBER)])
    await data.opt_out(NUMBER, minutes=-60)  # the statement is older than the call, and was not known then
    assert await offenders(data) == []
    await data.owner.execute(call, [lead], [KEYS.hash_contact(NUMBER)])
    assert await offenders(data) == ["contact_after_opt_out"]
    await data.owner.execute("delete from pipeline.contact_decisions")
    await data.sign(lead, minutes=5)
    await data.owner.execute(call, [lead], [KEYS.hash_contact(NUMBER)])
    assert await offenders(data) == []


async def test_a_changed_a_removed_and_a_textless_row_of_a_chain_are_found(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    for minutes in range(4):
        await data.sign(lead, minutes=minutes)
    assert await offenders(data) == []
    await data.owner.execute("set session_replication_role = replica")
    await data.owner.execute("update app.lead_consent_audit set page_hash = null where seq = 4")
    assert await offenders(data) == ["consent_chain_broken", "consent_without_text"]
    await data.owner.execute("delete from app.lead_consent_audit where seq = 4")
    assert await offenders(data) == []
    await data.owner.execute("delete from app.lead_consent_audit where seq = 2")
    assert await offenders(data) == ["consent_chain_broken"]


async def test_a_reply_without_route_and_two_answers_to_one_reply_are_found(data: ConsentFixture) -> None:
    lead = await data.add_lead()
    first, second = await add_reply(data, lead, age="59 minutes"), await add_reply(data, lead, age="0")
    assert await offenders(data) == []
    for reply in (first, second):
        async with data.owner.transaction():
            await allow(data, lead)
            await answer(data, lead, reply)
    assert await offenders(data) == ["reply_with_answers"]
    await add_reply(data, lead)
    assert await offenders(data) == ["reply_with_answers", "reply_without_route"]


async def test_the_job_counts_the_offenders_of_the_last_day_under_the_role_of_the_recorder(
    data: ConsentFixture, installation: Installation
) -> None:
    lead = await data.add_lead()
    await add_reply(data, lead)
    await add_reply(data, lead, age="27 hours")
    settings: Any = installation.settings("recorder")
    service = build(settings)
    await service.database.start()
    try:
        await service.jobs.run_job("recorder.check_invariants")
    finally:
        await service.database.stop()
    measured = {
        dict(labels)["invariant"]: value
        for labels, value in telemetry.gauge(
            "equity_invariant_offenders", "Rows of the last day that break an invariant"
        )._values.items()
    }
    assert measured == dict.fromkeys(INVARIANTS, 0) | {"reply_without_route": 1}
