"""Fixtures for leads that pass ingest and skiptrace, with fake providers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from common.jobs.scheduler import JobScheduler
from support import topic_reader
from support.installation import Installation
from support.providers import FakeProviders, serve_providers
from support.upstream import UpstreamProducer

HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
    "owner_first_name": "Marjorie",
    "owner_last_name": "Holt",
    "est_value": 412000,
    "est_equity": 351000,
    "phones": ["(727) 555-0142"],
    "emails": ["marjorie.holt@example.com"],
}


@pytest.fixture(autouse=True)
def no_scheduled_daily_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disable the schedule of daily jobs: tests run them, and at some hours the schedule would run them as well."""

    async def nothing(_jobs: JobScheduler) -> list[str]:
        return []

    monkeypatch.setattr(JobScheduler, "run_due_jobs", nothing)


@pytest.fixture
async def providers() -> AsyncIterator[FakeProviders]:
    """The fake vendors."""
    async with serve_providers() as fakes:
        yield fakes


@dataclass
class Funnel:
    """The installation under test: records in, events and rows out."""

    installation: Installation
    db: Any

    async def send(self, *records: dict[str, Any]) -> None:
        await UpstreamProducer(self.installation).send_records(*records)

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Return each event once. A relay that was stopped may send an event again under the same id."""
        records = await topic_reader.read_all_messages(
            self.installation.kafka, f"{self.installation.prefix}funnel.{name}"
        )
        by_id = {dict(record.headers)["ce_id"]: record for record in records}
        return [json.loads(record.value) for record in by_id.values()]

    async def count(self, query: str) -> int:
        return int(await self.db.fetchval(f"select count(*) from {query}"))

    async def until(self, check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 40) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while (actual := await check()) != expected:
            assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
            await asyncio.sleep(0.1)

    async def until_count(self, query: str, expected: int, seconds: float = 40) -> None:
        await self.until(lambda: self.count(query), expected, seconds)

    async def until_quiet(self, seconds: float = 1.5) -> None:
        """Wait until no message was handled or sent for *seconds*. A verified lead causes one more message."""
        handled = "(select from svc_ingest.inbox union all select from svc_skiptrace.inbox) handled"
        unsent = "(select from svc_ingest.outbox union all select from svc_skiptrace.outbox) unsent"
        before = -1
        while (now := await self.count(handled)) != before or await self.count(unsent):
            before = now
            await asyncio.sleep(seconds)

    async def dead_letters(self) -> int:
        return len(
            await topic_reader.read_all_messages(self.installation.kafka, f"{self.installation.prefix}pipeline.dlq")
        )


@pytest.fixture
async def funnel(installation: Installation) -> AsyncIterator[Funnel]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield Funnel(installation, connection)
    await connection.close()


def homes(count: int, **more: Any) -> list[dict[str, Any]]:
    """Return records of different homes, each with its own phone and email."""
    return [
        HOME
        | {
            "property_address": f"{100 + number} Palmetto Ave",
            "phones": [f"727555{1000 + number:04d}"],
            "emails": [f"owner{number}@example.com"],
        }
        | more
        for number in range(count)
    ]


@pytest.fixture
def many_homes() -> Callable[..., list[dict[str, Any]]]:
    return homes


@pytest.fixture
def home() -> dict[str, Any]:
    return dict(HOME)
