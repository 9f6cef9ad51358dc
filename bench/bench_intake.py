"""Benchmark of intake: a signed upload through gateway, ingest and recorder, against COPY and the upsert alone.

    ./dev bench intake [ROWS …] [ingest=PROCESSES]

Skip tracing does not run. The measured time begins with the first byte sent and ends with the last event recorded.
"""

import asyncio
import sys
from pathlib import Path

import asyncpg

from harness import System, report, system, timed
from records import copy_and_upsert, lead_rows, write_csv
from stages import read_stages, reset_stages, start_sampled
from uploads import uploader

ROWS = (10_000, 100_000)


async def main(sizes: tuple[int, ...], ingest_processes: int) -> None:
    """Measure each size on a separate system."""
    more = [f"ingest {number}" for number in range(2, ingest_processes + 1)]
    for rows in sizes:
        async with system() as running:
            await start_sampled(running, "gateway", "ingest", *more, "recorder")
            await measure_intake(running, rows)


async def measure_intake(running: System, rows: int) -> None:
    """Measure one upload of *rows* rows, and the same rows written directly to PostgreSQL."""
    directory = running.installation.directory
    file = write_csv(directory / "leads.csv", rows)
    alone = await measure_postgres_alone(running, file)
    async with uploader(running) as partner:
        await partner.finish(write_csv(directory / "warm-up.csv", 2_000, seed=99))
        before = running.cpu_seconds()
        sessions_before = running.cpu_seconds_of_sessions()
        reset_stages(running)
        with timed() as whole:
            result = await partner.finish(file)
        spent = {name: seconds - before[name] for name, seconds in running.cpu_seconds().items()}
        stages = await read_stages(running)
        stages["postgres"] = {
            f"sessions of {name}": seconds - sessions_before.get(name, 0.0)
            for name, seconds in running.cpu_seconds_of_sessions().items()
            if name.startswith("equity-")
        }
    rows_total = result["rows_total"]
    rate = rows_total / whole.seconds
    report(
        f"intake of {rows:,} rows",
        cpu_table(spent, stages, rows_total),
        leads_per_second=round(rate),
        postgres_alone_per_second=round(alone),
        ratio_to_postgres_alone=round(rate / alone, 3),
        rows_total=rows_total,
        seconds=round(whole.seconds, 2),
        outcomes={name: result[name] for name in ("inserted", "updated", "duplicate", "rejected")},
    )


def cpu_table(spent: dict[str, float], stages: dict[str, dict[str, float]], leads: int) -> list[dict[str, str | float]]:
    """Return the CPU of each process and of its stages, and the sum, in microseconds a lead."""
    rows: list[dict[str, str | float]] = []
    for process, seconds in spent.items():
        rows.append({"process": process, "stage": "all", "CPU us a lead": seconds / leads * 1e6})
        rows += [
            {"process": process, "stage": stage, "CPU us a lead": stage_seconds / leads * 1e6}
            for stage, stage_seconds in stages.get(process, {}).items()
        ]
    return [*rows, {"process": "all", "stage": "all", "CPU us a lead": sum(spent.values()) / leads * 1e6}]


async def measure_postgres_alone(running: System, file: Path) -> float:
    """Return the rows per second of PostgreSQL by COPY and upsert, without other load."""
    rows = lead_rows(file)
    connection = await asyncpg.connect(running.database.superuser_dsn)
    try:
        with timed() as alone:
            await copy_and_upsert(connection, rows)
        await connection.execute("truncate app.leads cascade")
    finally:
        await connection.close()
    return len(rows) / alone.seconds


if __name__ == "__main__":
    rows = tuple(int(argument) for argument in sys.argv[1:] if argument.isdecimal())
    processes = [int(argument.removeprefix("ingest=")) for argument in sys.argv[1:] if argument.startswith("ingest=")]
    asyncio.run(main(rows or ROWS, *(processes or [1])))
