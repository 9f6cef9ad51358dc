"""A decision of the gate is written with the contact that it is about, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.bus import Tx
from common.compliance.decision_log import DecidedContact, lock_contacts, log_decisions
from common.compliance.gate import GateDecision
from common.compliance.reasons import ContactReason
from common.ids import LeadId

ALLOWED = GateDecision(())
REFUSED = GateDecision((ContactReason.SUPPRESSED, ContactReason.ON_DNC_LIST))


@pytest.fixture
async def feeder(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn("feeder"))
    yield connection
    await connection.close()


@pytest.fixture
async def consent(database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.dsn("consent"))
    yield connection
    await connection.close()


async def logged(database: Any) -> list[tuple[Any, ...]]:
    owner = await asyncpg.connect(database.superuser_dsn)
    try:
        query = "select lead_id, channel, value_hash, allowed, reason, decided_by from pipeline.contact_decisions order by id"
        return [tuple(row) for row in await owner.fetch(query)]
    finally:
        await owner.close()


async def test_every_decision_is_kept_with_its_reasons_and_who_made_it(
    database: Any, feeder: asyncpg.Connection
) -> None:
    first, second = LeadId(uuid4()), LeadId(uuid4())
    async with feeder.transaction():
        await log_decisions(
            Tx(feeder, "feeder"),
            [
                DecidedContact(first, "email", "campaign", b"e" * 32, ALLOWED),
                DecidedContact(second, "phone", "service", b"p" * 32, REFUSED),
                DecidedContact(second, "email", "answer", None, GateDecision((ContactReason.VALUE_HASH_UNKNOWN,))),
            ],
        )
    assert await logged(database) == [
        (first, "email", b"e" * 32, True, "allowed", "svc_feeder"),
        (second, "phone", b"p" * 32, False, "suppressed,on_dnc_list", "svc_feeder"),
        (second, "email", None, False, "value_hash_unknown", "svc_feeder"),
    ]


async def test_a_decision_goes_with_its_transaction(database: Any, feeder: asyncpg.Connection) -> None:
    transaction = feeder.transaction()
    await transaction.start()
    await log_decisions(
        Tx(feeder, "feeder"), [DecidedContact(LeadId(uuid4()), "email", "campaign", b"e" * 32, ALLOWED)]
    )
    await transaction.rollback()
    assert await logged(database) == []


async def test_a_whole_feed_is_one_call_and_none_is_no_call(database: Any, feeder: asyncpg.Connection) -> None:
    leads = [LeadId(UUID(int=number)) for number in range(250)]
    async with feeder.transaction():
        await log_decisions(Tx(feeder, "feeder"), [])
        await log_decisions(
            Tx(feeder, "feeder"), [DecidedContact(lead, "email", "campaign", lead.bytes * 2, ALLOWED) for lead in leads]
        )
    assert [row[0] for row in await logged(database)] == leads


async def test_decisions_are_written_by_the_function_only_and_never_changed(feeder: asyncpg.Connection) -> None:
    for statement in (
        "insert into pipeline.contact_decisions (lead_id, channel, allowed, reason) values (gen_random_uuid(), 'email', true, 'allowed')",
        "update pipeline.contact_decisions set allowed = true",
        "delete from pipeline.contact_decisions",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await feeder.execute(statement)


async def test_a_suppression_waits_for_the_contact_that_is_being_decided(
    feeder: asyncpg.Connection, consent: asyncpg.Connection
) -> None:
    person, other = b"\xff" * 32, b"\x01" * 32
    deciding = feeder.transaction()
    await deciding.start()
    await lock_contacts(Tx(feeder, "feeder"), [other, person, person])

    async def suppress() -> None:
        async with consent.transaction():
            await lock_contacts(Tx(consent, "consent"), [person])

    suppressing = asyncio.create_task(suppress())
    await asyncio.sleep(0.3)
    assert not suppressing.done()
    await deciding.commit()
    await asyncio.wait_for(suppressing, 5)


async def test_locks_of_many_contacts_are_taken_in_one_order_and_never_deadlock(database: Any) -> None:
    people = [bytes([number]) * 32 for number in range(200)]

    async def decide(reverse: bool) -> None:
        connection = await asyncpg.connect(database.dsn("feeder"))
        try:
            for _ in range(10):
                async with connection.transaction():
                    await lock_contacts(Tx(connection, "feeder"), people[::-1] if reverse else people)
        finally:
            await connection.close()

    await asyncio.gather(*(decide(bool(number % 2)) for number in range(4)))
