"""Benchmark of webhooks: latency at a fixed rate with and without Kafka, and the highest rate, against PostgreSQL alone.

./dev bench webhooks [PER_SECOND]
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from harness import Sending, System, report, send_at_rate, send_repeatedly, system

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

            await send_at_rate(send, per_second, SECONDS)
            rows = [await _measure(f"{per_second} a second", running, send_at_rate(send, per_second, SECONDS))]
            with _kafka_stopped(running):
                away = send_at_rate(send, per_second, SECONDS)
                rows.append(await _measure(f"{per_second} a second, Kafka away", running, away))
            fastest = send_repeatedly(send, CONNECTIONS, SECONDS)
            rows.append(await _measure("as fast as possible", running, fastest))
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


async def _measure(what: str, running: System, sending: Awaitable[Sending]) -> dict[str, Any]:
    before = running.cpu_seconds()["gateway"]
    sent = await sending
    spent = running.cpu_seconds()["gateway"] - before
    return sent.summarise(what) | {"gateway CPU us each": round(spent / len(sent.taken_ms) * 1e6)}


async def _measure_alone(running: System) -> dict[str, Any]:
    pool = await asyncpg.create_pool(running.database.superuser_dsn, min_size=10, max_size=10)
    body = b"x" * 1_600

    async def write() -> None:
        await pool.execute(WRITE_ALONE, uuid4(), body[:300], body)

    sent = await send_repeatedly(write, CONNECTIONS, SECONDS)
    await pool.close()
    return sent.summarise("PostgreSQL alone") | {"gateway CPU us each": 0}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PER_SECOND))
