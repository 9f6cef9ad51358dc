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
SMALL_ROWS = 10
HEADER = "Address,City,State,Zip,County,APN,Owner 1 Last Name\n"


async def main(rows: int) -> None:
    """Time a small upload alone, then behind one of *rows* rows, then the large one to its end."""
    async with (
        system("gateway", "ingest", "recorder", GATEWAY_UPLOADS_PER_MINUTE="100000") as running,
        uploader(running) as partner,
    ):
        directory = running.installation.directory
        await _until_done(partner, directory / "warm.csv", SMALL_ROWS, start=2_000_000)
        alone = await _until_done(partner, directory / "alone.csv", SMALL_ROWS, start=1_000_000)
        large = asyncio.create_task(_until_done(partner, directory / "large.csv", rows, start=0))
        while await partner.database.fetchval("select count(*) from app.leads") < min(rows // 10, 2_000):
            await asyncio.sleep(0.01)
        behind = await _until_done(partner, directory / "small.csv", SMALL_ROWS, start=1_500_000)
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
    await partner.send(file)
    query = "select count(*) from app.leads where apn_key between $1 and $2"
    first, last = (f"FL|PINELLAS|{number:08d}" for number in (start + 1, start + rows))
    while await partner.database.fetchval(query, first, last) < rows:
        await asyncio.sleep(0.05)
    return time.perf_counter() - started


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
