"""Whole system on this machine: Kafka, PostgreSQL, the sandbox and the services, under `.local/` of the working copy."""

import fcntl
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from local_services.kafka import KafkaServer, start_kafka
from local_services.postgres import PostgresServer, start_postgres
from local_services.processes import LocalServiceError, Process, free_port, launch, say, wait_ready
from local_services.stand_ins import SMTP_PORT, with_stand_ins

ROOT = Path(__file__).resolve().parents[3]
HOME = ROOT / ".local"
ENVIRONMENT = HOME / "env"
SERVICES_LOG = HOME / "services.log"
SANDBOX_LOG = HOME / "sandbox.log"
SECRETS = ("ENCRYPTION_KEY", "CONTACT_HASH_KEY", "HMAC_SECRET_KEY", "FORM_LINK_SECRET", "INSTANTLY_WEBHOOK_SECRETS")


def up() -> None:
    """Start the parts that do not run and wait until they are ready. Raises LocalServiceError with the reason of a failure."""
    with _exclusive_lock():
        if all(_running()) and _ready(_environment()):
            say("Equity Connect is already running.")
        else:
            _start()
        _print_addresses(_environment())


def down() -> None:
    """Stop the processes that `up` started, services first. The data stays."""
    with _exclusive_lock():
        services, sandbox, kafka, postgres = _running()
        for name, process in (("the services, after the work in progress", services), ("the sandbox", sandbox)):
            if process:
                say(f"stopping {name}")
                if not process.end(signal.SIGTERM, 60):
                    process.end(signal.SIGKILL)
        for name, server in (("Kafka", kafka), ("PostgreSQL", postgres)):
            if server:
                say(f"stopping {name}")
                server.stop()
        say(
            "Stopped; the data stays in .local/."
            if services or sandbox or kafka or postgres
            else "Nothing was running."
        )


def status() -> bool:
    """Print the running parts. Return whether all run and are ready."""
    services, sandbox, kafka, postgres = _running()
    environment = _environment()
    ready = bool(services) and _ready(environment)
    found = {
        "Kafka": kafka and f"{kafka.bootstrap}, pid {kafka.pid}",
        "PostgreSQL": postgres and f"127.0.0.1:{postgres.port}, pid {postgres.pid}",
        "sandbox": sandbox and f"{environment['SANDBOX_URL']}, pid {sandbox.pid}, log {SANDBOX_LOG}",
        "services": services and f"{'ready' if ready else 'not ready'}, pid {services.pid}, log {SERVICES_LOG}",
    }
    for name, state in found.items():
        sys.stdout.write(f"{name:<12}{state or 'not running'}\n")
    return all(found.values()) and ready


def _start() -> None:
    services, sandbox, kafka, postgres = _running()
    if postgres is None:
        say("starting PostgreSQL")
        postgres = start_postgres(HOME / "postgres")
    if kafka is None:
        say("starting Kafka")
        kafka = start_kafka(HOME / "kafka")
    environment = _write_environment(kafka, postgres)
    say("applying the database's migrations")
    _equity(environment, "db", "migrate")
    say("creating the topics")
    _equity(environment, "topics", "apply")
    say("publishing the text to which people consent")
    _equity(environment, "consent", "texts", "publish", "--if-none", "--yes")
    if sandbox is None:
        _start_sandbox(environment)
    if environment.get("INSTANTLY_BASE_URL", "").startswith(environment["SANDBOX_URL"]):
        _equity(environment, "replies", "subscribe", f"http://127.0.0.1:{environment['GATEWAY_PORT']}")
    if services is None:
        say(f"starting the services: {', '.join(service_names())}")
        command = [_program(), "run", "all"]
        services = launch(command, SERVICES_LOG, cwd=ROOT, env={**os.environ, **environment})
        services.save(HOME / "services.json")
    wait_ready(services, lambda: _ready(environment), "Equity Connect", SERVICES_LOG, 90)


