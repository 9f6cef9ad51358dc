"""A small upload of one partner behind a large one of another: how long it waits, against the same on an empty system.

./dev bench fairness [ROWS]
"""

import asyncio
import sys
import time
from pathlib import Path

from harness import report, system
from uploads import Uploader, uploader

ROWS = 60_000
"""At most 80,000: house numbers have five digits, and the small files have those after."""
SMALL_ROWS = 10
HEADER = "Address,City,State,Zip,County,APN,Owner 1 Last Name\n"


async def main(rows: int) -> None:
    """Time a small upload alone, then behind one of *rows* rows, then the large one to its end."""
    async with (
        system("gateway", "ingest", "recorder", GATEWAY_UPLOADS_PER_MINUTE="100000") as running,
        uploader(running) as partner,
    ):
        directory = running.installation.directory
        await _until_done(partner, directory / "warm.csv", SMALL_ROWS, start=90_000)
        alone = await _until_done(partner, directory / "alone.csv", SMALL_ROWS, start=80_000)
        large = asyncio.create_task(_until_done(partner, directory / "large.csv", rows, start=0))
        while await _inserted(partner) < 2 * SMALL_ROWS + min(rows // 10, 2_000):
            await asyncio.sleep(0.01)
        behind = await _until_done(partner, directory / "small.csv", SMALL_ROWS, start=85_000)
        ended_first = large.done()
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
        large_one_had_ended=ended_first,
    )


async def _until_done(partner: Uploader, file: Path, rows: int, start: int) -> float:
    """Upload a file of *rows* rows; seconds until each of them is a lead."""
    lines = (f"{n} Palmetto Ave,Dunedin,FL,34698,Pinellas,{n:08d},Holt\n" for n in range(start + 1, start + rows + 1))
    file.write_text(HEADER + "".join(lines))
    started = time.perf_counter()
    upload_id = await partner.send(file)
    while await _inserted(partner, upload_id) < rows:
        await asyncio.sleep(0.02)
    return time.perf_counter() - started


async def _inserted(partner: Uploader, upload_id: str | None = None) -> int:
    """Count the leads that this upload, or all of them, made; one question at a time, for they share a connection."""
    async with _ASKING:
        return int(await partner.database.fetchval(_INSERTED, upload_id))


_INSERTED = """
select coalesce(sum(inserted), 0) from app.upload_tallies where $1::text is null or upload_id = $1::text::uuid
"""
_ASKING = asyncio.Lock()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
