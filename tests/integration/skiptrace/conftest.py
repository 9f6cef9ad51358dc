"""Leads on their way through ingest and skiptrace, with servers that play the providers."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from common.jobs import Jobs
from support import providers, reading
from support.installation import Installation
from support.providers import Providers
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
def no_daily_job_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run daily jobs themselves; at some hours of the day the ticker would come between."""

    async def nothing(_jobs: Jobs) -> list[str]:
        return []

    monkeypatch.setattr(Jobs, "run_due", nothing)


@pytest.fixture
async def world() -> AsyncIterator[Providers]:
    """The vendors. Another stand-in may take their place here."""
    async with providers.serving() as found:
        yield found


@dataclass
class Funnel:
    """The installation as its tests see it."""

    installation: Installation
    db: Any

    async def send(self, *records: dict[str, Any]) -> None:
        await UpstreamProducer(self.installation).send_records(*records)

    async def events(self, name: str) -> list[dict[str, Any]]:
        """Each event once: a relay that is stopped in between may send one again, under the same id."""
        records = await reading.everything_on(self.installation.kafka, f"{self.installation.prefix}funnel.{name}")
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
        """Until nobody has handled or sent anything for *seconds*: a lead that was verified is heard of once more."""
        handled = "(select from svc_ingest.inbox union all select from svc_skiptrace.inbox) handled"
        unsent = "(select from svc_ingest.outbox union all select from svc_skiptrace.outbox) unsent"
        before = -1
        while (now := await self.count(handled)) != before or await self.count(unsent):
            before = now
            await asyncio.sleep(seconds)

    async def dead_letters(self) -> int:
        return len(await reading.everything_on(self.installation.kafka, f"{self.installation.prefix}pipeline.dlq"))


@pytest.fixture
async def funnel(installation: Installation) -> AsyncIterator[Funnel]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield Funnel(installation, connection)
    await connection.close()


def homes(count: int, **more: Any) -> list[dict[str, Any]]:
    """Records of different homes, each with a phone and an email of its own."""
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
