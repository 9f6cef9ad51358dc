"""Benchmark of latency: time of a single row from HTTP to `leads`.

./dev bench latency [UPLOADS]
"""

import asyncio
import sys
import time
from pathlib import Path

from harness import percentile, report, system
from uploads import Uploader, uploader

UPLOADS = 200
HEADER = "Address,City,State,Zip,County,APN,Owner 1 Last Name,Phone 1,Email 1\n"


async def main(count: int) -> None:
    """Upload *count* files of one row, one after the other, on an idle system."""
    async with (
        system("gateway", "ingest", "recorder", GATEWAY_UPLOADS_PER_MINUTE="100000") as running,
        uploader(running) as partner,
    ):
        file = running.installation.directory / "one.csv"
        for number in range(90_000, 90_010):
            await _time_upload(partner, file, number)
        taken = [await _time_upload(partner, file, number) for number in range(1, count + 1)]
        query = [await _time_bare_query(partner) for _ in range(count)]
    alone = percentile(query, 0.5)
    report(
        "latency of one lead",
        [
            {"what": "HTTP to leads", **_summarise(taken)},
            {"what": "one query of PostgreSQL, for comparison", **_summarise(query)},
        ],
        median_ms=round(percentile(taken, 0.5), 1),
        ratio_to_one_query=round(percentile(taken, 0.5) / alone, 1),
    )


async def _time_upload(partner: Uploader, file: Path, number: int) -> float:
    """Return the milliseconds from the upload of one row until its lead is readable."""
    parcel = f"17-28-R{number:06d}"
    file.write_text(
        f"{HEADER}{number} Palmetto Ave,Dunedin,FL,34698,Pinellas,{parcel},Holt,7275550142,a{number}@example.com\n"
    )
    started = time.perf_counter()
    await partner.send(file)
    while not await partner.database.fetchval(
        "select exists (select from app.leads where apn_key = $1)", f"12103|{parcel.replace('-', '')}"
    ):
        await asyncio.sleep(0.001)
    return (time.perf_counter() - started) * 1_000


async def _time_bare_query(partner: Uploader) -> float:
    started = time.perf_counter()
    await partner.database.fetchval("select 1")
    return (time.perf_counter() - started) * 1_000


def _summarise(values: list[float]) -> dict[str, float]:
    return {"median ms": percentile(values, 0.5), "p95 ms": percentile(values, 0.95), "max ms": max(values)}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else UPLOADS))
