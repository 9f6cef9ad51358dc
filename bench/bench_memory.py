"""Benchmark of memory: gateway, ingest and recorder must not grow with the size of an upload.

./dev bench memory [ROWS]
"""

import asyncio
import sys

from harness import console, report, system, timed
from records import write_csv
from uploads import uploader

ROWS = 1_000_000
LIMIT_MB = 300


async def main(rows: int) -> None:
    """Upload *rows* rows as one file and read the peak memory of each process."""
    async with system("gateway", "ingest", "recorder") as running, uploader(running) as partner:
        before = {name: running.peak_memory_mb(name) for name in running.services}
        console.print(f"writing {rows:,} rows …", style="dim")
        file = write_csv(running.installation.directory / "large.csv", rows)
        with timed() as whole:
            result = await partner.finish(file)
        peaks = {name: running.peak_memory_mb(name) for name in running.services}
    report(
        f"memory over {rows:,} rows ({file.stat().st_size if file.exists() else 0:,} bytes)",
        [{"process": name, "at start MB": before[name], "peak MB": peak} for name, peak in peaks.items()],
        peak_mb={name: round(peak, 1) for name, peak in peaks.items()},
        limit_mb=LIMIT_MB,
        within=all(peak < LIMIT_MB for peak in peaks.values()),
        rows_total=result["rows_total"],
        leads_per_second=round(result["rows_total"] / whole.seconds),
    )


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
