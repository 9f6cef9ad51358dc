"""Benchmark of small steps: signature, replay guard, upsert of one lead, and look-up of a lead among ten million.

./dev bench lookups [LEADS]
"""

import asyncio
import hashlib
import hmac
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

import asyncpg

from common import ids
from harness import console, percentile, report
from ingest.leads.lead_row import LeadRow, observation_stamp
from support import databases, servers

LEADS = 10_000_000
FILL_CHUNK_SIZE = 500_000
REPETITIONS = 500
UPSERT = "select * from app.upsert_leads($1::pipeline.leads_staging[])"
INSERT_LEADS = """
insert into app.leads (
  id, mak, property_address, property_city, property_state, property_zip, county, owner_last_name, est_value, est_equity,
  apn_key, addr_hash, stamp, source, lead_score
)
select
  gen_random_uuid(), case when n % 3 = 0 then lpad(n::text, 10, '0') end, n || ' Palmetto Ave', 'Dunedin', 'FL', '34698', 'PINELLAS',
  'Holt', 400000, 300000, '12103|' || n, decode('00000003', 'hex') || substr(sha256(n::text::bytea), 1, 12),
  330000, 'bench', n % 101
from generate_series($1::bigint, $2::bigint) n
"""
FIND_QUERIES: dict[str, tuple[str, Callable[[int], object]]] = {
    "by MAK": ("select id from app.leads where mak = $1", lambda n: f"{n // 3 * 3:010d}"),
    "by parcel": ("select id from app.leads where apn_key = $1", lambda n: f"12103|{n}"),
    "by address": (
        "select id from app.leads where addr_hash = $1",
        lambda n: _address_hash(n),  # noqa: PLW0108 - defined below
    ),
}


async def main(leads: int) -> None:
    """Measure each step against one bare query of the same PostgreSQL."""
    with (
        tempfile.TemporaryDirectory(prefix="equity-bench-") as name,
        servers.start_own_servers(Path(name)),
        databases.create_database() as database,
    ):
        owner = await asyncpg.connect(database.superuser_dsn)
        await _fill(owner, leads)
        ingest = await asyncpg.connect(database.dsn("ingest"))
        seeded_random = random.Random(3)
        rows = [await _measure_step("one bare query", lambda: owner.fetchval("select 1"))]
        bare = rows[0]["p95 ms"]
        for label, (query, key) in FIND_QUERIES.items():
            wanted = iter([key(seeded_random.randint(1, leads)) for _ in range(2 * REPETITIONS)])
            rows.append(await _measure_step(f"look-up {label}", partial(_find_lead, owner, query, wanted)))
        rows.append(
            await _measure_step(
                "upsert of one new lead",
                lambda: ingest.fetch(UPSERT, [_build_row(leads + seeded_random.randint(1, 10**9))]),
            )
        )
        rows.append(
            await _measure_step(
                "upsert of one known lead", lambda: ingest.fetch(UPSERT, [_build_row(seeded_random.randint(1, leads))])
            )
        )
        rows.append(await _measure_replay_guard(owner))
        await owner.close()
        await ingest.close()
    rows.append(_measure_signature())
    for row in rows:
        row["times a bare query"] = float(row["p95 ms"]) / float(bare)
    report(
        f"small steps at {leads:,} leads",
        rows,
        leads=leads,
        p95_ms={row["what"]: round(float(row["p95 ms"]), 3) for row in rows},
    )


async def _find_lead(owner: asyncpg.Connection, query: str, wanted: Iterator[object]) -> None:
    await owner.fetchval(query, next(wanted))


async def _fill(owner: asyncpg.Connection, leads: int) -> None:
    for start in range(1, leads + 1, FILL_CHUNK_SIZE):
        await owner.execute(INSERT_LEADS, start, min(start + FILL_CHUNK_SIZE - 1, leads), timeout=3_600)
        console.print(f"{min(start + FILL_CHUNK_SIZE - 1, leads):,} leads inserted", style="dim")
    await owner.execute("vacuum analyze app.leads", timeout=3_600)


def _address_hash(number: int) -> bytes:
    """Return a hash in the stored form: the version of the normal form, then a digest."""
    return b"\0\0\0\2" + hashlib.sha256(str(number).encode()).digest()[:12]


def _build_row(number: int) -> dict[str, object]:
    facts = {
        "property_address": f"{number} Palmetto Ave", "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
        "county": "PINELLAS", "apn_key": f"12103|{number}", "addr_hash": _address_hash(number),
        "est_value": random.randrange(10**6),
    }  # fmt: skip
    stamp = observation_stamp(datetime.now(UTC).toordinal(), "upstream")
    return LeadRow(ids.LeadId(ids.new_id()), stamp, "upstream", facts, {}, data_key=os.urandom(64)).as_record(1)


async def _measure_replay_guard(owner: asyncpg.Connection) -> dict[str, float | str]:
    partner = await owner.fetchval("insert into app.partners (name) values ('bench') returning id")
    claim = """
        insert into app.ingest_replay_guard (partner_id, content_sha256, upload_id) values ($1, $2, $3)
        on conflict do nothing returning upload_id"""
    return await _measure_step("replay guard", lambda: owner.fetchval(claim, partner, os.urandom(32), uuid4()))


async def _measure_step(what: str, step: Callable[[], Awaitable[object]]) -> dict[str, float | str]:
    for _ in range(REPETITIONS // 10):
        await step()
    milliseconds = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        await step()
        milliseconds.append((time.perf_counter() - started) * 1_000)
    return {"what": what, "median ms": percentile(milliseconds, 0.5), "p95 ms": percentile(milliseconds, 0.95)}


def _measure_signature() -> dict[str, float | str]:
    body, secret = os.urandom(1_000_000), os.urandom(32)
    milliseconds = []
    for _ in range(REPETITIONS // 5):
        started = time.perf_counter()
        hmac.compare_digest(hmac.digest(secret, body, "sha256"), b"x" * 32)
        milliseconds.append((time.perf_counter() - started) * 1_000)
    return {
        "what": "HMAC of a 1 MB file",
        "median ms": percentile(milliseconds, 0.5),
        "p95 ms": percentile(milliseconds, 0.95),
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS))
