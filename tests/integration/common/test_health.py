"""`/livez` and `/readyz` tell a stuck process from one that is paused on purpose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from common.bus import Batch, VendorUnavailableError
from common.events import LeadRecord
from common.health import HealthServer
from common.service import Service
from support.installation import Installation

LIVEZ_LIMIT_SECONDS = 0.5
HealthResponse = tuple[int, str]


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


class ServiceWithHealth:
    """Service with health endpoints."""

    def __init__(self, service: Service, health: HealthServer, session: aiohttp.ClientSession) -> None:
        self.service = service
        self._health = health
        self._session = session

    async def get(self, path: str) -> HealthResponse:
        """Return status and problems."""
        async with self._session.get(f"http://127.0.0.1:{self._health.port}{path}") as response:
            return response.status, " ".join((await response.json())["services"]["ingest"])

    async def livez(self) -> HealthResponse:
        return await self.get("/livez")

    @property
    def is_overdue(self) -> bool:
        """Whether no consumer instance made progress within the limit."""
        return all(instance.watchdog.is_overdue for instance in self.service.bus.consumer_instances)


@asynccontextmanager
async def running_service(
    installation: Installation, handler: Callable[[Batch[LeadRecord]], Awaitable[None]]
) -> AsyncIterator[ServiceWithHealth]:
    """Run a service with *handler*, which counts as stuck after half a second without progress."""
    service = Service(
        "ingest", installation.settings("ingest", livez_limit_seconds=LIVEZ_LIMIT_SECONDS, progress_check_seconds=0.1)
    )
    service.bus.on(LeadRecord)(handler)
    health = HealthServer("127.0.0.1", 0, [service])
    await health.start()
    try:
        async with installation.running(service), aiohttp.ClientSession() as session:
            yield ServiceWithHealth(service, health, session)
    finally:
        await health.stop()


async def produce(installation: Installation, count: int = 1) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    for number in range(count):
        await producer.send(f"{installation.prefix}ingest.leads", b"{}", partition=number % 12)
    await producer.stop()


async def until(check: Callable[[], Any], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


async def until_response(get: Callable[[], Awaitable[HealthResponse]], status: int, words: str = "") -> None:
    """Wait until the response has *status* and *words*. Fail with the last response."""
    response: HealthResponse | None = None
    try:
        async with asyncio.timeout(30):
            while response is None or response[0] != status or words not in response[1]:
                response = await get()
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{response} instead of {status} {words}") from None


async def test_a_handler_that_hangs_is_stuck_until_it_returns(installation: Installation) -> None:
    returned = asyncio.Event()

    async def hang(_batch: Batch[LeadRecord]) -> None:
        await returned.wait()

    async with running_service(installation, hang) as process:
        assert await process.livez() == (200, "")
        await produce(installation)
        await until_response(process.livez, 503, "ingest.hang-0 has been in one batch for over 0.5 s")
        returned.set()
        await until_response(process.livez, 200)


async def test_a_paused_consumer_is_not_stuck(installation: Installation) -> None:
    async def pause(_batch: Batch[LeadRecord]) -> None:
        raise VendorUnavailableError("a vendor", timedelta(hours=1))

    async with running_service(installation, pause) as process:
        await produce(installation)
        await until(lambda: process.service.bus.pause_reasons)
        await until(lambda: process.is_overdue)
        assert await process.livez() == (200, "")
        _, reasons = await process.get("/readyz")
        assert reasons == "ingest.pause-0 is paused (vendor_unavailable: VendorUnavailableError)"


async def test_a_handler_that_hangs_after_a_pause_is_stuck(installation: Installation) -> None:
    returned = asyncio.Event()
    calls: list[int] = []

    async def pause_and_hang(batch: Batch[LeadRecord]) -> None:
        calls.append(len(batch))
        if len(calls) == 1:
            raise VendorUnavailableError("a vendor", timedelta(seconds=0.1))
        await returned.wait()

    async with running_service(installation, pause_and_hang) as process:
        await produce(installation)
        await until_response(process.livez, 503, "in one batch")
        returned.set()
        await until_response(process.livez, 200)


async def test_an_idle_consumer_that_got_its_partitions_back_is_not_stuck(installation: Installation) -> None:
    """Messages that another member handled meanwhile are no lag."""
    taken: list[int] = []

    async def take(batch: Batch[LeadRecord]) -> None:
        taken.extend(received.record.partition for received in batch)

    async with running_service(installation, take) as process:
        await produce(installation, 12)
        await until(lambda: len(taken) == 12)
        async with running_service(installation, take) as other:
            (instance,) = other.service.bus.consumer_instances
            await until(lambda: (kafka := instance.kafka()) and kafka.assignment())
            before = sum(instance.offsets.next_offsets.values())
            await produce(installation, 120)
            await until(lambda: len(taken) == 132 and sum(instance.offsets.next_offsets.values()) > before)
        (instance,) = process.service.bus.consumer_instances
        await until(lambda: (kafka := instance.kafka()) and len(kafka.assignment()) == 12)
        await until(lambda: all(instance.kafka().highwater(place) for place in instance.kafka().assignment()))  # type: ignore[union-attr]
        await until(lambda: process.is_overdue)
        assert await process.livez() == (200, "")


async def test_a_consumer_that_takes_no_messages_although_there_are_some_is_stuck(installation: Installation) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Accept the batch."""

    async with running_service(installation, take) as process:
        await produce(installation, 12)
        (instance,) = process.service.bus.consumer_instances
        await until(lambda: len(instance.offsets.next_offsets) == 12)
        [subscriber] = process.service.bus.broker.subscribers
        for task in subscriber.tasks:  # type: ignore[attr-defined]
            task.cancel()
        await produce(installation, 1_200)
        await until_response(process.livez, 503, "ingest.take-0 has lag and makes no progress")


async def test_a_relay_that_ended_makes_livez_fail(installation: Installation) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Accept the batch."""

    async with running_service(installation, take) as process:
        task = process.service.bus.relay._task
        assert task is not None
        task.cancel()
        await until_response(process.livez, 503, "the relay ended")


async def test_a_relay_whose_round_hangs_makes_livez_fail(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Accept the batch."""

    ended = asyncio.Event()

    async def endless() -> int:
        await ended.wait()
        return 0

    async with running_service(installation, take) as process:
        monkeypatch.setattr(process.service.bus.relay, "_round", endless)
        process.service.bus.relay.wake()
        await until_response(process.livez, 503, "the relay has been in one round")
        ended.set()
        await until_response(process.livez, 200)


async def test_a_paused_service_stops_at_once(installation: Installation) -> None:
    async def pause(_batch: Batch[LeadRecord]) -> None:
        raise VendorUnavailableError("a vendor", timedelta(hours=1))

    async with running_service(installation, pause) as process:
        await produce(installation)
        await until(lambda: process.service.bus.pause_reasons)
        (instance,) = process.service.bus.consumer_instances
        await process.service.bus.stop()
        assert not instance._is_asleep
