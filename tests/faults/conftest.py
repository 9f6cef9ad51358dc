"""Fixtures of fault tests: separate servers, every service as a process, and a partner that uploads."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from local_services import KafkaServer, PostgresServer
from support import databases, servers
from support import topics as topic_support
from support.installation import Installation, Spawned
from support.killable_system import KillableSystem
from support.partner import Partner
from support.verification import SkipTraceScenario, VerificationPipeline, open_pipeline, spawn_sandbox


@pytest.fixture(scope="module")
def own_servers() -> Iterator[tuple[KafkaServer, PostgresServer]]:
    """Start a Kafka and a PostgreSQL for this module only."""
    with servers.start_own_servers_of_run() as pair:
        yield pair


@pytest.fixture
async def system(own_servers: tuple[KafkaServer, PostgresServer], tmp_path: Path) -> AsyncIterator[KillableSystem]:
    """Spawn gateway, ingest and recorder on the servers of this module."""
    kafka, postgres = own_servers
    prefix = f"f{uuid4().hex[:8]}."
    with databases.create_database() as database:
        await topic_support.create(kafka.bootstrap, prefix)
        installation = Installation(kafka.bootstrap, prefix, database, tmp_path)
        found = KillableSystem(kafka, postgres, installation, {})
        try:
            for name in ("gateway", "ingest", "recorder"):
                found.services[name] = await installation.spawn(name)
            yield found
        finally:
            installation.close()


@pytest.fixture
async def partner(system: KillableSystem) -> AsyncIterator[Partner]:
    """Return a partner that uploads to the gateway."""
    async with aiohttp.ClientSession() as session:
        yield Partner(system.services["gateway"].gateway, session, uuid4())


@pytest.fixture(scope="module")
def scenario() -> SkipTraceScenario:
    return SkipTraceScenario()


@pytest.fixture(scope="module")
def shared_installation(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One installation for all faults of verification. Each test uses its own leads."""
    prefix = f"f{uuid4().hex[:8]}."
    directory: Path = tmp_path_factory.mktemp("faults")
    with databases.create_database() as database:
        asyncio.run(topic_support.create(kafka, prefix))
        installation = Installation(kafka, prefix, database, directory)
        try:
            yield installation
        finally:
            installation.close()
            asyncio.run(topic_support.delete(kafka, prefix))


@pytest.fixture(scope="module")
def sandbox(shared_installation: Installation) -> Spawned:
    return asyncio.run(spawn_sandbox(shared_installation))


@pytest.fixture
async def pipeline(shared_installation: Installation, sandbox: Spawned) -> AsyncIterator[VerificationPipeline]:
    async with open_pipeline(shared_installation, sandbox) as pipeline:
        await pipeline.reset()
        yield pipeline
