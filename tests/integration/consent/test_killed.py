"""Opt-outs while the consent service is killed again and again: what was confirmed is in effect, and each event is sent once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from common.compliance.links import build_lead_link
from common.events import Unsubscribed
from common.ids import LeadId
from local_services.processes import free_port
from support.consents import ConsentFixture
from support.feeding import KEYS
from support.installation import SECRETS, Spawned

LEADS, KILLS = 120, 6


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
    async with asyncio.timeout(30):
        while await data.owner.fetchval("select count(*) from svc_consent.outbox"):
            await asyncio.sleep(0.05)
    ids = Counter(dict(message.headers)["ce_id"] for message in await sent(Unsubscribed.topic))
    assert len(ids) == LEADS, "one event for each opt-out; a kill between publishing and commit repeats its id"
