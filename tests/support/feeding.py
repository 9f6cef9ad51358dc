"""Brokers, campaigns and verified leads to feed, and a feeder whose jobs a test runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import asyncpg
from pydantic import SecretStr

from common.calendar.clock import move_clock
from common.ids import BrokerId, LeadId, new_id
from common.pii.keyring import Keyring
from feeder.app import build
from feeder.campaign_sync.link_check import Network
from feeder.settings import FeederSettings
from support.databases import Database
from support.installation import SECRETS
from support.instantly import FakeWorkspace

KEYS = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1", bytes.fromhex(SECRETS["CONTACT_HASH_KEY"]))
MONDAY = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)
"""A Monday, 06:00 in Los Angeles."""


@dataclass
class ManualClock:
    """Clock that only a test moves."""

    now: datetime = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        """Move by a `timedelta` with these arguments."""
        self.now += timedelta(**by)


def clock_at(moment: datetime, directory: Path) -> str:
    """Write a clock file that shows *moment* now and runs on; return the value for CLOCK_FILE."""
    move_clock(directory / "clock", moment)
    return str(directory / "clock")


@dataclass
class FeedFixture:
    """Data of a feed, written and read as the database's owner."""

    db: asyncpg.Connection
    database: Database
    clock: ManualClock = field(default_factory=ManualClock)

    async def add_broker(self, limit: int = 250, campaigns: Sequence[str] = ("A",), **columns: Any) -> BrokerId:
        """Add a broker with campaigns; *campaigns* are the vendor's ids."""
        broker = BrokerId(uuid4())
        await self.db.execute(
            "insert into app.brokers (id, name, daily_limit) values ($1, $2, $3)", broker, f"Broker {broker}", limit
        )
        for column, value in columns.items():
            await self.db.execute(f"update app.brokers set {column} = $2 where id = $1", broker, value)
        for vendor_id in campaigns:
            await self.db.execute(
                """insert into app.campaigns (broker_id, name, vendor_campaign_id, version, synced_version)
                values ($1, $2, $2, 1, 1)""",
                broker,
                vendor_id,
            )
        return broker

    async def add_leads(
        self, broker: BrokerId | None, count: int, *, emails: Sequence[str] = (), refresh: bool = True
    ) -> list[LeadId]:
        """Add *count* verified, queued leads, the best first; *emails* are those of the first leads."""
        added = []
        for number in range(count):
            email = emails[number] if number < len(emails) else f"owner{uuid4().hex[:10]}@example.com"
            added.append(await self._add_lead(broker, email, max(0, 100 - number)))
        if refresh:
            await self.refresh_snapshot()
        return added

    async def _add_lead(self, broker: BrokerId | None, email: str, score: int) -> LeadId:
        lead = LeadId(new_id())
        key, wrapped = KEYS.create_data_key(lead)
        await self.db.execute(
            """insert into app.leads (id, property_address, property_city, property_state, owner_first_name, observed,
              source, assigned_broker_id, lead_score, data_key, email_verified, campaign_status)
            values ($1, '1 Palm Ave', 'Dunedin', 'FL', 'Marjorie', '{}', 'test', $2, $3, $4, true, 'queued')""",
            lead, broker, score, wrapped,
        )  # fmt: skip
        await self.db.execute(
            """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified,
              verified_at)
            values ($1, 'email', $2, 'h1', $3, 'test', true, now())""",
            lead, KEYS.hash_contact(email), key.encrypt("email", email),
        )  # fmt: skip
        return lead

    async def refresh_snapshot(self) -> None:
        """Refresh the candidate snapshot, as the job of 05:30 does."""
        await self.db.execute("refresh materialized view app.mv_contactable_leads")

    async def add_conflict(self, lead: UUID, other: UUID, column: str = "mak") -> int:
        """Record that *other* holds the key of *lead*, as verification does; return the conflict's id."""
        return int(
            await self.db.fetchval(
                """insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
                values ('key_held', $1, $2, $3, '1234567890') returning id""",
                lead, other, column,
            )
        )  # fmt: skip

    async def end_backoff(self) -> None:
        """End the backoff of Instantly. It follows the database's clock, which a test cannot move."""
        await self.db.execute("update pipeline.provider_states set backoff_until = null")

    async def suppress_email(self, email: str) -> None:
        """Suppress *email* as the consent service does, with the lock that it takes."""
        value_hash = KEYS.hash_contact(email)
        async with self.db.transaction():
            key = int.from_bytes(value_hash[:8], "big", signed=True)
            await self.db.execute("select pg_advisory_xact_lock($1)", key)
            await self.db.execute(
                """insert into app.suppressions (channel, value_hash, hash_key_id, reason)
                values ('email', $1, 'h1', 'opt_out')""",
                value_hash,
            )

    async def count_slots(self, broker: BrokerId, day: date | None = None) -> dict[str, int]:
        """Count the broker's slots by state, of one day or of all."""
        rows = await self.db.fetch(
            """select state, count(*) as count from app.feed_slots
            where broker_id = $1 and ($2::date is null or local_date = $2) group by 1""",
            broker, day,
        )  # fmt: skip
        return {row["state"]: row["count"] for row in rows}

    async def select_column(self, query: str, *values: object) -> list[Any]:
        """Return the first column of *query*."""
        return [row[0] for row in await self.db.fetch(query, *values)]


def make_feeder_settings(database: Database, workspace: FakeWorkspace, **more: Any) -> FeederSettings:
    """Return the settings of a feeder whose Instantly is *workspace*."""
    values: dict[str, Any] = {name.lower(): value for name, value in SECRETS.items()}
    values |= {
        "database_url": SecretStr(database.dsn("feeder")),
        "instantly_base_url": workspace.url,
        "instantly_api_key": SecretStr("k"),
        "instantly_timeout_seconds": 20,  # no pause of the test machine ends a call
        "instantly_requests_per_second": 100,
        "health_port": 0,
    }
    return FeederSettings(**values | more)


class Feeder:
    """Feeder with a database and Instantly but no Kafka. A test runs its jobs."""

    def __init__(self, settings: FeederSettings, clock: ManualClock, network: Network | None = None) -> None:
        self.service = build(settings, clock, network)

    async def __aenter__(self) -> Self:
        await self.service.database.start()
        for part in self.service.parts:
            await part.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for part in self.service.parts:
            await part.stop()
        await self.service.database.stop()

    async def run_jobs(self, *jobs: str) -> None:
        """Run *jobs* one after another, due or not."""
        for job in jobs:
            await self.service.jobs.run_job(f"feeder.{job}")

    async def count_events(self, topic: str) -> int:
        """Count the events of *topic* in the outbox."""
        async with self.service.database.connection() as connection:
            return int(await connection.fetchval("select count(*) from svc_feeder.outbox where topic = $1", topic))


async def reconcile_for_minutes(feed_data: FeedFixture, feeder: Feeder, rounds: int = 12) -> None:
    """Advance the clock by half a minute and reconcile, *rounds* times."""
    for _ in range(rounds):
        feed_data.clock.advance(seconds=30)
        await feed_data.end_backoff()
        await feeder.run_jobs("reconcile")
