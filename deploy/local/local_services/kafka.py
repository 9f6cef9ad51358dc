"""Native Kafka: one broker in KRaft mode, from the jars of Maven Central."""

import base64
import hashlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local_services.debian import cache_directory, exclusive_lock, install
from local_services.processes import LocalServiceError, Process, launch, saved_port, say, wait_ready

VERSION = "4.3.0"
HERE = Path(__file__).resolve().parent.parent
JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
# A broker killed with -9 is back in 4 s instead of 12, and deleted topics leave the disk at once.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.segment.delete.delay.ms=1000
"""


@dataclass
class KafkaServer:
    """Broker with its data in *directory*. It outlives this process; `find` returns a running one."""

    directory: Path
    port: int
    controller_port: int
    more_properties: str = ""
    """Lines of `server.properties` that add to the usual ones or replace them."""
    format_options: Sequence[str] = ()
    """Options of the command that formats a new data directory, such as the first logins."""
    _process: Process | None = field(default=None, repr=False)

    @classmethod
    def find(cls, directory: Path) -> "KafkaServer | None":
        """Return the running broker of *directory*, or None."""
        process = Process.load(directory / "process.json")
        if process is None:
            return None
        port, controller_port = (int((directory / name).read_text()) for name in ("port", "controller-port"))
        return cls(directory, port, controller_port, _process=process)

    @property
    def bootstrap(self) -> str:
        """Address for clients: `bootstrap.servers`."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Process id. Raises LocalServiceError if the broker does not run."""
        if self._process is None or not self._process.alive:
            raise LocalServiceError(f"Kafka in {self.directory} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start the broker, always on the same port with the same data, and wait until it answers."""
        java, jars = _java(), kafka_jars()
        classpath = [java, "-cp", f"{jars}/*", f"-Dlog4j2.configurationFile={HERE / 'kafka' / 'log4j2.properties'}"]
        configuration, log_file, data = (self.directory / name for name in ("server.properties", "kafka.log", "data"))
        usual = PROPERTIES.format(port=self.port, controller=self.controller_port, data=data)
        configuration.write_text(usual + self.more_properties)
        if not (data / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=").replace("-", "A")
            command = [*classpath, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(configuration)]
            command += self.format_options
            subprocess.run(command, check=True, capture_output=True)
        command = [java, *JVM, *classpath[1:], "kafka.Kafka", str(configuration)]
        self._process = launch(command, log_file, cwd=self.directory)
        self._process.save(self.directory / "process.json")
        wait_ready(self._process, lambda: _answers(self.port), "Kafka", log_file)

    def stop(self) -> None:
        """Stop the broker in order, or kill it after 30 seconds."""
        if self._process and not self._process.end(signal.SIGTERM):
            self.kill()

    def kill(self) -> None:
        """Kill the broker with -9, as in a crash."""
        if self._process:
            self._process.end(signal.SIGKILL)


def start_kafka(directory: Path, port: int | None = None) -> KafkaServer:
    """Start a broker with its data in *directory* on 127.0.0.1, on a free port unless *port* is given.

    A directory used before keeps its port and data. Raises LocalServiceError if it cannot be installed or started.
    """
    directory.mkdir(parents=True, exist_ok=True)
    ports = saved_port(directory / "port", port), saved_port(directory / "controller-port", None)
    server = KafkaServer(directory, *ports)
    server.start()
    return server


def _answers(port: int) -> bool:
    """Return whether the broker is active. A Metadata response (version 0) names it only when it is not fenced."""
    request = struct.pack(">hhih", 3, 0, 1, -1) + struct.pack(">i", 1) + struct.pack(">h", 1) + b"-"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.recv(12)
    except OSError:
        return False
    return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0  # noqa: PLR2004 - size, correlation, brokers


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        install(["default-jre-headless"])
        java = shutil.which("java")
    if java is None:
        raise LocalServiceError("Java 17 or later is needed for Kafka: install it or set JAVA_HOME")
    return java


def kafka_jars() -> Path:
    """Return the folder of the Kafka jars: fetched once for all working copies, compared with `kafka/jars.sha256`."""
    jars = cache_directory() / f"kafka-{VERSION}"
    with exclusive_lock("kafka"):
        if not jars.exists():
            fetched = Path(tempfile.mkdtemp(prefix="kafka-", dir=jars.parent))
            try:
                _fetch(fetched)
                fetched.rename(jars)
            finally:
                shutil.rmtree(fetched, ignore_errors=True)
    return jars


def _fetch(into: Path) -> None:
    if shutil.which("mvn") is None:
        install(["maven"])
    say(f"fetching Kafka {VERSION} (54 MB, once)")
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={into}", "-DincludeScope=runtime"]
    command = ["mvn", "-q", "-B", "-f", str(HERE / "kafka" / "pom.xml"), *goal]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise LocalServiceError(f"Maven could not fetch Kafka:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    expected = dict(line.split()[::-1] for line in (HERE / "kafka" / "jars.sha256").read_text().splitlines())
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in into.iterdir()}
    if found != expected:
        wrong = sorted(dict(found.items() ^ expected.items()))
        raise LocalServiceError(f"Kafka's jars are not those of deploy/local/kafka/jars.sha256: {', '.join(wrong)}")
