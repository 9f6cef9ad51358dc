"""Common parts of the benchmarks: the real system on separate servers, CPU by process, and the report.

Every figure is also a ratio to PostgreSQL or Kafka alone in the same run, because machines differ.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from local_services import KafkaServer, PostgresServer
from support import databases, servers
from support import topics as topic_support
from support.databases import Database
from support.installation import Installation, Spawned

console = Console(stderr=True)


@dataclass
class System:
    """Kafka, PostgreSQL and services in separate processes, with the CPU time of each."""

    kafka: KafkaServer
    postgres: PostgresServer
    installation: Installation
    services: dict[str, Spawned] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """Database of the installation."""
        return self.installation.database

    async def start(self, *names: str, **environment: str) -> None:
        """Start each of the services *names* as a separate process."""
        for name in names:
            self.services[name] = await self.installation.spawn(name.partition(" ")[0], **environment)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds, user and system, of each process so far."""
        spent = {"kafka": cpu_of_process(self.kafka.pid), "postgres": cpu_of_tree(self.postgres.pid)}
        for name, spawned in self.services.items():
            if spawned.process is not None:
                spent[name] = cpu_of_process(spawned.process.pid)
        return spent

    def cpu_seconds_of_sessions(self) -> dict[str, float]:
        """Return the CPU seconds of PostgreSQL's open sessions by application."""
        with psycopg.connect(self.database.superuser_dsn) as connection:
            rows = connection.execute(
                "select application_name, pid from pg_stat_activity where backend_type = 'client backend'"
            ).fetchall()
        spent: dict[str, float] = {}
        for application, pid in rows:
            with suppress(psutil.NoSuchProcess):  # a session may end between the query and its reading
                spent[application] = spent.get(application, 0.0) + cpu_of_process(pid)
        return spent

    def peak_memory_mb(self, name: str) -> float:
        """Return the peak resident memory of a service in MB."""
        process = self.services[name].process
        assert process is not None
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("/proc/PID/status has no VmHWM, so the peak memory of a process is unknown")


def cpu_of_process(pid: int) -> float:
    """Return the CPU seconds, user and system, of a process."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def cpu_of_tree(pid: int) -> float:
    """Return the CPU seconds of a process and its children, running and ended. PostgreSQL has a process per connection."""
    parent = psutil.Process(pid)
    times = parent.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in parent.children():
        try:
            total += cpu_of_process(child.pid)
        except psutil.NoSuchProcess:
            continue
    return total


@asynccontextmanager
async def system(*services: str, **environment: str) -> AsyncIterator[System]:
    """Run *services* on a new Kafka and PostgreSQL, and remove everything afterwards."""
    with tempfile.TemporaryDirectory(prefix="equity-bench-") as name:
        directory = Path(name)
        console.print("starting Kafka and PostgreSQL …", style="dim")
        with servers.start_own_servers(directory) as (kafka, postgres), databases.create_database() as database:
            await topic_support.create(kafka.bootstrap, "")
            installation = Installation(kafka.bootstrap, "", database, directory, imports_itself=True)
            running = System(kafka, postgres, installation)
            try:
                await running.start(*services, **environment)
                yield running
            finally:
                installation.close()


@dataclass(slots=True)
class Timed:
    """Duration of a block."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Timed]:
    """Measure the duration of the block."""
    result = Timed()
    started = time.perf_counter()
    try:
        yield result
    finally:
        result.seconds = time.perf_counter() - started


async def wait_until(done: Callable[[], Awaitable[bool]], seconds: float, every: float = 0.1) -> None:
    """Wait until *done* returns true. Raises TimeoutError after *seconds*."""
    async with asyncio.timeout(seconds):
        while not await done():
            await asyncio.sleep(every)


@dataclass(frozen=True, slots=True)
class Sending:
    """Requests that were sent: the time of each in milliseconds, and the seconds of all."""

    taken_ms: list[float]
    seconds: float

    def summarise(self, what: str) -> dict[str, Any]:
        """Return a row of the report."""
        return {
            "what": what,
            "a second": round(len(self.taken_ms) / self.seconds),
            "median ms": round(percentile(self.taken_ms, 0.5), 2),
            "p95 ms": round(percentile(self.taken_ms, 0.95), 2),
        }


async def send_at_rate(send: Callable[[], Awaitable[None]], per_second: int, seconds: float) -> Sending:
    """Send at a fixed rate, however long a response takes; a time counts from the planned moment."""
    taken: list[float] = []

    async def send_at(planned: float) -> None:
        await asyncio.sleep(max(0.0, planned - time.perf_counter()))
        await send()
        taken.append((time.perf_counter() - planned) * 1_000)

    started = time.perf_counter()
    await asyncio.gather(*(send_at(started + number / per_second) for number in range(int(per_second * seconds))))
    return Sending(taken, time.perf_counter() - started)


async def send_repeatedly(send: Callable[[], Awaitable[None]], at_once: int, seconds: float) -> Sending:
    """Send as fast as possible, *at_once* requests at the same time."""
    taken: list[float] = []
    started = time.perf_counter()

    async def send_many() -> None:
        while time.perf_counter() - started < seconds:
            sent_at = time.perf_counter()
            await send()
            taken.append((time.perf_counter() - sent_at) * 1_000)

    await asyncio.gather(*(send_many() for _ in range(at_once)))
    return Sending(taken, time.perf_counter() - started)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which *share* of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(name: str, rows: Sequence[Mapping[str, Any]], **summary: Any) -> None:
    """Print a table for people, then one JSON line for programs."""
    table = Table(title=name, title_justify="left")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in columns:
        table.add_column(column, justify="left" if column in {"what", "process", "stage"} else "right")
    for row in rows:
        table.add_row(*(_format_cell(row.get(column)) for column in columns))
    Console().print(table)
    print(json.dumps({"bench": name, **summary, "rows": rows}, default=str))


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
