"""The feeder and skip tracing after a lead was erased, against stand-ins of their vendors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import SecretStr

from support.commandline import Equity
from support.feeding import Feeder, FeedFixture, make_feeder_settings
from support.instantly import FakeWorkspace
from support.providers import FakeProviders, serve_providers
from support.upstream import UpstreamProducer

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
REASON = ("--reason", "letter", "--yes", "--json")
HOME: dict[str, Any] = {
    "property_address": "418 Palmetto Ave", "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
    "owner_first_name": "Marjorie", "owner_last_name": "Holt", "phones": ["7275550142"], "emails": ["m.holt@example.com"],
}  # fmt: skip


@pytest.fixture
async def providers() -> AsyncIterator[FakeProviders]:
    async with serve_providers() as fakes:
        yield fakes


async def until_true(db: Any, query: str, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await db.fetchval(query):
            await asyncio.sleep(0.05)


async def test_the_feeder_removes_the_member_at_instantly(feed_data: FeedFixture, sandbox: Any, equity: Equity) -> None:
    workspace = FakeWorkspace(url=f"{sandbox.url}/instantly")
    settings = make_feeder_settings(feed_data.database, workspace, instantly_api_key=SecretStr("sandbox-instantly-key"))
    broker = await feed_data.add_broker(limit=10, campaigns=())
    (await equity.soon("campaigns", "sync", POSTAL_ADDRESS="1 Test St, Tampa, FL 33602")).ok()
    async with Feeder(settings, feed_data.clock) as feeder:
        async with asyncio.timeout(60):
            while await feed_data.select_column(
                "select count(*) from app.campaigns where synced_version < version"
            ) != [0]:
                await feeder.run_jobs("sync_campaigns")
                await asyncio.sleep(0.1)
        lead, _ = await feed_data.add_leads(broker, 2, emails=["m.holt@example.com", "dana@example.com"])
        await feeder.run_jobs("feed", "reconcile")
        assert await list_members(sandbox) == ["dana@example.com", "m.holt@example.com"]
        answer = (await equity.soon("erase", lead, *REASON)).ok().json
        assert answer["waiting_removals"] == 1
        await feeder.run_jobs("reconcile")
        assert await list_members(sandbox) == ["dana@example.com"]
    assert (await equity.soon("erase", lead, *REASON)).ok().json["waiting_removals"] == 0


async def list_members(sandbox: Any) -> list[str]:
    import aiohttp

    async with aiohttp.ClientSession() as client, client.get(f"{sandbox.url}/_sandbox/instantly") as answer:
        body = await answer.json()
    return sorted(email for campaign in body["campaigns"] for email in campaign["members"])


async def test_an_answer_that_arrives_after_the_erasure_leaves_nothing(
    running: Running, installation: Any, providers: FakeProviders, db: Any, sent: Any
) -> None:
    released = asyncio.Event()

    async def wait_until_released(*_: Any) -> None:
        await released.wait()

    providers.melissa.fault = wait_until_released
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_call_seconds=25)) as services:
        await UpstreamProducer(installation).send_records(HOME)
        await until_true(db, "select exists (select from app.skip_trace_requests where outcome = 'asked')")
        lead = await db.fetchval("select id from app.leads")
        # The statement of the command: another process may take longer than the call.
        erased = await db.fetchrow("select * from app.erase_person($1, $1, 'me', 'x', now(), '{}', '{}', '{}')", lead)
        assert erased["waiting_responses"] == 1
        released.set()
        await until_true(db, "select exists (select from app.skip_trace_attempts where merged_at is not null)")
        await run_job(services, "skiptrace", "expire_requests")
        await until_true(db, "select not exists (select from svc_skiptrace.outbox)")
    assert await db.fetchval("select count(*) from app.lead_contacts") == 0
    kept = "select num_nonnulls(lookups_encrypted, response_encrypted) from app.skip_trace_requests"
    assert [row[0] for row in await db.fetch(kept)] == [0]
    row = await db.fetchrow("select data_key, mak, email_hash, melissa_payload from app.leads")
    assert tuple(row) == (None, None, None, None)
    assert await sent("pipeline.dlq") == []


async def test_an_erased_lead_is_never_traced_and_its_number_is_stored_with_no_other_lead(
    running: Running, installation: Any, providers: FakeProviders, db: Any, equity: Equity
) -> None:
    person = {
        "phoneNumbers": [{"number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "score": 90}]
    }
    new_owner = HOME | {"owner_first_name": "Dana", "owner_last_name": "Reyes", "phones": [], "emails": []}
    async with running("ingest"):
        await UpstreamProducer(installation).send_records(HOME)
        await until_true(db, "select exists (select from app.leads)")
        lead = await db.fetchval("select id from app.leads")
        (await equity.soon("erase", lead, *REASON)).ok()
    providers.people[HOME["property_address"]] = person
    async with running("ingest", "skiptrace", **providers.settings()):
        await UpstreamProducer(installation).send_records(new_owner)
        traced = "select exists (select from app.skip_trace_attempts where lead_id <> $1 and merged_at is not null)"
        async with asyncio.timeout(60):
            while not await db.fetchval(traced, lead):
                await asyncio.sleep(0.05)
    assert await db.fetchval("select count(*) from app.skip_trace_attempts where lead_id = $1", lead) == 0
    assert await db.fetchval("select count(*) from app.lead_contacts where channel = 'phone'") == 0
    assert await db.fetchval("select owner_last_name from app.leads where id <> $1", lead) == "Reyes"


async def run_job(services: list[Any], name: str, job: str) -> None:
    """Run a job of a running service now."""
    service = next(one for one in services if one.name == name)
    await service.jobs.run_job(f"{name}.{job}")
