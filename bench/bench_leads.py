"""Benchmark of `equity leads find` and `show` among ten million leads, against bare queries of the same PostgreSQL.

./dev bench leads [LEADS]
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from cli import registry
from cli.commands.leads import lead_page, queries, searches
from cli.shell.settings import CliSettings
from common.ids import LeadId
from common.pii.keyring import Keyring
from harness import console, percentile, report
from support import databases, servers
from support.installation import SECRETS

LEADS = 10_000_000
FILL_CHUNK_SIZE = 250_000
REPETITIONS = 200
FOUND = 21
_SHOWN_BROKER_LIMIT = 250

SIZES = """
select c.relname as name, pg_relation_size(c.oid) / 1000000 as megabytes
from pg_class c
where c.oid = 'app.leads'::regclass
or c.relname in ('leads_owner_name_idx', 'leads_owner2_name_idx', 'leads_company_name_idx', 'leads_parcel_number_idx', 'leads_unit_idx')
"""
UNITS, ZIP_CODES, LAST_NAMES = 4, 20_000, 150_000
"""Units of a house; the United States have about 30,000 ZIP codes for homes, and 150,000 last names with 100 bearers each."""

INSERT_LEADS = f"""
insert into app.leads (
  id, mak, property_address, property_unit, property_city, property_state, property_zip, county, fips, owner_first_name,
  owner_last_name, company_name, est_value, est_equity, apn_key, addr_hash, source, lead_score, score_contributions,
  campaign_status, email_verified, assigned_broker_id
)
select
  md5('lead' || n)::uuid, case when n % 3 = 0 then (8000000000 + n)::text end, n / {UNITS} + 1 || ' Palmetto Ave',
  nullif(n % {UNITS}, 0)::text, 'Dunedin', 'FL', (10000 + n / {UNITS} % {ZIP_CODES})::text, 'PINELLAS', '12103',
  (array['Dana', 'Ruth', 'Marjorie', 'Luis', 'Ann', 'Tom', 'Ines', 'Paul'])[1 + n % 8], 'Holt' || n % {LAST_NAMES},
  case when n % 20 = 0 then 'Palmetto Holdings ' || n || ' LLC' end, 400000, 300000, '12103|' || (n + 100000000),
  decode('00000003', 'hex') || substr(sha256(format('%s PALMETTO AVE|%s|%s', n / {UNITS} + 1, nullif(n % {UNITS}, 0),
    10000 + n / {UNITS} % {ZIP_CODES})::bytea), 1, 12),
  'bench', n % 101, '{{"base": 10, "equity": 28}}', (case when n % 2 = 0 then 'queued' else 'new' end)::app.campaign_status,
  n % 2 = 0, $3
