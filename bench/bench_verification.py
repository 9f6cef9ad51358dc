"""Benchmark of verification: leads per second through skiptrace, with vendors that respond after 300 ms.

    ./dev bench verification [LEADS]

The sandbox replaces Melissa and BatchData, without their rate limits. Ingest runs beside skiptrace, because it scores
verified leads again. The number of records in flight bounds the rate, because a crash may cost that many paid records.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import aiohttp
import asyncpg

from common import ids
from harness import System, report, system, timed, wait_until
from local_services.processes import free_port
from records import write_csv
from sandbox.settings import SandboxSettings
from uploads import uploader

LEADS = 10_000
LATENCY_SECONDS = 0.3
IN_FLIGHT = (100, 400)
LEADS_PER_BATCH = 100
MINIMAL_STATEMENTS = (
    "insert into app.skip_trace_requests (id, provider, records) values ($1, 'bench', cardinality($2::uuid[]))",
    "insert into app.skip_trace_attempts (request_id, lead_id, provider) select $1, id, 'bench' from unnest($2::uuid[]) id",
    "update app.skip_trace_requests set outcome = 'answered', answered_at = now() where id = $1 and $2::uuid[] is not null",
    "update app.skip_trace_attempts set merged_at = now(), outcome = 'matched' where request_id = $1 and lead_id = any ($2)",
    "update app.lead_contacts set verified = true, verified_at = now() where $1::uuid is not null and lead_id = any ($2)",
    "update app.leads set phone_verified = true, email_verified = true where $1::uuid is not null and id = any ($2)",
)
"""Minimal writes for a batch of leads: request, response, contacts, leads."""


async def main(leads: int) -> None:
    """Measure each limit of records in flight on a separate system."""
    for in_flight in IN_FLIGHT:
        async with system("gateway", "ingest", "recorder") as running, uploader(running) as partner:
            await partner.finish(write_csv(running.installation.directory / "leads.csv", leads))
            await measure_verification(running, partner.database, in_flight)


async def measure_verification(running: System, database: asyncpg.Connection, in_flight: int) -> None:
    """Measure the verification of all leads."""
    leads = await database.fetchval("select count(*) from app.leads")
    environment = await _start_sandbox(running)
    before = running.cpu_seconds()
    with timed() as whole:
        await running.start("skiptrace", SKIPTRACE_IN_FLIGHT=str(in_flight), **environment)
        with timed() as traced:
            await wait_until(lambda: _all_verified(database, leads), 1_800)
    spent = {name: seconds - before.get(name, 0.0) for name, seconds in running.cpu_seconds().items()}
    spent["all"] = sum(spent.values())
    outcomes = await database.fetch(
        "select event_type, count(*) from app.pipeline_events where event_type like 'lead_%v%erif%' group by 1"
    )
    alone = await _measure_postgres_alone(database)
    rate, bound = leads / traced.seconds, in_flight / LATENCY_SECONDS
    report(
        f"verification of {leads:,} leads, {in_flight} records in flight, answers after {LATENCY_SECONDS * 1_000:.0f} ms",
        [{"process": name, "CPU us a lead": seconds / leads * 1e6} for name, seconds in spent.items()],
        leads_per_second=round(rate),
        ratio_to_what_the_vendor_allows=round(rate / bound, 3),
        postgres_alone_per_second=round(alone),
        ratio_to_postgres_alone=round(rate / alone, 3),
        seconds=round(traced.seconds, 2),
        seconds_with_start=round(whole.seconds, 2),
        outcomes={row["event_type"]: row["count"] for row in outcomes},
    )


async def _start_sandbox(running: System) -> Mapping[str, str]:
    """Start the sandbox with slow vendors and return the settings that lead skiptrace to it."""
    port, defaults = free_port(), SandboxSettings()
    await running.start(
        "sandbox",
        SANDBOX_PORT=str(port),
        SANDBOX_MELISSA_RECORDS_PER_SECOND="1000000",
        SANDBOX_BATCHDATA_REQUESTS_PER_MINUTE="1000000",
    )
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as client:
        for vendor in ("melissa", "batchdata"):
            fault: dict[str, Any] = {"vendor": vendor, "kind": "slow", "seconds": LATENCY_SECONDS}
            async with client.post(f"{url}/_sandbox/faults", data=json.dumps(fault)) as answer:
                assert answer.status == 201, await answer.text()
    return {
        "MELISSA_URL": f"{url}/melissa",
        "MELISSA_LICENSE_KEY": defaults.sandbox_melissa_license.get_secret_value(),
        "MELISSA_RECORDS_PER_SECOND": "1000000",
        "BATCHDATA_URL": f"{url}/batchdata",
        "BATCHDATA_TOKEN": defaults.sandbox_batchdata_token.get_secret_value(),
        "BATCHDATA_REQUESTS_PER_MINUTE": "1000000",
    }


async def _all_verified(database: asyncpg.Connection, leads: int) -> bool:
    verified = await database.fetchval(
        "select count(distinct lead_id) from app.pipeline_events where event_type in ('lead_verified', 'lead_unverifiable')"
    )
    return bool(verified >= leads)


async def _measure_postgres_alone(database: asyncpg.Connection) -> float:
    """Return the leads per second whose minimal writes PostgreSQL makes, batch by batch, without other load."""
    lead_ids: list[UUID] = [row["id"] for row in await database.fetch("select id from app.leads order by id")]
    with timed() as alone:
        for start in range(0, len(lead_ids), LEADS_PER_BATCH):
            request, batch = ids.new_id(), lead_ids[start : start + LEADS_PER_BATCH]
            for statements in (MINIMAL_STATEMENTS[:2], MINIMAL_STATEMENTS[2:]):
                async with database.transaction():
                    for statement in statements:
                        await database.execute(statement, request, batch)
    return len(lead_ids) / alone.seconds


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS))
