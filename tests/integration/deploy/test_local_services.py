"""Native Kafka and PostgreSQL, as `./dev up` and the fault tests use them."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from local_services import KafkaServer, PostgresServer, start_kafka, start_postgres
from local_services.processes import PORTS, LocalServiceError, Process, free_port


@pytest.fixture
def directory() -> Iterator[Path]:
    """Yield a directory that the user of PostgreSQL can enter, unlike the directories of pytest."""
    directory = Path(tempfile.mkdtemp(prefix="equity-local-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


async def test_a_killed_postgresql_restarts_with_its_committed_data(directory: Path) -> None:
    server = start_postgres(directory)
    try:
        port, first = server.port, server.pid
        connection = await asyncpg.connect(server.dsn)
        await connection.execute("create table kept (n int); insert into kept values (1)")
        server.kill()
        with pytest.raises((OSError, asyncpg.PostgresError, asyncpg.InterfaceError)):
            await connection.fetchval("select 1")
        server.start()
        assert (server.port, server.pid == first) == (port, False)
        connection = await asyncpg.connect(server.dsn)
        assert await connection.fetchval("select n from kept") == 1
        await connection.close()
    finally:
        server.kill()


async def test_a_killed_kafka_restarts_with_its_topics(directory: Path) -> None:
    server = start_kafka(directory)
    try:
        port = server.port
        await create_topic(server, "kept")
        server.kill()
        with pytest.raises(LocalServiceError, match="does not run"):
            _ = server.pid
        server.start()
        assert server.port == port
        assert await create_topic(server, "new") >= {"kept", "new"}
    finally:
        server.kill()


async def create_topic(server: KafkaServer, name: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=server.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1)])
        return set(await admin.list_topics())
    finally:
        await admin.close()


def test_a_running_server_is_found_again_and_a_stopped_one_is_not(directory: Path) -> None:
    server = start_postgres(directory)
    found = PostgresServer.find(directory)
    assert found
    assert (found.pid, found.dsn) == (server.pid, server.dsn)
    found.stop()
    assert PostgresServer.find(directory) is None


def test_a_database_is_created_once(directory: Path) -> None:
    server = start_postgres(directory)
    try:
        assert server.create_database("equity") == server.create_database("equity")
    finally:
        server.kill()


def test_a_server_that_cannot_start_reports_the_reason(directory: Path) -> None:
    start_postgres(directory).kill()
    (directory / "data" / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(LocalServiceError, match=r"PostgreSQL did not start(?s:.*)pg_control"):
        start_postgres(directory)


def test_a_later_process_with_the_same_id_is_another_process(tmp_path: Path) -> None:
    me = Process.of(os.getpid())
    assert me.alive
    impostor = Process(me.pid, me.started - 1)
    impostor.save(tmp_path / "process.json")
    assert Process.load(tmp_path / "process.json") is None


def test_ports_are_below_the_ephemeral_range() -> None:
    ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert free_port() in PORTS
    assert max(PORTS) < ephemeral