from generate_series($1::bigint, $2::bigint) n
"""
INSERT_CONTACTS = """
insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified)
select md5('lead' || n)::uuid, c.channel, extensions.hmac(c.value::bytea, decode($3, 'hex'), 'sha256'), 'h1', '\\x00', 'bench', true
from generate_series($1::bigint, $2::bigint) n
cross join lateral (values
  ('phone', '+1727' || (2000000 + n % 8000000)), ('email', 'owner' || n || '@example.com')
) c (channel, value)
"""
INSERT_EVENTS = """
insert into app.pipeline_events (event_id, event_type, lead_id, occurred_at, created_at, payload)
select gen_random_uuid(), e, md5('lead' || n)::uuid, now(), now(), '{}'
from generate_series($1::bigint, $2::bigint) n
cross join unnest(array['dedupe_success', 'lead_verified', 'campaign_queued']) e
"""


async def main(leads: int) -> None:
    """Fill a database, measure each search and the page of a lead, and report."""
    os.environ.update(SECRETS)
    registry.load_lead_function(
        "find_feed_outlook"
    )  # imported before the long filling, so that a fault of it shows at once
    with (
        tempfile.TemporaryDirectory(prefix="equity-bench-") as name,
        servers.start_own_servers(Path(name)),
        databases.create_database() as database,
    ):
        owner = await asyncpg.connect(database.superuser_dsn)
        await _fill(owner, leads)
        operator = await asyncpg.connect(database.dsn("operator"), statement_cache_size=0)
        await operator.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode_json, decoder=orjson.loads)
        rows = await _measure_all(owner, operator, leads)
        sizes = await owner.fetch(SIZES)
        await operator.close()
        await owner.close()
    bare = float(rows[0]["p95 ms"])
    for row in rows:
        row["times a bare query"] = float(row["p95 ms"]) / bare
    report(
        f"find and show at {leads:,} leads",
        rows,
        leads=leads,
        megabytes={row["name"]: row["megabytes"] for row in sizes},
        p95_ms={row["what"]: round(float(row["p95 ms"]), 3) for row in rows},
    )


async def _measure_all(owner: asyncpg.Connection, operator: asyncpg.Connection, leads: int) -> list[dict[str, Any]]:
    seeded_random, keyring = random.Random(3), Keyring.from_settings(CliSettings())

    def any_lead() -> int:
        return seeded_random.randint(1, leads)

    found_by: dict[str, Callable[[], Awaitable[list[LeadId]]]] = {
        "find --phone": lambda: _find(operator, "phone", f"+1727{2_000_000 + any_lead() % 8_000_000}"),
        "find --email": lambda: _find(operator, "email", f"owner{any_lead()}@example.com"),
        "find --address": lambda: _find(operator, "address", _write_address(any_lead())),
        "find --name, last and first": lambda: _find_name(operator, f"{_last_name(any_lead())}, Dana"),
        "find --name, first letters": lambda: _find_name(operator, f"holt{any_lead() % 10}"),
        "find --name, one letter": lambda: _find_name(operator, "h"),
        "find --apn": lambda: _find(operator, "apn", _hyphenate(str(any_lead() + 100_000_000))),
        "find --mak": lambda: _find(operator, "mak", str(8_000_000_000 + any_lead() // 3 * 3)),
    }
    rows = [
        await _measure_step("one bare query", lambda: owner.fetchval("select 1")),
        await _measure_step(
            "bare look-up of a lead by id",
            lambda: owner.fetchrow("select * from app.leads where id = md5('lead' || $1::text)::uuid", str(any_lead())),
        ),
        await _measure_step(
            "bare look-up of a phone",
            lambda: owner.fetch(
                "select lead_id from app.lead_contacts where value_hash = $1",
                keyring.hash_contact(f"+1727{2_000_000 + any_lead() % 8_000_000}"),
            ),
        ),
    ]
    for label, find in found_by.items():

        async def find_and_summarize(find: Callable[[], Awaitable[list[LeadId]]] = find) -> None:
            await queries.summarize_leads(operator, lead_ids=await find())

        rows.append(await _measure_step(label, find_and_summarize))

    async def show() -> None:
        lead_id = await owner.fetchval("select md5('lead' || $1::text)::uuid", str(any_lead()))
        await lead_page.read_lead_page(operator, LeadId(lead_id))

    rows.append(await _measure_step("show", show))
    return rows


async def _fill(owner: asyncpg.Connection, leads: int) -> None:
    broker = await owner.fetchval(
        "insert into app.brokers (name, daily_limit) values ('bench', $1) returning id", _SHOWN_BROKER_LIMIT
    )
    await owner.execute(
        "insert into app.campaigns (broker_id, name, vendor_campaign_id, synced_version) values ($1, 'A', 'A', 1)",
        broker,
    )
    for start in range(1, leads + 1, FILL_CHUNK_SIZE):
        end = min(start + FILL_CHUNK_SIZE - 1, leads)
        await owner.execute(INSERT_LEADS, start, end, broker, timeout=3_600)
        await owner.execute(INSERT_CONTACTS, start, end, SECRETS["CONTACT_HASH_KEY"], timeout=3_600)
        await owner.execute(INSERT_EVENTS, start, end, timeout=3_600)
        console.print(f"{end:,} leads inserted", style="dim")
    for table in ("app.leads", "app.lead_contacts", "app.pipeline_events"):
        await owner.execute(f"vacuum analyze {table}", timeout=3_600)
    await owner.execute("refresh materialized view app.mv_contactable_leads", timeout=3_600)


async def _measure_step(what: str, step: Callable[[], Awaitable[object]]) -> dict[str, Any]:
    for _ in range(REPETITIONS // 10):
        await step()
    milliseconds = []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        await step()
        milliseconds.append((time.perf_counter() - started) * 1_000)
    return {"what": what, "median ms": percentile(milliseconds, 0.5), "p95 ms": percentile(milliseconds, 0.95)}


async def _find(operator: asyncpg.Connection, option: str, text: str) -> list[LeadId]:
    return await searches.find_lead_ids(operator, [searches.SEARCHES[option](text)], None, FOUND)


async def _find_name(operator: asyncpg.Connection, text: str) -> list[LeadId]:
    return await searches.find_lead_ids(operator, [], searches.name_prefixes(text), FOUND)


def _write_address(number: int) -> str:
    """Return the address of a lead without its unit, so that the units of the house are searched, too."""
    return f"{number // UNITS + 1} Palmetto Ave, Dunedin, FL {10_000 + number // UNITS % ZIP_CODES}"


def _last_name(number: int) -> str:
    return f"Holt{number % LAST_NAMES}"


def _hyphenate(number: str) -> str:
    """Return a parcel number with the marks of a county: without any it counts as a filler."""
    return f"{number[:3]}-{number[3:6]}-{number[6:]}"


def _encode_json(value: object) -> str:
    return orjson.dumps(value).decode()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS))