def _start_sandbox(environment: dict[str, str]) -> None:
    """Start the sandbox as a separate process: like real vendors, it runs on when the services stop."""
    say("starting the sandbox, which replaces the vendors")
    own = {"HEALTH_PORT": "0"}  # the sandbox answers at its own address
    sandbox = launch([_program(), "run", "sandbox"], SANDBOX_LOG, cwd=ROOT, env={**os.environ, **environment, **own})
    sandbox.save(HOME / "sandbox.json")
    wait_ready(sandbox, lambda: _answers(f"{environment['SANDBOX_URL']}/_sandbox/faults"), "The sandbox", SANDBOX_LOG)


def _print_addresses(environment: dict[str, str]) -> None:
    say(f"Ready: http://127.0.0.1:{environment['GATEWAY_PORT']}, log {SERVICES_LOG.relative_to(ROOT)}")
    if Path(environment.get("CLOCK_FILE", "")).is_file():
        say("The services' clock is moved: ./dev equity clock show")
    say("The command line: ./dev equity --help")


def service_names() -> list[str]:
    """Return the services of this working copy: the packages with an `app.py`."""
    return sorted(path.parent.name for path in (ROOT / "services").glob("*/*/app.py"))


def _running() -> tuple[Process | None, Process | None, KafkaServer | None, PostgresServer | None]:
    services, sandbox = (Process.load(HOME / f"{name}.json") for name in ("services", "sandbox"))
    return services, sandbox, KafkaServer.find(HOME / "kafka"), PostgresServer.find(HOME / "postgres")


def _ready(environment: dict[str, str]) -> bool:
    return _answers(f"http://127.0.0.1:{environment['HEALTH_PORT']}/readyz")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def _program() -> str:
    program = Path(sys.executable).with_name("equity")
    if not program.exists():
        raise LocalServiceError("`equity` is not installed here; run ./dev setup")
    return str(program)


def _equity(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [_program(), *arguments], env={**os.environ, **environment}, cwd=ROOT, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LocalServiceError(f"equity {' '.join(arguments)} failed:\n{done.stdout}")


def _environment() -> dict[str, str]:
    """Return the settings saved in `.local/env`; empty before the first start."""
    with suppress(FileNotFoundError):
        pairs = (shlex.split(line)[0].partition("=") for line in ENVIRONMENT.read_text().splitlines())
        return {name: value for name, _, value in pairs}
    return {}


def _write_environment(kafka: KafkaServer, postgres: PostgresServer) -> dict[str, str]:
    """Save addresses and secrets. Secrets are generated once, because data encrypted with them must stay readable."""
    kept = _environment()
    logins: dict[str, str] = {}
    for name in service_names():
        variable = f"{name.upper()}_DATABASE_PASSWORD"
        logins[variable] = kept.get(variable) or secrets.token_hex(16)
        logins[f"{name.upper()}_DATABASE_URL"] = postgres.dsn_of(f"svc_{name}", logins[variable], "equity")
    values = {
        **{name: secrets.token_hex(32) for name in SECRETS},
        "CONSENT_PORT": _port(8082),
        "GATEWAY_PORT": _port(8080),
        "HEALTH_PORT": _port(8081),
        "LOG_LEVEL": "INFO",
        "SANDBOX_PORT": _port(8090),
        "SANDBOX_SMTP_PORT": _port(SMTP_PORT),
        **kept,
        **logins,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "DATABASE_DIRECT_URL": postgres.create_database("equity"),
        "SPOOL_DIRECTORY": str(HOME / "spool"),
        "SANDBOX_STATE_FILE": str(HOME / "sandbox-state.json"),
    }
    values["CONSENT_FORM_URL"] = f"http://127.0.0.1:{values['CONSENT_PORT']}/consent"
    values["SANDBOX_URL"] = f"http://127.0.0.1:{values['SANDBOX_PORT']}"
    values = with_stand_ins(values, os.environ, values["SANDBOX_URL"], HOME)
    ENVIRONMENT.touch(mode=0o600)
    ENVIRONMENT.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    return values


def _port(wanted: int) -> str:
    with closing(socket.socket()) as probe, suppress(OSError):
        probe.bind(("", wanted))
        return str(wanted)
    return str(free_port())


@contextmanager
def _exclusive_lock() -> Iterator[None]:
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
