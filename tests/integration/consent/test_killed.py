"""Opt-outs and signatures while the consent service is killed: what was confirmed is in effect, and each event is sent once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from common.compliance.links import build_lead_link
from common.events import ConsentGranted, ConsentRevoked, Unsubscribed
from common.ids import LeadId
from local_services.processes import free_port
from support.consent_forms import FormVisitor
from support.consents import ConsentFixture
from support.feeding import KEYS
from support.installation import SECRETS, Spawned
from support.kill_points import POINTS, with_kill_point
from support.processes import EQUITY

LEADS, KILLS = 120, 6
PEOPLE = 4
COMMIT_POINTS = [point for point in POINTS if point not in ("after the claim", "before the offsets")]
"""Points in the work of a service without a consumer."""


async def test_a_confirmed_opt_out_survives_any_kill(
    data: ConsentFixture, spawn: Callable[..., Awaitable[Spawned]], session: aiohttp.ClientSession, sent: Any
) -> None:
    emails = [f"owner{number}@example.com" for number in range(LEADS)]
    leads = [await data.add_lead(email=email) for email in emails]
    port = free_port()
    consent = await spawn("consent", CONSENT_PORT=str(port))

    async def opt_out(lead: LeadId) -> None:
        """Press the button until a page confirms it, as a person does."""
        url = build_lead_link(f"http://127.0.0.1:{port}/consent/opt-out", SECRETS["FORM_LINK_SECRET"].encode(), lead)
        while True:
            try:
                async with session.post(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)

    async def opt_out_all() -> None:
        for start in range(0, LEADS, 4):
            await asyncio.gather(*(opt_out(lead) for lead in leads[start : start + 4]))

    pressing = asyncio.create_task(opt_out_all())
    moments = random.Random(1)
    for _ in range(KILLS):
        confirmed = await data.owner.fetchval("select count(*) from app.suppressions")
        while await data.owner.fetchval("select count(*) from app.suppressions") < min(
            LEADS, confirmed + moments.randint(1, 12)
        ):
            await asyncio.sleep(0.005)
        consent.kill()
        consent.start()
        await consent.ready()
    await asyncio.wait_for(pressing, 60)

    suppressed = await data.owner.fetch("select value_hash from app.active_suppressions where channel = 'email'")
    assert {row["value_hash"] for row in suppressed} == {KEYS.hash_contact(email) for email in emails}
    statuses = await data.owner.fetch("select distinct campaign_status::text as status from app.leads")
    assert [row["status"] for row in statuses] == ["unsubscribed"]
    await wait_for_empty_outbox(data)
    ids = Counter(dict(message.headers)["ce_id"] for message in await sent(Unsubscribed.topic))
    assert len(ids) == LEADS, "one event for each opt-out; a kill between publishing and commit repeats its id"


async def wait_for_empty_outbox(data: ConsentFixture) -> None:
    async with asyncio.timeout(60):
        while await data.owner.fetchval("select count(*) from svc_consent.outbox"):
            await asyncio.sleep(0.05)


async def insist(consent: Spawned, request: Callable[[], Awaitable[Any]]) -> Any:
    """Send *request* until a page confirms it, as a person does. Start the service again if it was killed."""
    async with asyncio.timeout(60):
        while True:
            try:
                page = await request()
            except aiohttp.ClientError:
                page = None
            if not consent.alive:
                consent.start()
                await consent.ready()
            elif page is not None and page.status == 200:
                return page


@pytest.fixture
async def killable(
    offered: ConsentFixture, spawn: Callable[..., Awaitable[Spawned]]
) -> tuple[Spawned, list[tuple[LeadId, str]]]:
    """Return a running service, and people with their numbers."""
    numbers = [f"+1727{5_550_000 + place}" for place in range(PEOPLE)]
    people = [(await offered.add_lead(number, f"{number}@example.com"), number) for number in numbers]
    await offered.owner.execute("update app.lead_contacts set verified = true, verified_at = now()")
    return await spawn("consent", CONSENT_PORT=str(free_port())), people


async def arm(consent: Spawned, point: str, marker: Path) -> None:
    """Start the service again, to be killed at its second pass of *point*."""
    consent.stop()
    consent.program = with_kill_point(EQUITY, point, marker)
    consent.start()
    await consent.ready()


@pytest.mark.parametrize("point", [*COMMIT_POINTS, "after a token is used"])
async def test_a_signature_that_a_kill_interrupts_counts_once(
    offered: ConsentFixture, killable: Any, session: aiohttp.ClientSession, sent: Any, tmp_path: Path, point: str
) -> None:
    consent, people = killable
    visitor = FormVisitor(f"http://127.0.0.1:{consent.environment['CONSENT_PORT']}/consent", session)
    tokens = [(await visitor.open(lead)).token for lead, _ in people]
    await arm(consent, point, tmp_path / "killed")
    for (_, number), token in zip(people, tokens, strict=True):
        await insist(consent, partial(visitor.post, token, number))
    await wait_for_kill(consent, tmp_path / "killed")
    await wait_for_empty_outbox(offered)
    for lead, _ in people:
        assert [row["action"] for row in await offered.audit(lead)] == ["granted"]
        assert (await offered.summary(lead))[0] is True
    assert await offered.owner.fetchval("select count(*) from app.mails") == PEOPLE
    events = Counter(dict(message.headers)["ce_id"] for message in await sent(ConsentGranted.topic))
    assert len(events) == PEOPLE
    assert (max(events.values()) > 1) is (point == "between acknowledgement and delete")


@pytest.mark.parametrize("point", COMMIT_POINTS)
async def test_a_withdrawal_that_a_kill_interrupts_counts_once(
    offered: ConsentFixture, killable: Any, session: aiohttp.ClientSession, sent: Any, tmp_path: Path, point: str
) -> None:
    consent, people = killable
    url = f"http://127.0.0.1:{consent.environment['CONSENT_PORT']}/consent/withdraw"
    visitor = FormVisitor(url, session)
    for lead, number in people:
        await offered.sign(lead, 0, number, text=3)
    await arm(consent, point, tmp_path / "killed")
    for lead, _ in people:
        await insist(consent, partial(visitor.request, "POST", visitor.link(lead)))
    await wait_for_kill(consent, tmp_path / "killed")
    await wait_for_empty_outbox(offered)
    rows = [row for lead, _ in people for row in await offered.audit(lead) if row["action"] != "granted"]
    assert {row["action"] for row in rows} == {"withdrawn"}
    assert sorted((row["lead_id"], row["value_hash"] is None) for row in rows) == sorted(
        (lead, is_all) for lead, _ in people for is_all in (False, True)
    )
    assert [await offered.active(number) for _, number in people] == [["opt_out"]] * PEOPLE
    events = Counter(dict(message.headers)["ce_id"] for message in await sent(ConsentRevoked.topic))
    assert len(events) == len(rows)


async def wait_for_kill(consent: Spawned, marker: Path) -> None:
    """Wait until the kill point was reached, and start the service again if it did not run."""
    async with asyncio.timeout(60):
        while not marker.exists():
            await asyncio.sleep(0.05)
    if not consent.alive:
        consent.start()
    await consent.ready()
