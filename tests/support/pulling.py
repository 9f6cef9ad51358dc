"""A sandbox to pull from, saved searches, and the pull under a clock that the test moves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson

from common.service import Service
from pull.app import build, puller_of
from pull.pulling import Puller, Stop
from pull.settings import PullSettings
from sandbox.app import Sandbox
from sandbox.faults import Fault
from sandbox.vendors.batchdata.property_requests import PropertyCriteria
from support.installation import Installation
from support.vendors import SETTINGS

PINELLAS = {"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 80}}}
"""Some 80 properties."""
FOUR = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""04:00 in Los Angeles."""
TOKEN = SETTINGS.sandbox_batchdata_token.get_secret_value()
ADDRESSES = {"http": "/batchdata_mcp/mcp", "sse": "/batchdata_mcp/sse"}


@dataclass
class Clock:
    """Stands where the test puts it."""

    now: datetime = FOUR

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Well:
    """What is pulled from, what pulls, and what became of it."""

    installation: Installation
    sandbox: Sandbox
    db: Any
    clock: Clock = field(default_factory=Clock)

    def environment(self, transport: str = "http") -> dict[str, Any]:
        """The settings under which a service pulls from this sandbox, without long waits."""
        return {
            "batchdata_token": TOKEN,
            "batchdata_mcp_url": self.sandbox.url + ADDRESSES[transport],
            "batchdata_mcp_transport": transport,
            "pull_pause_seconds": 0.01,
            "pull_longest_pause_seconds": 0.5,
            "pull_call_seconds": 5,
        }

    def settings(self, transport: str = "http", **more: Any) -> PullSettings:
        found = self.installation.settings("pull", **(self.environment(transport) | more))
        assert isinstance(found, PullSettings)
        return found

    @asynccontextmanager
    async def puller(self, transport: str = "http", **more: Any) -> AsyncIterator[Puller]:
        """What pulls, its database open; nothing is relayed and no job ticks."""
        settings = self.settings(transport, **more)
        service = build(settings, self.clock)
        await service.database.start()
        try:
            found = puller_of(service, settings)
            assert found is not None
            yield found
        finally:
            await service.database.stop()

    def service(self, transport: str = "http", **more: Any) -> Service:
        return build(self.settings(transport, **more), self.clock)

    async def search(self, name: str = "pinellas", criteria: Any = PINELLAS, **columns: Any) -> Any:
        """Save a search; its id."""
        values = {"name": name, "criteria": orjson.dumps(criteria).decode(), **columns}
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        insert = f"insert into pipeline.saved_searches ({', '.join(values)}) values ({places}) returning id"
        return await self.db.fetchval(insert, *values.values())

    async def pull(self, puller: Puller, name: str = "pinellas", *, anyway: bool = False) -> Stop | None:
        """Pull one search."""
        search = await puller._ledger.search_named(name)
        assert search is not None
        return await puller.pull(search, anyway=anyway)

    def properties(self, criteria: Any = PINELLAS) -> list[Any]:
        """What the sandbox has for these criteria."""
        return self.sandbox.state.batchdata._catalog.find_properties(PropertyCriteria.model_validate(criteria))

    def fault(self, kind: str, **options: Any) -> None:
        self.sandbox.state.faults.add_fault(Fault(vendor="batchdata_mcp", kind=kind, **options))

    def no_faults(self) -> None:
        self.sandbox.state.faults.clear_faults()

    @property
    def paid(self) -> int:
        """Records that the sandbox charged for."""
        return int(self.sandbox.state.statistics.summarize_charges("batchdata")["records"])

    async def run(self) -> dict[str, Any]:
        """The latest round."""
        return dict(
            await self.db.fetchrow("select * from pipeline.pull_runs order by started_at desc, id desc limit 1")
        )

    async def sent(self) -> list[dict[str, Any]]:
        """The records in the outbox, in order."""
        rows = await self.db.fetch("select body from svc_pull.outbox order by id")
        return [orjson.loads(row["body"]) for row in rows]

    async def streets_sent(self) -> list[str]:
        return sorted(record["property_address"] for record in await self.sent())

    async def spent(self) -> dict[str, tuple[int, float]]:
        """Records and cents by local day."""
        rows = await self.db.fetch(
            "select local_date::text as day, sum(records)::int as records, sum(cents) as cents from pipeline.pull_days group by 1 order by 1"
        )
        return {row["day"]: (row["records"], float(row["cents"])) for row in rows}


def streets(properties: list[Any]) -> list[str]:
    return sorted(entry["address"]["street"] for entry in properties)


async def connected(installation: Installation) -> Any:
    return await asyncpg.connect(installation.database.superuser_dsn)
