"""A service: its settings, database, bus and jobs, started and stopped in one order; and a process that runs several."""

import asyncio
import gc
import signal
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, Protocol

import structlog

from common import telemetry
from common.bus import Bus
from common.bus.kafka import TopicsMissingError
from common.clock import Clock, clock_of
from common.contacts import Keyring
from common.database import Database
from common.health import Checked, HealthServer
from common.jobs import Jobs
from common.settings import Settings

log = structlog.get_logger()


class Part(Protocol):
    """Something of a service that starts and stops with it, such as a web server."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End."""


class Runnable(Checked, Protocol):
    """What a process can run: a service, or the sandbox."""

    @property
    def settings(self) -> Settings:
        """What the environment set for it."""

    async def start(self) -> None:
        """Begin."""

    async def stop(self) -> None:
        """End; it may be called before `start` is through."""


class Service:
    """One deployable service. `app.py` builds it: handlers subscribed, jobs set, parts added."""

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock or clock_of(settings.clock_file)
        self.keyring = Keyring.from_settings(settings)
        self.database = Database(settings, name)
        self.bus = Bus(name, settings, self.database, self.keyring)
        self.jobs = Jobs(name, self.database, self.clock)
        self.jobs.every(5, "end_still_sessions", self.database.end_sessions_that_stand_still)
        self.parts: list[Part] = []
        self.started = False
        self._start_problem: str | None = None

    @property
    def tools(self) -> list[Part]:
        """The parts that a job needs when it is run by hand beside the service: all but those with `serves = True`."""
        return [part for part in self.parts if not getattr(part, "serves", False)]

    async def start(self) -> None:
        """Start everything, parts first among what can be seen from outside. Waits for Kafka as long as it takes."""
        await self.database.start()
        for part in self.parts:
            await part.start()
        await self._start_bus()
        await self.jobs.start()
        self.started = True
        log.info("service_started", service=self.name)

    async def _start_bus(self) -> None:
        pause = 0.5
        while True:
            try:
                return await self.bus.start()
            except (OSError, RuntimeError, TimeoutError) as error:
                self._start_problem = str(error) if isinstance(error, TopicsMissingError) else type(error).__name__
                log.warning("bus_start_failed", service=self.name, problem=self._start_problem, pause_s=pause)
                with suppress(Exception):
                    await self.bus.broker.stop()
            await asyncio.sleep(pause)
            pause = min(pause * 2, 10)

    async def stop(self) -> None:
        """Stop in reverse, each step within its time, so that one that hangs does not keep the others."""
        self.started = False
        steps = [self.jobs.stop, *(part.stop for part in reversed(self.parts)), self.bus.stop, self.database.stop]
        for step in steps:
            try:
                await asyncio.wait_for(step(), 30)
            except Exception as error:  # noqa: BLE001 - everything committed is safe; the rest is stopped all the same
                log.warning("stop_failed", service=self.name, step=step.__qualname__, error=type(error).__name__)
        log.info("service_stopped", service=self.name)

    async def problems(self) -> list[str]:
        """Why this service counts as stuck; empty when it is well or waits on purpose."""
        return await self.bus.problems() if self.started else []

    async def unready(self) -> list[str]:
        """Why this service cannot work now."""
        if not self.started:
            return [f"starting: {self._start_problem}" if self._start_problem else "starting"]
        checks = [self._database_problems()]
        if self.bus.lanes:  # who consumes nothing works without Kafka: the outbox keeps what is to be sent
            checks.append(self._kafka_problems())
        return [*(self.bus.waiting if self.bus.lanes else ()), *self.bus.stalls, *chain(*await asyncio.gather(*checks))]

    async def _database_problems(self) -> list[str]:
        try:
            await self.database.ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, the database cannot be used
            return [f"database: {type(error).__name__}"]
        return []

    async def _kafka_problems(self) -> list[str]:
        return [] if await self.bus.answers(1.5) else ["kafka: no answer"]


async def run(services: Sequence[Runnable], settings: Settings) -> None:
    """Run *services* in this process until SIGTERM or SIGINT; then finish what is in flight."""
    asked_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_tell_lost_error)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, asked_to_stop.set)
    health = HealthServer(settings.health_host, settings.health_port, services)
    await health.start()
    starting = asyncio.ensure_future(_start_all(services))
    waiting = asyncio.create_task(_until(asked_to_stop))
    await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if starting.done():
            await starting
            await waiting
        else:
            starting.cancel()
    finally:
        waiting.cancel()
        await asyncio.gather(*(service.stop() for service in services))
        await health.stop()


def _tell_lost_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error that nobody awaited; asyncio's own handler would print its words, which may be a person's."""
    subject = context.get("task") or context.get("future")
    name = subject.get_name() if isinstance(subject, asyncio.Task) else type(subject).__name__
    log.error("error_not_awaited", source=name, exc_info=context.get("exception"))


async def _start_all(services: Sequence[Runnable]) -> None:
    await asyncio.gather(*(service.start() for service in services))


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def main(services: Sequence[Runnable], settings: Settings) -> None:
    """Set up telemetry and run *services* on uvloop; the body of every service's process."""
    import uvloop  # noqa: PLC0415 - only processes that serve need it

    telemetry.configure(settings, services[0].name if len(services) == 1 else "all")
    _collect_seldom()
    try:
        uvloop.run(run(services, settings))
    finally:
        telemetry.shutdown()


def _collect_seldom() -> None:
    """Leave modules and models out of garbage collection, and collect seldom: a batch makes no cycles.

    With Python's own thresholds every batch was searched through dozens of times, a tenth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
