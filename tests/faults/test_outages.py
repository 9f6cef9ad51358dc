"""Kafka gone, PostgreSQL gone, and back: `/readyz` says so at once, `/livez` bears it, and work goes on by itself."""

import asyncio
from typing import Any

import aiohttp
import pytest

from support.partner import Partner, csv_of
from support.victims import Victims

pytestmark = pytest.mark.timeout(300)
LIMIT = 18
"""Seconds for `/livez`: longer than a relay's round, which gives Kafka 15."""


async def ask(session: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    """Status, and the problems of all services."""
    async with session.get(address, timeout=aiohttp.ClientTimeout(10)) as answer:
        told = (await answer.json())["services"]
        return answer.status, " ".join(problem for problems in told.values() for problem in problems)


async def until_ready(
    victims: Victims, session: aiohttp.ClientSession, name: str, status: int, words: str = ""
) -> None:
    last: Any = None
    try:
        async with asyncio.timeout(60):
            while last is None or last[0] != status or words not in last[1]:
                last = await ask(session, f"{victims.services[name].health}/readyz")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{name}: {last} instead of {status} {words}") from None


async def assert_alive(victims: Victims, session: aiohttp.ClientSession, seconds: float) -> None:
    """No process is called stuck in that time."""
    async with asyncio.timeout(seconds + 20):
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            for service in victims.services.values():
                answer = await ask(session, f"{service.health}/livez")
                assert answer == (200, ""), answer
            await asyncio.sleep(0.1)


async def test_kafka_goes_and_comes_back(victims: Victims, partner: Partner) -> None:
    session = partner.session
    await asyncio.to_thread(victims.kafka.kill)
    await until_ready(victims, session, "ingest", 503, "kafka: no answer")
    await until_ready(victims, session, "recorder", 503, "kafka: no answer")
    await until_ready(victims, session, "gateway", 200)
    status, answer = await partner.upload(csv_of(20))
    assert status == 202, "uploads are taken while Kafka is away"
    await asyncio.to_thread(victims.kafka.start)
    await until_ready(victims, session, "ingest", 200)
    await until_ready(victims, session, "recorder", 200)
    assert (await partner.wait_for_state(answer["upload_id"], "done", 90))["inserted"] == 20


async def test_postgres_goes_and_comes_back(victims: Victims, partner: Partner) -> None:
    session = partner.session
    await asyncio.to_thread(victims.postgres.kill)
    for name in victims.services:
        await until_ready(victims, session, name, 503, "database: ")
    status, _ = await partner.upload(csv_of(20))
    assert status == 503
    await asyncio.to_thread(victims.postgres.start)
    for name in victims.services:
        await until_ready(victims, session, name, 200)
    _, answer = await partner.upload(csv_of(20))
    assert (await partner.wait_for_state(answer["upload_id"], "done", 90))["inserted"] == 20


async def test_an_outage_with_work_waiting_is_no_reason_to_be_restarted(victims: Victims, partner: Partner) -> None:
    """Kafka goes in the middle of an upload: there is lag, and nobody can take it, for longer than the limit."""
    session = partner.session
    service = victims.services["ingest"]
    service.stop()
    service.environment = {**service.environment, "LIVEZ_LIMIT_SECONDS": str(LIMIT)}
    _, answer = await partner.upload(csv_of(8_000))
    while (await partner.fetch_report(answer["upload_id"]))["state"] != "accounted":
        await asyncio.sleep(0.05)
    service.start()
    await service.ready()
    async with asyncio.timeout(60):
        while not (await partner.fetch_report(answer["upload_id"]))["inserted"]:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(victims.kafka.kill)
    await until_ready(victims, session, "ingest", 503, "kafka: no answer")
    await assert_alive(victims, session, LIMIT + 8)
    await asyncio.to_thread(victims.kafka.start)
    assert (await partner.wait_for_state(answer["upload_id"], "done", 120))["inserted"] == 8_000
    await assert_alive(victims, session, 1)
