"""One Kafka and one PostgreSQL for a whole test run, however many processes it has.

Those named by EQUITY_TEST_KAFKA and EQUITY_TEST_POSTGRES, else containers where a Docker engine answers, else native
ones (`deploy/local`). They start when the first test asks.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from local_services import KafkaServer, PostgresServer, start_kafka, start_postgres
from local_services.processes import Process
from support import containers

RUN = "EQUITY_TEST_RUN"
"""The run's directory, in the environment so that its worker processes find it."""
_PREFIX = "equity-tests-"


def begin_run() -> None:
    """Make the run's directory; end what earlier runs left behind when they were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if left.stat().st_uid == os.geteuid() and Process.load(left / "runner.json") is None:
            end_run(left)
    directory = Path(tempfile.mkdtemp(prefix=_PREFIX))
    directory.chmod(0o755)  # PostgreSQL runs as a user of its own
    Process.of(os.getpid()).save(directory / "runner.json")
    os.environ[RUN] = str(directory)


def end_run(directory: Path | None = None) -> None:
    """Stop the servers of the run and delete their data."""
    directory = directory or run_directory()
    for server in (KafkaServer.find(directory / "kafka"), PostgresServer.find(directory / "postgres")):
        if server:
            server.kill()
    containers.remove(directory.name)
    shutil.rmtree(directory, ignore_errors=True)


def run_directory() -> Path:
    """Where the run keeps its servers' data and the services' logs."""
    return Path(os.environ[RUN])


def kafka() -> str:
    """The run's Kafka: its bootstrap address."""
    return os.environ.get("EQUITY_TEST_KAFKA") or once("kafka-address", _start_kafka)


def postgres() -> str:
    """The run's PostgreSQL: its superuser's connection string."""
    return os.environ.get("EQUITY_TEST_POSTGRES") or once("postgres-address", _start_postgres)


def once(name: str, make: Callable[[], str]) -> str:
    """What *make* gave to the first process of the run that asked for *name*."""
    file = run_directory() / name
    with _alone(file):
        if not file.exists():
            file.write_text(make())
    return file.read_text()


def made(name: str) -> str | None:
    """What `once` noted under *name*, if it was asked for."""
    with suppress(FileNotFoundError):
        return (run_directory() / name).read_text()
    return None


@contextmanager
def _alone(file: Path) -> Iterator[None]:
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
def own(directory: Path) -> Iterator[tuple[KafkaServer, PostgresServer]]:
    """A Kafka and a PostgreSQL of one's own in *directory*, durable, to be killed or measured; `databases` uses them inside."""
    directory.chmod(0o755)  # PostgreSQL runs as a user of its own
    kafka_server, postgres_server = start_kafka(directory / "kafka"), start_postgres(directory / "postgres")
    mine = {
        "EQUITY_TEST_KAFKA": kafka_server.bootstrap,
        "EQUITY_TEST_POSTGRES": postgres_server.dsn,
        RUN: str(directory),
    }
    before = {name: os.environ.get(name) for name in mine}
    os.environ |= mine
    try:
        yield kafka_server, postgres_server
    finally:
        os.environ |= {name: value for name, value in before.items() if value is not None}
        for name in (name for name, value in before.items() if value is None):
            del os.environ[name]
        kafka_server.kill()
        postgres_server.kill()


def docker_answers() -> bool:
    """Whether there is a Docker engine; the client alone proves nothing."""
    if shutil.which("docker") is None:
        return False
    try:
        return subprocess.run(["docker", "info"], capture_output=True, timeout=3, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False
