"""Docker containers of the test servers, by testcontainers."""

import os
import subprocess

from local_services.processes import free_port

KAFKA_IMAGE = "apache/kafka:4.3.0"
POSTGRES_IMAGE = "postgres:15-bookworm"
LABEL = "equity-test-run"

os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
"""The reaper of testcontainers removes containers when their starter ends. Ours belong to the whole run."""


def start_kafka(run: str) -> str:
    """Start Kafka for *run* and return its bootstrap address."""
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.waiting_utils import wait_for_logs

    port = free_port()
    container = (
        DockerContainer(KAFKA_IMAGE)
        .with_kwargs(labels={LABEL: run})
        .with_bind_ports(9092, port)
        .with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
            KAFKA_LISTENERS="PLAINTEXT://0.0.0.0:9092,CONTROLLER://localhost:9093",
            KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://127.0.0.1:{port}",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS="8",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS="1000",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        )
    )
    container.start()
    wait_for_logs(container, "Kafka Server started", timeout=60)
    return f"127.0.0.1:{port}"


def start_postgres(run: str) -> str:
    """Start PostgreSQL for *run* and return the connection string of the superuser."""
    from testcontainers.postgres import PostgresContainer

    options = "-c fsync=off -c max_connections=200 -c shared_buffers=256MB"
    container = PostgresContainer(POSTGRES_IMAGE, username="postgres", dbname="postgres", driver=None)
    container.with_kwargs(labels={LABEL: run}).with_command(f"postgres {options}")
    return container.start().get_connection_url()


def remove_containers(run: str) -> None:
    """Remove the containers of *run* if Docker is available."""
    try:
        listed = subprocess.run(
            ["docker", "ps", "-aq", "--filter", f"label={LABEL}={run}"],
            capture_output=True, text=True, timeout=10, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return
    if found := listed.stdout.split():
        subprocess.run(["docker", "rm", "-f", "-v", *found], capture_output=True, check=False)
