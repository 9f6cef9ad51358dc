"""Signatures against withdrawals, opt-outs and each other, over HTTP, on two replicas: the statement that was made last counts."""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from common.bus import Tx
from common.compliance.statements import PersonStatement, StatementScope, record_statement
from common.database import Connection
from common.events import ConsentGranted, ConsentRefused
from common.ids import LeadId
from support.consent_forms import FormVisitor
from support.consents import NUMBER, OTHER_NUMBER, ConsentFixture
from support.feeding import KEYS

ROUNDS = [25, pytest.param(1_000, marks=pytest.mark.slow)]
MAX_PAUSE_SECONDS = 0.06
"""Longest pause before a request: about the time of a signature, so that either of two requests may come first."""
Replicas = tuple[FormVisitor, FormVisitor]

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def replicas(form_pages: str, running: Any, session: aiohttp.ClientSession) -> AsyncIterator[Replicas]:
    """Yield one person at two replicas of the service, without Kafka."""
    options = {"consent_forms_per_minute": 1_000_000, "kafka_bootstrap_servers": "127.0.0.1:9"}
    async with running("consent", consent_port=0, **options) as (service,):
        second = f"http://127.0.0.1:{service.parts[-1].port}/consent"
        yield FormVisitor(form_pages, session), FormVisitor(second, session)


async def withdraw(visitor: FormVisitor, lead: LeadId) -> None:
    """Press the button of the withdrawal page."""
    page = await visitor.request("POST", visitor.link(lead).replace("/consent?", "/consent/withdraw?"))
    assert page.status == 200, page.words


async def withdraw_by_reply(data: ConsentFixture, lead: LeadId) -> None:
    """Record a reply that withdraws, as the service *replies* does."""
    statement = PersonStatement("reply", datetime.now(UTC), os.urandom(32))
    async with data.consent.transaction():
        await record_statement(
            Tx(data.consent, "consent"), statement, StatementScope([], leads=[lead], withdraw=[lead])
        )


async def find_last(data: ConsentFixture, lead: LeadId, *actions: str) -> datetime | None:
    """Return the time of the last row of proof with one of *actions*."""
    rows = [row["at"] for row in await data.audit(lead) if row["action"] in actions]
    return max(rows, default=None)


async def may_call(data: ConsentFixture, lead: LeadId, number: str) -> bool:
    """Return whether a signature for the number is later than every withdrawal, and the number is not suppressed."""
    signed, ended = await find_last(data, lead, "granted"), await find_last(data, lead, "withdrawn", "voided")
    return signed is not None and (ended is None or ended < signed) and await data.active(number) == []


@asynccontextmanager
async def locked(data: ConsentFixture, number: str) -> AsyncIterator[None]:
    """Hold the lock of a number, for which a signature waits."""
    key = int.from_bytes(KEYS.hash_contact(number)[:8], "big", signed=True)
    async with data.owner.transaction():
        await data.owner.execute("select pg_advisory_xact_lock($1)", key)
        yield


async def wait_for_lock(observer: Connection) -> None:
    """Wait until a session of the service waits for a lock."""
    waiting = """select exists (
      select from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = current_database() and l.locktype = 'advisory' and not l.granted
    )"""
    async with asyncio.timeout(20):
        while not await observer.fetchval(waiting):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("way", ["page", "reply"])
