"""The examples for upstream teams produce to real Kafka, as they stand in docs/upstream, and their record becomes a lead."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from local_services.debian import install
from local_services.kafka import VERSION, kafka_jars
from local_services.processes import LocalServiceError, free_port
from support import upstream_page
from support.commandline import Ran, run
from support.installation import Installation
from support.secured_kafka import find_secured_kafka
from support.servers import make_once, run_directory
from support.topic_reader import read_all_messages
from support.upstream import UpstreamProducer

OTHER_HOME = {
    "property_address": "1 Last St",
    "property_city": "Tampa",
    "property_state": "FL",
    "property_zip": "33601",
}
NODE_VERSION = (20, 19, 4)

Command = list[str]


def _require(program: str, package: str) -> None:
    """Install the Debian *package* if *program* is missing. Skip the test if this user may not install it."""
    if shutil.which(program) is None:
        try:
            install([package])
        except LocalServiceError as error:
            pytest.skip(str(error))


def _python() -> Command:
    return [sys.executable, str(upstream_page.FOLDER / "python" / "produce.py")]


def _node() -> Command:
    version = shutil.which("node") and shutil.which("npm") and run(["node", "--version"], {}).ok().out
    if not version or tuple(map(int, version.strip("v\n").split("."))) < NODE_VERSION:
        pytest.skip(f"node {'.'.join(map(str, NODE_VERSION))} or later and npm are not installed; Debian 12 has none")
    return ["node", str(Path(make_once("node-example", _install_packages)) / "produce.mjs")]


def _install_packages() -> str:
    """Install the pinned packages beside a copy of the example, as the page says, and return the folder."""
    folder = shutil.copytree(upstream_page.FOLDER / "node", run_directory() / "node")
    options = ["--omit=optional", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund"]
    subprocess.run(["npm", "ci", *options], cwd=folder, check=True, capture_output=True)
    return str(folder)


def _java() -> Command:
    _require("javac", "default-jdk-headless")
    class_path = make_once("java-example", _compile)
    return ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", class_path, "Produce"]


def _compile() -> str:
    """Compile the example, which `java Produce.java` does at each run, with the client of pom.xml. Return the class path."""
    folder = upstream_page.FOLDER / "java"
    assert f"<version>{VERSION}</version>" in (folder / "pom.xml").read_text(), "Kafka's client is that of the broker"
    jars = [str(jar) for name in ("kafka-clients", "slf4j-api") for jar in kafka_jars().glob(f"{name}-*.jar")]
    classes = run_directory() / "java"
    class_path = ":".join([*jars, str(classes)])
    options = ["-Werror", "-Xlint:all,-path", "-d", str(classes), "-cp", class_path]
    subprocess.run(["javac", *options, str(folder / "Produce.java")], check=True)
    return class_path


def _shell() -> Command:
    _require("kcat", "kcat")
    return ["sh", str(upstream_page.FOLDER / "shell" / "produce.sh")]


COMMANDS: Mapping[str, Callable[[], Command]] = {"python": _python, "node": _node, "java": _java, "shell": _shell}


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> Command:
    """Return the command of the example in one language."""
    return COMMANDS[request.param]()


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def _run_twice(command: Command, installation: Installation, db: Any) -> list[str]:
    """Run *command* twice, and return its reports when the recorder has recorded all that followed."""
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": installation.kafka,
        "KAFKA_TOPIC": f"{installation.prefix}ingest.leads",
    }
    last = "select 1 from app.pipeline_events e join app.leads l on l.id = e.lead_id where l.property_address = $1"
    async with installation.running("ingest", "recorder"):
        reports = [(await asyncio.to_thread(run, command, environment)).ok().out for _ in range(2)]
        await UpstreamProducer(installation).send_records(OTHER_HOME)
        async with asyncio.timeout(60):
            while not await db.fetchval(last, OTHER_HOME["property_address"]):
                await asyncio.sleep(0.05)
    return reports


async def test_an_example_makes_one_lead_however_often_it_runs(
    command: Command, installation: Installation, db: Any
) -> None:
    reports = await _run_twice(command, installation, db)
    topic = f"{installation.prefix}ingest.leads"
    *messages, _ = await read_all_messages(installation.kafka, topic)
    for number, (message, report) in enumerate(zip(messages, reports, strict=True)):
        _check_message(message)
        assert report == f"Stored in {topic}, partition 0, offset {number}, as {_headers(message)['ce_id']}.\n"
    (lead,) = await db.fetch("select * from app.leads where property_address = '418 N Palmetto Ave'")
    assert (lead["est_value"], lead["campaign_status"], lead["source"]) == (412_000, "new", "acme")
    contacts = await db.fetch("select channel, dnc from app.lead_contacts where lead_id = $1 order by rank", lead["id"])
    assert sorted(map(tuple, contacts), key=str) == [("email", None), ("phone", False), ("phone", True)]
    handled = {str(row["event_id"]) for row in await db.fetch("select event_id from svc_ingest.inbox")}
    ids = {_headers(message)["ce_id"] for message in messages}
    assert ids < handled
    assert len(handled) == len(ids) + 1, "one more is the last home"
    first = _headers(messages[0])
    events = await db.fetch(upstream_page.read_query(), first["ce_correlationid"], first["ce_id"])
    assert [(event["event_type"], event["outcome"]) for event in events] == [("dedupe_success", "inserted")]
    assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0


def _headers(message: Any) -> dict[str, str]:
    return {name: value.decode() for name, value in message.headers}


def _check_message(message: Any) -> None:
    headers = _headers(message)
    body = json.loads(message.value)
    assert upstream_page.is_valid_record(body)
    observed_on = headers["ce_time"][:10]
    assert body == upstream_page.read_record() | {"observed_on": observed_on}
    assert message.key == b"4711"
    assert {name: headers[name] for name in headers if name not in {"ce_id", "ce_time"}} == {
        "ce_correlationid": f"acme-crm/exports/{observed_on}",
        "ce_specversion": "1.0",
        "ce_type": "ingest.leads",
        "ce_source": "acme-crm",
        "content-type": "application/json",
    }


def test_an_example_says_what_is_missing(command: Command) -> None:
    assert "servers that do not answer" in upstream_page.read_table("Kafka does not take the message")
    _check_failure(run(command, {}), 2)
    _check_failure(run(command, {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}), 1)


def test_an_example_logs_in_and_says_why_kafka_refuses_it(command: Command) -> None:
    kafka = find_secured_kafka()
    login = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
        "KAFKA_USERNAME": kafka.username,
        "KAFKA_PASSWORD": kafka.password,
        "KAFKA_CA_FILE": str(kafka.ca_file),
    }
    stored = run(command, login)
    if "librdkafka" in stored.err:
        _check_failure(stored, 2)
        pytest.skip(stored.err)
    assert stored.ok().out.startswith(f"Stored in {kafka.writable_topic}, partition 0, offset ")
    refusals = {
        "a wrong user name or password": ({"KAFKA_PASSWORD": "wrong-one"}, "authentication ?failed"),
        "a topic that is not yours": ({"KAFKA_TOPIC": kafka.closed_topic}, "authoriz"),
    }
    assert refusals.keys() <= upstream_page.read_table("Kafka does not take the message").keys()
    for changed, reason in refusals.values():
        refused = run(command, login | changed)
        _check_failure(refused, 1)
        assert re.search(reason, refused.err, re.IGNORECASE), refused.err
        assert "wrong-one" not in refused.err


def _check_failure(ran: Ran, code: int) -> None:
    assert (ran.code, ran.out) == (code, ""), ran.err
    problem, advice = ran.err.splitlines()[-2:]
    assert problem.startswith("Error: ")
    assert advice.startswith("  ")
