"""Fixture for tests of the pull: a sandbox, saved searches, and pullers under a clock that the test sets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from common.service import Service
from pull.app import build, build_puller
from pull.outcomes import PullStop
from pull.page_log import PageLog
from pull.puller import Puller
from pull.settings import PullSettings
from sandbox.app import Sandbox
from sandbox.faults import Fault
from sandbox.vendors.batchdata.property_requests import PropertyCriteria
from support.installation import Installation
from support.vendors import SETTINGS

PINELLAS = {"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 80}}}
"""Criteria that about 80 properties of the sandbox meet."""
FOUR_AM = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""04:00 in Los Angeles."""
TOKEN = SETTINGS.sandbox_batchdata_token.get_secret_value()
MCP_PATHS = {"http": "/batchdata_mcp/mcp", "sse": "/batchdata_mcp/sse"}


@dataclass
class PullClock:
    """Clock that shows the time that the test sets."""

    now: datetime = FOUR_AM

    def __call__(self) -> datetime:
        return self.now


@dataclass
class PullFixture:
    """Sandbox, installation and clock of one test, with what the pull sent, stored and paid."""

    installation: Installation
    sandbox: Sandbox
    db: Any
    clock: PullClock = field(default_factory=PullClock)

    def environment(self, transport: str = "http") -> dict[str, Any]:
        """Return settings under which a service pulls from this sandbox, with short pauses."""
        return {
            "batchdata_token": TOKEN,
            "batchdata_mcp_url": self.sandbox.url + MCP_PATHS[transport],
            "batchdata_mcp_transport": transport,
            "pull_first_backoff_seconds": 0.01,
            "pull_longest_backoff_seconds": 0.5,
            "pull_call_seconds": 25,  # no pause of the test machine ends a call
        }

    def settings(self, transport: str = "http", **more: Any) -> PullSettings:
        settings = self.installation.settings("pull", **(self.environment(transport) | more))
        assert isinstance(settings, PullSettings)
        return settings

    @asynccontextmanager
    async def open_puller(self, transport: str = "http", **more: Any) -> AsyncIterator[Puller]:
        """Open a puller with its database. No relay and no jobs run."""
        settings = self.settings(transport, **more)
        service = build(settings, self.clock)
        await service.database.start()
        try:
            puller = build_puller(service, settings)
            assert puller is not None
            yield puller
        finally:
            await service.database.stop()

    def build_service(self, transport: str = "http", **more: Any) -> Service:
        return build(self.settings(transport, **more), self.clock)

    async def save_search(self, name: str = "pinellas", criteria: Any = PINELLAS, **columns: Any) -> Any:
        """Save a search and return its id."""
        values = {"name": name, "criteria": orjson.dumps(criteria).decode(), **columns}
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        insert = f"insert into pipeline.saved_searches ({', '.join(values)}) values ({places}) returning id"
        return await self.db.fetchval(insert, *values.values())

    async def try_pull(self, puller: Puller, name: str = "pinellas", *, start_early: bool = False) -> PullStop | None:
        """Pull one search; return None if it is not due or another replica holds it."""
        search = await page_log_of(puller).find_search(name)
        assert search is not None
        return await puller.pull_search(search, start_early=start_early)

    async def pull(self, puller: Puller, name: str = "pinellas") -> PullStop:
        """Pull one search that is due, and return why the pull stopped."""
        stop = await self.try_pull(puller, name)
        assert stop is not None
        return stop

    def matching_properties(self, criteria: Any = PINELLAS) -> list[Any]:
        """Return the sandbox's properties that meet the criteria."""
        return self.sandbox.state.batchdata._catalog.find_properties(PropertyCriteria.model_validate(criteria))

    def matching_streets(self) -> list[str]:
        return sorted_streets(self.matching_properties())

    async def end_leases(self) -> None:
        """Do what time does after a process was killed, so that the next one continues at once."""
        await self.db.execute("update pipeline.pull_rounds set lease_until = now() - interval '1 second'")

    def inject_fault(self, kind: str, **options: Any) -> None:
        self.sandbox.state.faults.add_fault(Fault(vendor="batchdata_mcp", kind=kind, **options))

    def clear_faults(self) -> None:
        self.sandbox.state.faults.clear_faults()

    async def end_backoff(self) -> None:
        """End the backoff of BatchData's server. It follows the database's clock, which a test cannot move."""
        await self.db.execute("update pipeline.provider_states set failures = 0, backoff_until = null")

    @property
    def paid_records(self) -> int:
        """Return the number of records that the sandbox charged for."""
        return int(self.sandbox.state.statistics.summarize_charges("batchdata")["records"])

    async def latest_round(self) -> dict[str, Any]:
        return dict(
            await self.db.fetchrow("select * from pipeline.pull_rounds order by started_at desc, id desc limit 1")
        )

    async def outbox_records(self) -> list[dict[str, Any]]:
        """Return the records in the outbox, in order."""
        rows = await self.db.fetch("select body from svc_pull.outbox order by id")
        return [orjson.loads(row["body"]) for row in rows]

    async def outbox_streets(self) -> list[str]:
        return sorted(record["property_address"] for record in await self.outbox_records())

    async def spending_by_day(self) -> dict[str, tuple[int, float]]:
        """Return records and cents by local day."""
        rows = await self.db.fetch(
            "select local_date::text as day, sum(records)::int as records, sum(cents) as cents from pipeline.pull_days group by 1 order by 1"
        )
        return {row["day"]: (row["records"], float(row["cents"])) for row in rows}


def page_log_of(puller: Puller) -> PageLog:
    return puller._page_log


def sorted_streets(properties: list[Any]) -> list[str]:
    return sorted(entry["address"]["street"] for entry in properties)


async def connect_as_superuser(installation: Installation) -> Any:
    return await asyncpg.connect(installation.database.superuser_dsn)
