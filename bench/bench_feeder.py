"""Benchmark of the feeder: candidate query, refresh of the snapshot, and one daily feed, on leads generated in SQL.

./dev bench feeder [LEADS]
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from pydantic import SecretStr

from common.calendar.business_date import business_date
from common.ids import BrokerId
from feeder.app import build
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.queries import list_candidates
from feeder.settings import FeederSettings
from harness import console, cpu_of_process, cpu_of_tree, percentile, report, timed
from support import databases, servers
from support.databases import Database
from support.installation import SECRETS

LEADS = 1_000_000
BROKERS = 100
DAILY_LIMIT = 250
FILL_CHUNK_SIZE = 250_000
REPETITIONS = 100
MONDAY = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)

INSERT_LEADS = """
insert into app.leads (
  id, property_address, property_city, property_state, property_zip, observed, source, assigned_broker_id, lead_score,
  email_verified, phone_verified, campaign_status
)
select
  gen_random_uuid(), n || ' Palmetto Ave', 'Dunedin', 'FL', '34698', '{}', 'bench',
  (array(select id from app.brokers order by name))[1 + n % $3], n % 101, n / $3 % 10 < 8, n % 3 = 0,
  case when n / $3 % 10 = 9 then 'new' else 'queued' end::app.campaign_status
from generate_series($1::bigint, $2::bigint) n
"""
INSERT_EMAILS = """
insert into app.lead_contacts (
  lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified, verified_at
)
select id, 'email', sha256(id::text::bytea), 'h1', '\\x00', 'bench', true, now()
from app.leads
where email_verified
"""


async def main(leads: int) -> None:
    """Measure the query, the refresh and the feed of 100 brokers against a bare query and a bare scan."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with (
        tempfile.TemporaryDirectory(prefix="equity-bench-") as name,
        servers.start_own_servers(Path(name)) as (_, postgres),
        databases.create_database() as database,
    ):
        owner = await asyncpg.connect(database.superuser_dsn)
        brokers = await _fill(owner, leads)
        rows = [await _measure_bare_query(owner), await _measure_scan(owner), await _measure_refresh(owner)]
        rows.append(await _measure_candidate_query(database, brokers))
        before = _cpu(postgres.pid)
        rows.append(await _measure_feed(database))
        spent = _cpu(postgres.pid)
        fed = await owner.fetchval("select count(*) from app.feed_slots")
        await owner.close()
    assert fed == BROKERS * min(DAILY_LIMIT, leads * 8 // 10 // BROKERS), f"{fed} leads were fed"
    for row in rows:
        row["times a bare query"] = row["p95 ms"] / rows[0]["p95 ms"]
    report(
        f"feeder at {leads:,} leads, {BROKERS} brokers of {DAILY_LIMIT}",
        rows,
        leads=leads,
        fed=fed,
        cpu_us_a_lead_fed={name: round((spent[name] - before[name]) / fed * 1e6) for name in spent},
        p95_ms={row["what"]: round(row["p95 ms"], 2) for row in rows},
    )


def _cpu(postgres: int) -> dict[str, float]:
    return {"feeder": cpu_of_process(os.getpid()), "postgres": cpu_of_tree(postgres)}


async def _fill(owner: asyncpg.Connection, leads: int) -> list[BrokerId]:
    await owner.execute(
        "insert into app.brokers (name, daily_limit) select 'Broker ' || n, $2 from generate_series(1, $1::integer) n",
        BROKERS,
        DAILY_LIMIT,
    )
    await owner.execute(
        """insert into app.campaigns (broker_id, name, vendor_campaign_id, synced_version)
        select b.id, 'C' || n, 'vendor' || n, 1 from app.brokers b, generate_series(1, 45) n"""
    )
    for start in range(1, leads + 1, FILL_CHUNK_SIZE):
        end = min(start + FILL_CHUNK_SIZE - 1, leads)
        await owner.execute(INSERT_LEADS, start, end, BROKERS, timeout=3_600)
        console.print(f"{end:,} leads inserted", style="dim")
    await owner.execute(INSERT_EMAILS, timeout=3_600)
    await owner.execute("refresh materialized view app.mv_contactable_leads", timeout=3_600)
    await owner.execute("vacuum analyze", timeout=3_600)
    return [row["id"] for row in await owner.fetch("select id from app.brokers")]


async def _measure_bare_query(owner: asyncpg.Connection) -> dict[str, Any]:
    return await _measure_query("one bare query", owner, "select 1")


async def _measure_scan(owner: asyncpg.Connection) -> dict[str, Any]:
    query = "select count(*) from app.leads where campaign_status in ('queued', 'active') and not litigator"
    return await _measure_query("one bare scan of the leads", owner, query, times=3)


async def _measure_refresh(owner: asyncpg.Connection) -> dict[str, Any]:
    """Measure the refresh after a change of a tenth of the leads, as over a day."""
    await owner.execute("update app.leads set lead_score = (lead_score + 1) % 101 where lead_score < 10", timeout=3_600)
    return await _measure_query("refresh of the snapshot", owner, "select app.refresh_contactable_leads()", times=3)


async def _measure_query(what: str, owner: asyncpg.Connection, query: str, times: int = REPETITIONS) -> dict[str, Any]:
    milliseconds = []
    for _ in range(times):
        with timed() as one:
            await owner.fetch(query, timeout=3_600)
        milliseconds.append(one.seconds * 1_000)
    return {"what": what, "median ms": percentile(milliseconds, 0.5), "p95 ms": percentile(milliseconds, 0.95)}


async def _measure_candidate_query(database: Database, brokers: list[BrokerId]) -> dict[str, Any]:
    connection = await asyncpg.connect(database.dsn("feeder"))
    milliseconds = []
    for number in range(REPETITIONS):
        started = time.perf_counter()
        found = await list_candidates(
            connection,
            broker_id=brokers[number % len(brokers)],
            local_date=business_date(MONDAY),
            exclude=[],
            page_size=DAILY_LIMIT + 30,
        )
        milliseconds.append((time.perf_counter() - started) * 1_000)
        assert found
    await connection.close()
    return {
        "what": "feeder query",
        "median ms": percentile(milliseconds, 0.5),
        "p95 ms": percentile(milliseconds, 0.95),
    }


async def _measure_feed(database: Database) -> dict[str, Any]:
    secrets = {name.lower(): value for name, value in SECRETS.items()}
    settings = FeederSettings(**secrets, database_url=SecretStr(database.dsn("feeder")))  # type: ignore[arg-type]
    service = build(settings, lambda: MONDAY)
    await service.database.start()
    feed, milliseconds = DailyFeed(service.bus, settings, service.clock), []
    async with service.database.connection() as connection:
        brokers = [row["id"] for row in await connection.fetch("select id from app.brokers")]
    for broker in brokers:
        with timed() as one:
            await feed.feed_broker(broker, business_date(MONDAY))
        milliseconds.append(one.seconds * 1_000)
    await service.database.stop()
    what = f"feed of {DAILY_LIMIT}, gate and all"
    return {"what": what, "median ms": percentile(milliseconds, 0.5), "p95 ms": percentile(milliseconds, 0.95)}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS))
