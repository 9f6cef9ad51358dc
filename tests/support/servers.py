"""One Kafka and one PostgreSQL for a whole test run, whatever its number of processes.

The servers of EQUITY_TEST_KAFKA and EQUITY_TEST_POSTGRES, else containers if a Docker engine answers, else native
servers (`deploy/local`). They start when the first test needs them. Their data is in memory where the machine has
enough of it, because ext4 creates files slowly after many were deleted, and every test creates a database.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from local_services import KafkaServer, PostgresServer, start_kafka, start_postgres
from local_services.processes import Process
from support import containers

RUN = "EQUITY_TEST_RUN"
"""Environment variable with the directory of the run, so that worker processes find it."""
_PREFIX = "equity-tests-"
_OWN = "own-"
"""Prefix of the directories of separate servers in the directory of the run."""
_IN_MEMORY = Path("/dev/shm")  # noqa: S108 -- only the parent; the directory of the run has a random name
_ENOUGH_MEMORY = 6 << 30
"""Bytes that must be free in memory and in its file system. A run with three workers uses less than 3 GB."""


def begin_run() -> None:
    """Create the directory of the run, and remove the servers and directories of killed earlier runs."""
    parents = {Path(tempfile.gettempdir()), _IN_MEMORY}
    for abandoned in (directory for parent in parents for directory in parent.glob(f"{_PREFIX}*")):
        if abandoned.stat().st_uid == os.geteuid() and Process.load(abandoned / "runner.json") is None:
            end_run(abandoned)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_IN_MEMORY if _has_enough_memory() else None))
    directory.chmod(0o755)  # PostgreSQL runs as another user
    Process.of(os.getpid()).save(directory / "runner.json")
    os.environ[RUN] = str(directory)


def _has_enough_memory() -> bool:
    """Return whether the data of the servers fits into a file system in memory. Containers often have a small one."""
    in_memory = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK)
    return in_memory and min(shutil.disk_usage(_IN_MEMORY).free, psutil.virtual_memory().available) > _ENOUGH_MEMORY


def end_run(directory: Path | None = None) -> None:
    """Stop the servers of the run and delete their data."""
    directory = directory or run_directory()
    for parent in (directory, *directory.glob(f"{_OWN}*")):
        brokers = (KafkaServer.find(parent / name) for name in ("kafka", "secured-kafka"))
        for server in (*brokers, PostgresServer.find(parent / "postgres")):
            if server:
                server.kill()
    containers.remove_containers(directory.name)
    shutil.rmtree(directory, ignore_errors=True)


def run_directory() -> Path:
    """Return the directory of the run: data of the servers and logs of the services."""
    return Path(os.environ[RUN])


def kafka() -> str:
    """Return the bootstrap address of the Kafka of the run."""
    return os.environ.get("EQUITY_TEST_KAFKA") or make_once("kafka-address", _start_kafka)


def postgres() -> str:
    """Return the connection string of the superuser of the PostgreSQL of the run."""
    return os.environ.get("EQUITY_TEST_POSTGRES") or make_once("postgres-address", _start_postgres)


def make_once(name: str, make: Callable[[], str]) -> str:
    """Return the result of *make* under *name*. The first process of the run calls it; the others reuse its result."""
    file = run_directory() / name
    with _exclusive_lock(file):
        if not file.exists():
            file.write_text(make())
    return file.read_text()


def find_made(name: str) -> str | None:
    """Return the result that `make_once` stored under *name*, or None."""
    with suppress(FileNotFoundError):
        return (run_directory() / name).read_text()
    return None


@contextmanager
def _exclusive_lock(file: Path) -> Iterator[None]:
    with file.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start_kafka() -> str:
    if docker_answers():
        return containers.start_kafka(run_directory().name)
    return start_kafka(run_directory() / "kafka").bootstrap


def _start_postgres() -> str:
    if docker_answers():
        return containers.start_postgres(run_directory().name)
    return start_postgres(run_directory() / "postgres", fsync=False).dsn


@contextmanager
def start_own_servers(directory: Path) -> Iterator[tuple[KafkaServer, PostgresServer]]:
    """Start a durable Kafka and PostgreSQL in *directory*, for tests that kill or measure them; `databases` uses them inside."""
    directory.chmod(0o755)  # PostgreSQL runs as another user
    kafka_server, postgres_server = start_kafka(directory / "kafka"), start_postgres(directory / "postgres")
    own_settings = {
        "EQUITY_TEST_KAFKA": kafka_server.bootstrap,
        "EQUITY_TEST_POSTGRES": postgres_server.dsn,
        RUN: str(directory),
    }
    before = {name: os.environ.get(name) for name in own_settings}
    os.environ |= own_settings
    try:
        yield kafka_server, postgres_server
    finally:
        os.environ |= {name: value for name, value in before.items() if value is not None}
        for name in (name for name, value in before.items() if value is None):
            del os.environ[name]
        kafka_server.kill()
        postgres_server.kill()


@contextmanager
def start_own_servers_of_run() -> Iterator[tuple[KafkaServer, PostgresServer]]:
    """Start a Kafka and a PostgreSQL with their data in the directory of the run, and remove them afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix=_OWN, dir=run_directory(), ignore_cleanup_errors=True) as name,
        start_own_servers(Path(name)) as pair,
    ):
        yield pair


def docker_answers() -> bool:
    """Return whether a Docker engine answers. An installed client alone proves nothing."""
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=3, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
