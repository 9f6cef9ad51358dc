"""Services under test: in this process, or in separate processes that a test can kill."""

import asyncio
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from common.service import Service
from common.settings import Settings
from common.topics import Topic
from local_services.processes import free_port
from support import topics
from support.databases import Database
from support.processes import EQUITY, ForkedProcess, StandardFiles

SECRETS = {
    "ENCRYPTION_KEY": "1" * 64,
    "CONTACT_HASH_KEY": "2" * 64,
    "HMAC_SECRET_KEY": "test-hmac-secret",
    "FORM_LINK_SECRET": "test-form-link-secret",
    "CONSENT_FORM_URL": "http://127.0.0.1/consent",
}
ONE_CONSUMER = {"INGEST_CONSUMER_INSTANCES": "1", "SKIPTRACE_CONSUMER_INSTANCES": "1"}
"""Settings for topics with one partition, where a second consumer would be idle."""


@dataclass
class Installation:
    """Services on one database and one set of topics."""

    kafka: str
    prefix: str
    database: Database
    directory: Path
    """Directory of spools and logs."""
    spawned: "list[Spawned]" = field(default_factory=list)
    recorder_topics: tuple[Topic, ...] = ()
    """Topics to which only the recorder subscribes. They are created when it starts."""
    partitions: int | None = None
    """Partitions of each topic; None means the declared number."""
    imports_itself: bool = False
    """Whether spawned services are new interpreters (`Spawned.imports_itself`)."""

    def environment(self, *services: str, **more: str) -> dict[str, str]:
        """Return the environment variables of *services*; *more* override them."""
        own = {f"{service.upper()}_DATABASE_URL": self.database.dsn(service) for service in services}
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "KAFKA_TOPIC_PREFIX": self.prefix,
            "DATABASE_DIRECT_URL": self.database.superuser_dsn,
            "SPOOL_DIRECTORY": str(self.directory / "spool"),
            "LOG_LEVEL": "WARNING",
            "KAFKA_SESSION_SECONDS": "3",  # time until the partitions of a killed consumer are assigned again
            **({} if self.partitions is None else ONE_CONSUMER),
            **SECRETS,
            **own,
            **more,
        }

    def settings(self, service: str, **more: Any) -> Settings:
        """Return the settings object of *service*; *more* are its fields by name."""
        kind = getattr(importlib.import_module(f"{service}.settings"), f"{service.title()}Settings")
        values = {name.lower(): value for name, value in self.environment().items()}
        return kind(**values | {"database_url": self.database.dsn(service), "health_port": 0} | more)  # type: ignore[no-any-return]

    @asynccontextmanager
    async def running(self, *services: str | Service, **more: Any) -> AsyncIterator[list[Service]]:
        """Run *services*, given by name or built, in this process; *more* are settings for those given by name."""
        async with AsyncExitStack() as stack:
            await self._create_topics(services)
            built = [self._build(service, more) for service in services]
            for service in built:
                stack.push_async_callback(service.stop)
                await service.start()
            yield built

    def _build(self, service: str | Service, more: Mapping[str, Any]) -> Service:
        if isinstance(service, Service):
            return service
        return importlib.import_module(f"{service}.app").build(self.settings(service, **more))  # type: ignore[no-any-return]

    async def spawn(self, *services: str, **more: str) -> "Spawned":
        """Start `equity run *services*` as a process and wait until it is ready; *more* are environment variables."""
        await self._create_topics(services)
        ports = {name: str(free_port()) for name in ("HEALTH_PORT", "GATEWAY_PORT", "CONSENT_PORT")}
        environment = self.environment(*services, **(ports | more))
        log_file = self.directory / f"{'-'.join(services)}-{len(self.spawned)}.log"
        spawned = Spawned(services, environment, log_file, imports_itself=self.imports_itself)
        self.spawned.append(spawned)
        spawned.start()
        await spawned.ready()
        return spawned

    async def _create_topics(self, services: Sequence[str | Service]) -> None:
        if self.recorder_topics and any(str(getattr(service, "name", service)) == "recorder" for service in services):
            await topics.create(self.kafka, self.prefix, self.recorder_topics, self.partitions)
            self.recorder_topics = ()

    def close(self) -> None:
        """Kill the spawned processes that still run."""
        for spawned in self.spawned:
            spawned.kill()


@dataclass
class Spawned:
    """Process with services under test."""

    services: tuple[str, ...]
    environment: Mapping[str, str]
    log_file: Path
    program: str = EQUITY
    process: "ForkedProcess | subprocess.Popen[bytes] | None" = None
    imports_itself: bool = False
    """True: a new interpreter, for measurements. False: a fork of a process that has imported the product."""

    @property
    def gateway(self) -> str:
        """Address of the gateway, if it is one of the services."""
        return f"http://127.0.0.1:{self.environment['GATEWAY_PORT']}"

    @property
    def health(self) -> str:
        """Address of `/livez`, `/readyz` and `/metrics`."""
        return f"http://127.0.0.1:{self.environment['HEALTH_PORT']}"

    @property
    def log(self) -> str:
        """Log output so far."""
        return self.log_file.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process, or start it again after its end, with the same environment."""
        inherited = {name: value for name, value in os.environ.items() if not name.endswith("DATABASE_URL")}
        environment = inherited | dict(self.environment)
        if not self.imports_itself:
            files = StandardFiles(stdout=self.log_file, stderr=self.log_file)
            self.process = ForkedProcess(["run", *self.services], environment, files, self.program)
            return
        command = [sys.executable, "-c", self.program, "run", *self.services]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    async def ready(self, within_s: float = 60) -> None:
        """Wait until `/readyz` answers 200. Raises AssertionError with the end of the log after *within_s* seconds."""
        async with aiohttp.ClientSession() as client:
            for _ in range(int(within_s * 10)):
                if self.process is None or self.process.poll() is not None:
                    break
                try:
                    async with client.get(f"{self.health}/readyz", timeout=aiohttp.ClientTimeout(2)) as answer:
                        if answer.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(f"{' '.join(self.services)} did not become ready:\n{self.log[-4000:]}")

    def kill(self) -> None:
        """Kill the process with -9, if it runs."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Stop the process with SIGTERM and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.process.wait(60)
