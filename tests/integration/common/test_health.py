"""`/livez` and `/readyz`: stuck is told from waiting on purpose."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from common.bus import Batch, TheirsDownError
from common.events import LeadRecord
from common.health import HealthServer
from common.service import Service
from support.installation import Installation

LIMIT = 0.5
Answer = tuple[int, str]


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


class Watched:
    """A service whose health can be asked over HTTP."""

    def __init__(self, service: Service, health: HealthServer, session: aiohttp.ClientSession) -> None:
        self.service = service
        self._health = health
        self._session = session

    async def ask(self, path: str) -> Answer:
        """Status and problems."""
        async with self._session.get(f"http://127.0.0.1:{self._health.port}{path}") as answer:
            return answer.status, " ".join((await answer.json())["services"]["ingest"])

    async def livez(self) -> Answer:
        return await self.ask("/livez")

    @property
    def overdue(self) -> bool:
        """Whether every lane has gone without a move for longer than the limit."""
        return all(lane.watch.overdue for lane in self.service.bus.lanes)


@asynccontextmanager
async def watched(
    installation: Installation, handler: Callable[[Batch[LeadRecord]], Awaitable[None]]
) -> AsyncIterator[Watched]:
    """A service with *handler*, which may go without a move for half a second."""
    service = Service("ingest", installation.settings("ingest", livez_limit_seconds=LIMIT, progress_check_seconds=0.1))
    service.bus.on(LeadRecord)(handler)
    health = HealthServer("127.0.0.1", 0, [service])
    await health.start()
    try:
        async with installation.running(service), aiohttp.ClientSession() as session:
            yield Watched(service, health, session)
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


async def until_answered(ask: Callable[[], Awaitable[Answer]], status: int, words: str = "") -> None:
    """Wait until the answer is *status* with these words; fail with what came last."""
    answer: Answer | None = None
    try:
        async with asyncio.timeout(30):
            while answer is None or answer[0] != status or words not in answer[1]:
                answer = await ask()
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"{answer} instead of {status} {words}") from None


async def test_a_handler_that_never_returns_is_stuck_until_it_does(installation: Installation) -> None:
    returned = asyncio.Event()

    async def hang(_batch: Batch[LeadRecord]) -> None:
        await returned.wait()

    async with watched(installation, hang) as process:
        assert await process.livez() == (200, "")
        await produce(installation)
        await until_answered(process.livez, 503, "ingest.hang-0 has been in one batch for over 0.5 s")
        returned.set()
        await until_answered(process.livez, 200)


async def test_a_handler_that_waits_on_purpose_is_not_stuck(installation: Installation) -> None:
    async def wait(_batch: Batch[LeadRecord]) -> None:
        raise TheirsDownError("a vendor", timedelta(hours=1))

    async with watched(installation, wait) as process:
        await produce(installation)
        await until(lambda: process.service.bus.waiting)
        await until(lambda: process.overdue)
        assert await process.livez() == (200, "")
        assert (await process.ask("/readyz"))[1] == "ingest.wait-0 waits (theirs_down: TheirsDownError)"


async def test_a_handler_that_hangs_after_it_waited_on_purpose_is_stuck(installation: Installation) -> None:
    returned = asyncio.Event()
    calls: list[int] = []

    async def wait_and_hang(batch: Batch[LeadRecord]) -> None:
        calls.append(len(batch))
        if len(calls) == 1:
            raise TheirsDownError("a vendor", timedelta(seconds=0.1))
        await returned.wait()

    async with watched(installation, wait_and_hang) as process:
        await produce(installation)
        await until_answered(process.livez, 503, "in one batch")
        returned.set()
        await until_answered(process.livez, 200)


async def test_an_idle_lane_that_got_its_partitions_back_is_not_stuck(installation: Installation) -> None:
    """What another member took of them meanwhile is no lag."""
    taken: list[int] = []

    async def take(batch: Batch[LeadRecord]) -> None:
        taken.extend(received.record.partition for received in batch)

    async with watched(installation, take) as process:
        await produce(installation, 12)
        await until(lambda: len(taken) == 12)
        async with watched(installation, take) as other:
            (lane,) = other.service.bus.lanes
            await until(lambda: (kafka := lane.kafka()) and kafka.assignment())
            before = sum(lane._next.values())
            await produce(installation, 120)
            await until(lambda: len(taken) == 132 and sum(lane._next.values()) > before)
        (lane,) = process.service.bus.lanes
        await until(lambda: (kafka := lane.kafka()) and len(kafka.assignment()) == 12)
        await until(lambda: all(lane.kafka().highwater(place) for place in lane.kafka().assignment()))  # type: ignore[union-attr]
        await until(lambda: process.overdue)
        assert await process.livez() == (200, "")


async def test_a_loop_that_takes_nothing_although_there_is_something_is_stuck(installation: Installation) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Take it."""

    async with watched(installation, take) as process:
        await produce(installation, 12)
        (lane,) = process.service.bus.lanes
        await until(lambda: len(lane._next) == 12)
        [subscriber] = process.service.bus.broker.subscribers
        for task in subscriber.tasks:  # type: ignore[attr-defined]
            task.cancel()
        await produce(installation, 1_200)
        await until_answered(process.livez, 503, "ingest.take-0 has lag and makes no progress")


async def test_a_relay_that_ended_shows(installation: Installation) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Take it."""

    async with watched(installation, take) as process:
        task = process.service.bus.relay._task
        assert task is not None
        task.cancel()
        await until_answered(process.livez, 503, "the relay ended")


async def test_a_relay_whose_round_never_ends_shows(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def take(_batch: Batch[LeadRecord]) -> None:
        """Take it."""

    ended = asyncio.Event()

    async def endless() -> int:
        await ended.wait()
        return 0

    async with watched(installation, take) as process:
        monkeypatch.setattr(process.service.bus.relay, "_round", endless)
        await until_answered(process.livez, 503, "the relay has been in one round")
        ended.set()
        await until_answered(process.livez, 200)


async def test_a_service_that_waits_on_purpose_stops_at_once(installation: Installation) -> None:
    async def wait(_batch: Batch[LeadRecord]) -> None:
        raise TheirsDownError("a vendor", timedelta(hours=1))

    async with watched(installation, wait) as process:
        await produce(installation)
        await until(lambda: process.service.bus.waiting)
        (lane,) = process.service.bus.lanes
        await process.service.bus.stop()
        assert not lane._asleep
