"""Service: settings, database, bus and jobs, started and stopped in one order; and the process that runs services."""

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
from common.calendar.clock import Clock, clock_from_file
from common.database import Database
from common.health import HealthChecked, HealthServer
from common.jobs.scheduler import JobScheduler
from common.pii.keyring import Keyring
from common.settings import Settings

log = structlog.get_logger()

STOP_STEP_SECONDS = 30
KAFKA_READY_SECONDS = 1.5


class ServicePart(Protocol):
    """Component of a service that starts and stops with it, such as a web server."""

    async def start(self) -> None:
        """Start the component."""

    async def stop(self) -> None:
        """Stop the component."""


class Runnable(HealthChecked, Protocol):
    """Program that a process can run: a service, or the sandbox."""

    @property
    def settings(self) -> Settings:
        """Settings from the environment."""

    async def start(self) -> None:
        """Start the program."""

    async def stop(self) -> None:
        """Stop the program. It may be called before `start` has returned."""


class Service:
    """Deployable service. Its `app.py` builds it: subscribes handlers, adds jobs, adds parts."""

    def __init__(self, name: str, settings: Settings, clock: Clock | None = None) -> None:
        self.name = name
        self.settings = settings
        self.clock = clock or clock_from_file(settings.clock_file)
        self.keyring = Keyring.from_settings(settings)
        self.database = Database(settings, name)
        self.bus = Bus(name, settings, self.database, self.keyring)
        self.jobs = JobScheduler(name, self.database, self.clock)
        self.jobs.add_repeated(5, "end_stalled_sessions", self.database.end_stalled_sessions)
        self.parts: list[ServicePart] = []
        self.started = False
        self._start_problem: str | None = None

    @property
    def job_parts(self) -> list[ServicePart]:
        """Parts that a job needs when a command runs it beside the service: all parts but those with `is_service_only = True`."""
        return [part for part in self.parts if not getattr(part, "is_service_only", False)]

    async def start(self) -> None:
        """Start database, parts, bus and jobs. Waits for Kafka as long as it takes; the parts already serve meanwhile."""
        await self.database.start()
        for part in self.parts:
            await part.start()
        await self._start_bus()
        await self.jobs.start()
        self.started = True
        log.info("service_started", service=self.name)

    async def _start_bus(self) -> None:
        backoff_seconds = 0.5
        while True:
            try:
                return await self.bus.start()
            except (OSError, RuntimeError, TimeoutError) as error:
                self._start_problem = str(error) if isinstance(error, TopicsMissingError) else type(error).__name__
                log.warning(
                    "bus_start_failed", service=self.name, problem=self._start_problem, backoff_seconds=backoff_seconds
                )
                with suppress(Exception):
                    await self.bus.broker.stop()
            await asyncio.sleep(backoff_seconds)
            backoff_seconds = min(backoff_seconds * 2, 10)

    async def stop(self) -> None:
        """Stop in reverse order, each step within STOP_STEP_SECONDS, so that one that hangs does not block the others."""
        self.started = False
        steps = [self.jobs.stop, *(part.stop for part in reversed(self.parts)), self.bus.stop, self.database.stop]
        for step in steps:
            try:
                await asyncio.wait_for(step(), STOP_STEP_SECONDS)
            except Exception as error:  # noqa: BLE001 - committed work is safe, and the other steps still run
                log.warning(
                    "service_stop_failed", service=self.name, step=step.__qualname__, error=type(error).__name__
                )
        log.info("service_stopped", service=self.name)

    async def stuck_reasons(self) -> list[str]:
        """Return why this service counts as stuck; empty if it works or is paused on purpose."""
        return await self.bus.stuck_reasons() if self.started else []

    async def unready_reasons(self) -> list[str]:
        """Return why this service cannot work now."""
        if not self.started:
            return [f"starting: {self._start_problem}" if self._start_problem else "starting"]
        checks = [self._database_problems()]
        if self.bus.consumer_instances:  # without consumers it works without Kafka: the outbox keeps its events
            checks.append(self._kafka_problems())
        pauses = self.bus.pause_reasons if self.bus.consumer_instances else ()
        return [*pauses, *self.bus.stall_reasons, *chain(*await asyncio.gather(*checks))]

    async def _database_problems(self) -> list[str]:
        try:
            await self.database.ping()
        except Exception as error:  # noqa: BLE001 - after any error the database cannot be used
            return [f"database: {type(error).__name__}"]
        return []

    async def _kafka_problems(self) -> list[str]:
        return [] if await self.bus.is_kafka_reachable(KAFKA_READY_SECONDS) else ["kafka: no answer"]


async def run(services: Sequence[Runnable], settings: Settings) -> None:
    """Run *services* in this process until SIGTERM or SIGINT. Then finish the work in flight."""
    stop_requested = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_unawaited_error)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop_requested.set)
    health = HealthServer(settings.health_host, settings.health_port, services)
    await health.start()
    starting = asyncio.ensure_future(_start_all(services))
    waiting = asyncio.create_task(_wait_for(stop_requested))
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


def _log_unawaited_error(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error of a task that was not awaited. asyncio's own handler would print its text, which may hold personal data."""
    subject = context.get("task") or context.get("future")
    name = subject.get_name() if isinstance(subject, asyncio.Task) else type(subject).__name__
    log.error("error_not_awaited", source=name, exc_info=context.get("exception"))


async def _start_all(services: Sequence[Runnable]) -> None:
    await asyncio.gather(*(service.start() for service in services))


async def _wait_for(event: asyncio.Event) -> None:
    await event.wait()


def main(services: Sequence[Runnable], settings: Settings) -> None:
    """Configure telemetry and run *services* on uvloop. Every service's process calls it."""
    import uvloop  # noqa: PLC0415 - only the processes of services need it

    telemetry.configure_telemetry(settings, services[0].name if len(services) == 1 else "all")
    _collect_garbage_rarely()
    try:
        uvloop.run(run(services, settings))
    finally:
        telemetry.shut_down_telemetry()


def _collect_garbage_rarely() -> None:
    """Exclude modules and models from garbage collection, and collect rarely: a batch makes no reference cycles.

    With Python's own thresholds the collector searched every batch dozens of times, which took a tenth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
