"""Kafka that requires encryption and a login, and lets the login write to one topic only."""

import asyncio
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.protocol.admin import CreateAclsRequest

from local_services import KafkaServer
from local_services.processes import free_port, saved_port
from support import servers

_PROPERTIES = """\
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secured}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
_TOPIC, _LITERAL, _WRITE, _ALLOW = 2, 3, 4, 3
"""Numbers of Kafka's protocol: resource type, pattern type, operation and permission."""


@dataclass(frozen=True, slots=True)
class SecuredKafka:
    """Address and certificate authority of the listener that requires a login, and that login."""

    bootstrap: str
    ca_file: Path
    username: str = "acme"
    password: str = 'kept "secret"'
    writable_topic: str = "ingest.leads"
    """The only topic to which the login may write."""
    closed_topic: str = "funnel.dedupe_success"


def find_secured_kafka() -> SecuredKafka:
    """Return the broker of the run. The first test that needs it starts it."""
    directory = servers.run_directory() / "secured-kafka"
    port = servers.make_once("secured-kafka-port", lambda: str(_start(directory)))
    return SecuredKafka(f"127.0.0.1:{port}", directory / "ca.pem")


def _start(directory: Path) -> int:
    """Start the broker and return the port of its secured listener."""
    directory.mkdir()
    keystore, ca_file = _create_certificate(directory)
    plain, controller = (saved_port(directory / name, None) for name in ("port", "controller-port"))
    secured = free_port()
    kafka = SecuredKafka(f"127.0.0.1:{secured}", ca_file)
    properties = _PROPERTIES.format(plain=plain, secured=secured, controller=controller, keystore=keystore)
    login = f"SCRAM-SHA-512=[name={kafka.username},password={kafka.password}]"
    server = KafkaServer(directory, plain, controller, properties, ("--add-scram", login))
    server.start()
    asyncio.run(_create_topics(server.bootstrap, kafka))
    return secured


def _create_certificate(directory: Path) -> tuple[Path, Path]:
    """Create a certificate for 127.0.0.1 that signs itself. Return the file with its key, and the file without."""
    key, ca_file, keystore = (directory / name for name in ("key.pem", "ca.pem", "keystore.pem"))
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(ca_file)]
    subprocess.run(command, check=True, capture_output=True)
    keystore.write_text(key.read_text() + ca_file.read_text())
    return keystore, ca_file


async def _create_topics(bootstrap: str, kafka: SecuredKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 1, 1) for name in (kafka.writable_topic, kafka.closed_topic)])
        principal = f"User:{kafka.username}"
        rule = CreateAclsRequest(_TOPIC, kafka.writable_topic, _LITERAL, principal, "*", _WRITE, _ALLOW)
        answer = await admin._send_to_controller(rule)  # aiokafka has no public call for it
        assert [code for code, _ in answer.creation_responses] == [0]
    finally:
        await admin.close()
