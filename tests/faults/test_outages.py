"""Outages of Kafka and PostgreSQL: `/readyz` reports them at once, `/livez` stays 200, and work resumes by itself."""

import asyncio
from typing import Any

import aiohttp
import pytest

from support.killable_system import KillableSystem
from support.partner import Partner, csv_of

pytestmark = pytest.mark.timeout(300)
LIVEZ_LIMIT_SECONDS = 25
"""Longer than the round of a relay, which waits 15 seconds for Kafka."""


async def fetch_problems(session: aiohttp.ClientSession, address: str) -> tuple[int, str]:
    """Return the status and the problems of all services."""
    async with session.get(address, timeout=aiohttp.ClientTimeout(10)) as answer:
        problems_by_service = (await answer.json())["services"]
        return answer.status, " ".join(problem for problems in problems_by_service.values() for problem in problems)


async def wait_for_readiness(
    system: KillableSystem, session: aiohttp.ClientSession, name: str, status: int, words: str = ""
) -> None:
    last: Any = None
    try:
        async with asyncio.timeout(60):
            while last is None or last[0] != status or words not in last[1]:
                last = await fetch_problems(session, f"{system.services[name].health}/readyz")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{name}: {last} instead of {status} {words}") from None


async def assert_alive(system: KillableSystem, session: aiohttp.ClientSession, seconds: float) -> None:
    """Assert that `/livez` of every service answers 200 for *seconds*."""
    async with asyncio.timeout(seconds + 20):
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            for service in system.services.values():
                answer = await fetch_problems(session, f"{service.health}/livez")
                assert answer == (200, ""), answer
            await asyncio.sleep(0.1)


async def test_services_survive_an_outage_of_kafka(system: KillableSystem, partner: Partner) -> None:
    session = partner.session
    await asyncio.to_thread(system.kafka.kill)
    await wait_for_readiness(system, session, "ingest", 503, "kafka: no answer")
    await wait_for_readiness(system, session, "recorder", 503, "kafka: no answer")
    await wait_for_readiness(system, session, "gateway", 200)
    status, answer = await partner.upload(csv_of(20))
    assert status == 202, "the gateway accepts uploads during an outage of Kafka"
    await asyncio.to_thread(system.kafka.start)
    await wait_for_readiness(system, session, "ingest", 200)
    await wait_for_readiness(system, session, "recorder", 200)
    assert (await partner.wait_for_state(answer["upload_id"], "done", 90))["inserted"] == 20


async def test_services_survive_an_outage_of_postgresql(system: KillableSystem, partner: Partner) -> None:
    session = partner.session
    await asyncio.to_thread(system.postgres.kill)
    for name in system.services:
        await wait_for_readiness(system, session, name, 503, "database: ")
    status, _ = await partner.upload(csv_of(20))
    assert status == 503
    await asyncio.to_thread(system.postgres.start)
    for name in system.services:
        await wait_for_readiness(system, session, name, 200)
    _, answer = await partner.upload(csv_of(20))
    assert (await partner.wait_for_state(answer["upload_id"], "done", 90))["inserted"] == 20


async def test_livez_stays_200_during_an_outage_with_unfinished_work(system: KillableSystem, partner: Partner) -> None:
    """Kafka stops during an upload: lag exists for longer than the limit, and no consumer can reduce it."""
    session = partner.session
    service = system.services["ingest"]
    service.stop()
    service.environment = {**service.environment, "LIVEZ_LIMIT_SECONDS": str(LIVEZ_LIMIT_SECONDS)}
    _, answer = await partner.upload(csv_of(8_000))
    while (await partner.fetch_report(answer["upload_id"]))["state"] != "accounted":
        await asyncio.sleep(0.05)
    service.start()
    await service.ready()
    async with asyncio.timeout(60):
        while not (await partner.fetch_report(answer["upload_id"]))["inserted"]:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(system.kafka.kill)
    await wait_for_readiness(system, session, "ingest", 503, "kafka: no answer")
    await assert_alive(system, session, LIVEZ_LIMIT_SECONDS + 15)
    await asyncio.to_thread(system.kafka.start)
    assert (await partner.wait_for_state(answer["upload_id"], "done", 120))["inserted"] == 8_000
    await assert_alive(system, session, 1)
