"""Benchmark of fairness: a small upload of one partner behind a large one of another, against an empty system.

./dev bench fairness [ROWS]
"""

import asyncio
import sys
import time
from pathlib import Path

from harness import report, system
from uploads import Uploader, uploader

ROWS = 60_000
"""At most 80,000: house numbers have five digits, and the small files use the numbers above."""
SMALL_ROWS = 10
HEADER = "Address,City,State,Zip,County,APN,Owner 1 Last Name\n"


async def main(rows: int) -> None:
    """Time a small upload alone, then behind an upload of *rows* rows, and the large one to its end."""
    async with (
        system("gateway", "ingest", "recorder", GATEWAY_UPLOADS_PER_MINUTE="100000") as running,
        uploader(running) as partner,
    ):
        directory = running.installation.directory
        await _upload_and_wait(partner, directory / "warm.csv", SMALL_ROWS, start=90_000)
        alone = await _upload_and_wait(partner, directory / "alone.csv", SMALL_ROWS, start=80_000)
        large = asyncio.create_task(_upload_and_wait(partner, directory / "large.csv", rows, start=0))
        while await _count_inserted(partner) < 2 * SMALL_ROWS + min(rows // 10, 2_000):
            await asyncio.sleep(0.01)
        behind = await _upload_and_wait(partner, directory / "small.csv", SMALL_ROWS, start=85_000)
        ended_before = large.done()
        whole = await large
    report(
        "a small upload behind a large one",
        [
            {"what": f"{SMALL_ROWS} rows on an empty system", "seconds": alone},
            {"what": f"{SMALL_ROWS} rows behind {rows}", "seconds": behind},
            {"what": f"{rows} rows", "seconds": whole},
        ],
        ratio_to_an_empty_system=round(behind / alone, 1),
        rows_per_second=round(rows / whole),
        large_one_had_ended=ended_before,
    )


async def _upload_and_wait(partner: Uploader, file: Path, rows: int, start: int) -> float:
    """Upload a file of *rows* rows and return the seconds until each row is a lead."""
    lines = (f"{n} Palmetto Ave,Dunedin,FL,34698,Pinellas,{n:08d},Holt\n" for n in range(start + 1, start + rows + 1))
    file.write_text(HEADER + "".join(lines))
    started = time.perf_counter()
    upload_id = await partner.send(file)
    while await _count_inserted(partner, upload_id) < rows:
        await asyncio.sleep(0.02)
    return time.perf_counter() - started


async def _count_inserted(partner: Uploader, upload_id: str | None = None) -> int:
    """Count the inserted leads of one upload or of all. Queries run one at a time, because they share a connection."""
    async with _CONNECTION_LOCK:
        return int(await partner.database.fetchval(_COUNT_INSERTED, upload_id))


_COUNT_INSERTED = """
select coalesce(sum(inserted), 0) from app.upload_tallies where $1::text is null or upload_id = $1::text::uuid
"""
_CONNECTION_LOCK = asyncio.Lock()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
