"""People who sign or withdraw, by page or at the office, leave the sandbox's Instantly within a minute, also when the feeder is killed."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from common.compliance.links import build_lead_link
from common.ids import LeadId
from support.commandline import Equity
from support.consent_forms import SECRET, FormVisitor, offer_form
from support.consents import ConsentFixture
from support.feeding import KEYS, Feeder, FeedFixture, ManualClock, make_feeder_settings
from support.installation import Installation, Spawned
from support.instantly import FakeWorkspace
from support.vendors import CAMPAIGN_SCHEDULE, INSTANTLY_HEADERS

INSTANTLY_KEY = "sandbox-instantly-key"
EMAILS = [f"owner{number}@example.com" for number in range(6)]


@pytest.fixture
async def campaign_members(sandbox: Any, session: aiohttp.ClientSession) -> Callable[[], Awaitable[list[str]]]:
    """Return a function that lists the members of all campaigns at the sandbox."""

    async def list_members() -> list[str]:
        async with session.get(f"{sandbox.url}/_sandbox/instantly") as response:
            body = await response.json()
        return sorted(email for campaign in body["campaigns"] for email in campaign["members"])

    return list_members


@pytest.fixture
async def leads(feed_data: FeedFixture, sandbox: Any, session: aiohttp.ClientSession) -> list[LeadId]:
    """Leads with a number each, which are members of a campaign at the sandbox."""
    campaign = {"name": "Home equity", "campaign_schedule": CAMPAIGN_SCHEDULE}
    url = f"{sandbox.url}/instantly/api/v2/campaigns"
    async with session.post(url, json=campaign, headers=INSTANTLY_HEADERS) as response:
        vendor_campaign_id = (await response.json())["id"]
    broker = await feed_data.add_broker(campaigns=(vendor_campaign_id,))
    added = await feed_data.add_leads(broker, len(EMAILS), emails=EMAILS)
    for number, lead in enumerate(added):
        wrapped = await feed_data.db.fetchval("select data_key from app.leads where id = $1", lead)
        phone = f"+1727555014{number}"
        await feed_data.db.execute(
            """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source)
            values ($1, 'phone', $2, 'h1', $3, 'test')""",
            lead, KEYS.hash_contact(phone), KEYS.unwrap_data_key(lead, wrapped).encrypt("phone", phone),
        )  # fmt: skip
    place = FakeWorkspace(url=f"{sandbox.url}/instantly")
    async with Feeder(
        make_feeder_settings(feed_data.database, place, instantly_api_key=INSTANTLY_KEY), ManualClock()
    ) as feeder:
        await feeder.run_jobs("feed", "reconcile")
    return added


@pytest.fixture
async def form(running: Any, feed_data: FeedFixture, leads: list[LeadId]) -> AsyncIterator[str]:
    """Run the consent service with a published text and yield the address of its form."""
    await feed_data.db.execute(
        "insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')"
    )
    consent = await asyncpg.connect(feed_data.database.dsn("consent"))
    broker = await feed_data.db.fetchval("select id from app.brokers")
    await offer_form(ConsentFixture(feed_data.db, consent, broker))
    await consent.close()
    async with running("consent", consent_port=0) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}/consent"


@pytest.fixture
async def feeder_process(installation: Installation, sandbox: Any, leads: list[LeadId]) -> Spawned:
    """Run the feeder in a separate process, with its shipped intervals."""
    return await installation.spawn(
        "feeder",
        INSTANTLY_BASE_URL=f"{sandbox.url}/instantly",
        INSTANTLY_API_KEY=INSTANTLY_KEY,
    )


async def wait_for_members(
    list_members: Callable[[], Awaitable[list[str]]], expected: list[str], within_seconds: float = 60
) -> None:
    deadline = time.monotonic() + within_seconds
    while (members := await list_members()) != expected:
        assert time.monotonic() < deadline, members
        await asyncio.sleep(0.1)


async def test_every_way_to_sign_or_to_withdraw_ends_the_campaign_within_a_minute(
    form: str,
    leads: list[LeadId],
    feeder_process: Spawned,
    installation: Installation,
    session: aiohttp.ClientSession,
    campaign_members: Callable[[], Awaitable[list[str]]],
) -> None:
    assert await campaign_members() == EMAILS
    page = await FormVisitor(form, session).sign(leads[0], number="+17275550140")
    assert page.status == 200
    async with session.post(build_lead_link(f"{form}/withdraw", SECRET, leads[1])) as response:
        assert response.status == 200
    equity = Equity(installation.environment("consent"))
    (await equity.soon("consent", "withdraw", leads[2])).ok()
    (await equity.soon("consent", "withdraw", leads[3], "--phone", "+17275550143")).ok()
    async with session.post(build_lead_link(f"{form}/opt-out", SECRET, leads[4])) as response:
        assert response.status == 200
    await wait_for_members(campaign_members, EMAILS[5:])


async def test_a_kill_of_the_feeder_while_it_removes_a_member_delays_the_removal_by_less_than_a_minute(
    form: str,
    leads: list[LeadId],
    feeder_process: Spawned,
    sandbox: Any,
    feed_data: FeedFixture,
    session: aiohttp.ClientSession,
    campaign_members: Callable[[], Awaitable[list[str]]],
) -> None:
    fault = {"vendor": "instantly", "kind": "timeout", "operation": "delete_lead", "times": 1, "seconds": 30}
    async with session.post(f"{sandbox.url}/_sandbox/faults", json=fault) as response:
        assert response.status == 201, await response.text()
    page = await FormVisitor(form, session).sign(leads[0], number="+17275550140")
    assert page.status == 200
    claimed = "select count(*) from app.vendor_memberships where desired = 'out' and claimed_until > now()"
    while await feed_data.select_column(claimed) != [1]:
        await asyncio.sleep(0.02)
    feeder_process.kill()
    feeder_process.start()
    await wait_for_members(campaign_members, EMAILS[1:])