@pytest.mark.parametrize("repeated", [False, True], ids=["first withdrawal", "repeated withdrawal"])
async def test_a_withdrawal_while_a_signature_for_a_new_number_is_under_way_counts(
    offered: ConsentFixture, replicas: Replicas, repeated: bool, way: str
) -> None:
    signer, leaver = replicas
    lead = await offered.add_lead()
    if repeated:
        await withdraw(leaver, lead)
    token = (await signer.open(lead)).token
    async with locked(offered, OTHER_NUMBER):
        signing = asyncio.create_task(signer.post(token, OTHER_NUMBER))
        await wait_for_lock(offered.consent)
        await (withdraw(leaver, lead) if way == "page" else withdraw_by_reply(offered, lead))
    assert (await signing).status == 200
    assert (await offered.summary(lead))[0] is False
    assert not await may_call(offered, lead, OTHER_NUMBER)


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_two_submissions_of_one_token_sign_once(offered: ConsentFixture, replicas: Replicas, rounds: int) -> None:
    lead = await offered.add_lead()
    for _ in range(rounds):
        token = (await replicas[0].open(lead)).token
        same = await asyncio.gather(*(visitor.post(token) for visitor in replicas))
        assert {(page.status, page.text) for page in same} == {(200, same[0].text)}
        token = (await replicas[0].open(lead)).token
        numbers = zip(replicas, (NUMBER, OTHER_NUMBER), strict=True)
        other = await asyncio.gather(*(visitor.post(token, number) for visitor, number in numbers))
        assert sorted(page.status for page in other) == [200, 409]
    tokens = [row["token_id"] for row in await offered.audit(lead)]
    assert len(tokens) == len(set(tokens)) == len(await offered.events(ConsentGranted)) == 2 * rounds
    assert {event["reason"] for event in await offered.events(ConsentRefused)} == {"used"}


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_of_a_signature_and_a_withdrawal_the_later_one_counts(
    offered: ConsentFixture, replicas: Replicas, rounds: int
) -> None:
    moments, results = random.Random(1), set[bool]()
    for place in range(rounds):
        number = f"+1727{5_560_000 + place}"
        lead = await offered.add_lead(NUMBER if place % 2 else number, f"{place}@example.com")
        token = (await replicas[0].open(lead)).token
        pauses = [moments.uniform(0, MAX_PAUSE_SECONDS) for _ in range(2)]
        signing, leaving = await asyncio.gather(*(
            after(pauses[0], replicas[0].post(token, number)), after(pauses[1], withdraw(replicas[1], lead))
        ))  # fmt: skip
        del leaving
        assert signing.status == 200
        signed, ended = await find_last(offered, lead, "granted"), await find_last(offered, lead, "withdrawn")
        assert signed
        assert ended
        counts = signed > ended
        assert (await offered.summary(lead))[0] is counts
        assert (await offered.active(number) == []) is (counts or place % 2 == 1)
        results.add(counts)
    assert results == {True, False}


@pytest.mark.parametrize("rounds", ROUNDS)
async def test_of_a_signature_and_an_opt_out_of_the_number_the_later_one_counts(
    offered: ConsentFixture, replicas: Replicas, rounds: int
) -> None:
    moments, results = random.Random(1), set[bool]()
    for place in range(rounds):
        number = f"+1727{5_560_000 + place}"
        lead = await offered.add_lead(number, f"{place}@example.com")
        token = (await replicas[0].open(lead)).token
        opting_out = replicas[1].request("POST", f"{replicas[1].url}/opt-out", data={"contact": number})
        pauses = [moments.uniform(0, MAX_PAUSE_SECONDS) for _ in range(2)]
        pages = await asyncio.gather(
            after(pauses[0], replicas[0].post(token, number)), after(pauses[1], opting_out)
        )  # fmt: skip
        assert [page.status for page in pages] == [200, 200]
        [opt_out] = await offered.owner.fetch(
            "select at, lifted_at from app.suppressions where value_hash = $1", KEYS.hash_contact(number)
        )
        signed = await find_last(offered, lead, "granted")
        assert signed
        counts = signed >= opt_out["at"]
        assert (opt_out["lifted_at"] is not None) is counts
        assert (await offered.summary(lead))[0] is await may_call(offered, lead, number) is counts
        results.add(counts)
    assert results == {True, False}


async def after(seconds: float, request: Any) -> Any:
    """Await *request* after a pause."""
    await asyncio.sleep(seconds)
    return await request
