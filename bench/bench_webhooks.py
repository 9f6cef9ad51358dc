"""Benchmark of webhooks: latency at a fixed rate with and without Kafka, and the highest rate, against PostgreSQL alone.

./dev bench webhooks [PER_SECOND]
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from harness import System, percentile, report, system

PER_SECOND, SECONDS, CONNECTIONS = 500, 10, 50
SECRET = "bench-secret"  # noqa: S105 - of the gateway that this program starts
WRITE_ALONE = """
with claimed as (
  insert into svc_gateway.inbox (day, consumer, event_id, replay_number, body_hash)
  values (current_date, 'gateway.webhooks', $1, 0, 1)
)
insert into svc_gateway.outbox (topic, key, headers, body) values ('webhook.instantly', null, $2, $3)
"""
"""Rows of one webhook, as one statement without HTTP."""


async def main(per_second: int) -> None:
    """Send webhooks at *per_second* with and without Kafka, then as fast as possible, and report."""
    async with system("gateway", INSTANTLY_WEBHOOK_SECRETS=SECRET) as running:
        url = f"{running.services['gateway'].gateway}/v1/webhooks/instantly"
        connector = aiohttp.TCPConnector(limit=CONNECTIONS)
        async with aiohttp.ClientSession(connector=connector, headers={"X-EC-Webhook-Secret": SECRET}) as session:

            async def send() -> None:
                async with session.post(url, json=_make_reply()) as response:
                    response.raise_for_status()

            await _measure_rate("warm-up", running, send, per_second)
            rows = [await _measure_rate(f"{per_second} a second", running, send, per_second)]
            with _kafka_stopped(running):
                rows.append(await _measure_rate(f"{per_second} a second, Kafka away", running, send, per_second))
            rows.append(await _measure_greatest("as fast as possible", running, send))
        rows.append(await _measure_alone(running))
    alone = float(rows[-1]["a second"])
    for row in rows:
        row["of PostgreSQL alone"] = round(float(row["a second"]) / alone, 3)
    report("webhooks", rows, p95_ms={row["what"]: row["p95 ms"] for row in rows}, ratio=rows[2]["of PostgreSQL alone"])


def _make_reply() -> dict[str, Any]:
    """Return a reply of ordinary size."""
    return {
        "timestamp": datetime.now(UTC).isoformat(),
        "event_type": "reply_received",
        "workspace": str(uuid4()),
        "email_id": str(uuid4()),
        "lead_email": "owner@example.com",
        "reply_text": "Yes, please call me after two. " * 40,
    }


@contextmanager
def _kafka_stopped(running: System) -> Iterator[None]:
    os.kill(running.kafka.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(running.kafka.pid, signal.SIGCONT)


async def _measure_rate(what: str, running: System, send: Callable[[], Awaitable[None]], rate: int) -> dict[str, Any]:
    """Send at a fixed rate, however long a response takes; a latency counts from the planned time."""
    taken: list[float] = []

    async def send_at(planned: float) -> None:
        await asyncio.sleep(max(0.0, planned - time.perf_counter()))
        await send()
        taken.append((time.perf_counter() - planned) * 1_000)

    before, started = _gateway_cpu(running), time.perf_counter()
    await asyncio.gather(*(send_at(started + number / rate) for number in range(rate * SECONDS)))
    return _summarise(what, taken, time.perf_counter() - started, _gateway_cpu(running) - before)


async def _measure_greatest(what: str, running: System, send: Callable[[], Awaitable[None]]) -> dict[str, Any]:
    taken: list[float] = []
    started = time.perf_counter()

    async def send_many() -> None:
        while time.perf_counter() - started < SECONDS:
            sent_at = time.perf_counter()
            await send()
            taken.append((time.perf_counter() - sent_at) * 1_000)

    before = _gateway_cpu(running)
    await asyncio.gather(*(send_many() for _ in range(CONNECTIONS)))
    return _summarise(what, taken, time.perf_counter() - started, _gateway_cpu(running) - before)


async def _measure_alone(running: System) -> dict[str, Any]:
    pool = await asyncpg.create_pool(running.database.superuser_dsn, min_size=10, max_size=10)
    body = b"x" * 1_600

    async def write() -> None:
        await pool.execute(WRITE_ALONE, uuid4(), body[:300], body)

    result = await _measure_greatest("PostgreSQL alone", running, write)
    await pool.close()
    return result | {"gateway CPU us each": 0}


def _gateway_cpu(running: System) -> float:
    return running.cpu_seconds()["gateway"]


def _summarise(what: str, taken: list[float], seconds: float, cpu: float) -> dict[str, Any]:
    return {
        "what": what,
        "a second": round(len(taken) / seconds),
        "median ms": round(percentile(taken, 0.5), 2),
        "p95 ms": round(percentile(taken, 0.95), 2),
        "gateway CPU us each": round(cpu / len(taken) * 1e6),
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PER_SECOND))
