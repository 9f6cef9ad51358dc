"""Telemetry that services send over OTLP: linked spans and metrics, without personal data."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from support import databases, otlp, servers
from support import topics as topic_support
from support.installation import Installation
from support.otlp import Receiver
from support.partner import HEADER, Partner, csv_of
from support.topic_reader import read_all_messages

pytestmark = pytest.mark.timeout(300)

PERSONAL_DATA = {
    "street": "4711 Xanthippe Boulevard",
    "first name": "Zebulonia",
    "last name": "Quackenbosh",
    "email": "z.quackenbosh@mailbox.example",
    "phone": "7275550142",
}
CSV_FILE = "\n".join(
    [
        f"{HEADER},Email 1,Phone 1",
        *(
            ",".join([PERSONAL_DATA["street"], "Tampa", "FL", zip_code, zip_code, *list(PERSONAL_DATA.values())[1:]])
            for zip_code in ("33601", "33602", "no zip")
        ),
        "",
    ]
)
UNREADABLE_MESSAGE = f'{{"cells": "{PERSONAL_DATA["email"]}", "row": "{PERSONAL_DATA["phone"]}", "source": 1}}'
FAST_EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "300", "LOG_LEVEL": "DEBUG"}
SERVICES = ("gateway", "ingest", "recorder")


@dataclass
class Observed:
    """Messages, telemetry and logs of an installation that did some work."""

    receiver: Receiver
    messages: dict[str, list[Any]] = field(default_factory=dict)
    output: str = ""
    """All logs, and `/metrics` of all services."""


@asynccontextmanager
async def installed(directory: Path) -> AsyncIterator[Installation]:
    prefix = f"t{uuid4().hex[:10]}."
    with databases.create_database() as database:
        async with topic_support.created(servers.kafka(), prefix):
            installation = Installation(servers.kafka(), prefix, database, directory)
            try:
                yield installation
            finally:
                installation.close()


@asynccontextmanager
async def failing(db: Any, table: str, sqlstate: str) -> AsyncIterator[None]:
    """Make PostgreSQL refuse rows of *table* with personal data in the error text, as constraints do."""
    text = " ".join(PERSONAL_DATA.values())
    await db.execute(
        f"""
        create function public.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'refused' using errcode = '{sqlstate}', detail = 'Failing row contains ({text})'; end $$;
        create trigger refuse before insert on {table} for each row execute function public.refuse();
        """
    )
    yield
    await db.execute(f"drop trigger refuse on {table}; drop function public.refuse()")


async def work(installation: Installation, partner: Partner) -> None:
    """Upload good and bad rows, send an unreadable message, and cause errors with personal data in their text."""
    db = await asyncpg.connect(installation.database.superuser_dsn)
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    try:
        status, answer = await partner.upload(CSV_FILE.encode())
        assert status == 202, answer
        await partner.wait_for_state(answer["upload_id"], "done")
        await producer.send_and_wait(f"{installation.prefix}ingest.leads", UNREADABLE_MESSAGE.encode())
        async with failing(db, "app.uploads", "P0001"):
            assert (await partner.upload(CSV_FILE.encode() + b"\n"))[0] == 500
        async with failing(db, "svc_ingest.inbox", "42501"):
            _, answer = await partner.upload(csv_of(1))
            while "consumer_paused" not in installation.spawned[1].log:
                await asyncio.sleep(0.05)
        await partner.wait_for_state(answer["upload_id"], "done")
        while await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0:
            await asyncio.sleep(0.05)
    finally:
        await producer.stop()
        await db.close()


async def observe(directory: Path) -> Observed:
    async with (
        otlp.run_receiver() as receiver,
        installed(directory) as installation,
        aiohttp.ClientSession() as session,
    ):
        observed = Observed(receiver)
        for name in SERVICES:
            await installation.spawn(name, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, **FAST_EXPORT)
        async with asyncio.timeout(120):
            await work(installation, Partner(installation.spawned[0].gateway, session, uuid4()))
            while not receiver.find_spans("process recorder.record_dead_letters"):
                await asyncio.sleep(0.05)
        for topic in ("ingest.leads", "funnel.upload_received", "funnel.dedupe_success"):
            observed.messages[topic] = await read_all_messages(installation.kafka, installation.prefix + topic)
        for spawned in installation.spawned:
            async with session.get(f"{spawned.health}/metrics") as metrics:
                observed.output += await metrics.text()
            assert await asyncio.to_thread(spawned.stop) == 0
            observed.output += spawned.log
        return observed


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    with tempfile.TemporaryDirectory() as directory:
        yield asyncio.run(observe(Path(directory)))


def sender_of(record: Any) -> str:
    return str(dict(record.headers)["traceparent"].decode().split("-")[2])


def test_each_service_sends_its_spans(observed: Observed) -> None:
    names = {(seen.service, seen.span.name) for seen in observed.receiver.spans}
    assert names >= {
        ("equity-gateway", "POST /v1/uploads"),
        ("equity-gateway", "GET /v1/uploads/{upload_id}"),
        ("equity-gateway", "send rows"),
        ("equity-ingest", "process ingest.upsert_leads"),
        ("equity-recorder", "process recorder.record_events"),
        ("equity-recorder", "process recorder.record_dead_letters"),
    }


@pytest.mark.parametrize(
    ("topic", "sender", "receiver"),
    [
        ("ingest.leads", "send rows", "process ingest.upsert_leads"),
        ("funnel.upload_received", "POST /v1/uploads", "process recorder.record_events"),
        ("funnel.dedupe_success", "process ingest.upsert_leads", "process recorder.record_events"),
    ],
)
def test_the_span_of_a_handler_links_to_the_spans_that_sent_its_messages(
    observed: Observed, topic: str, sender: str, receiver: str
) -> None:
    senders = {seen.id for seen in observed.receiver.find_spans(sender)}
    sent = {sender_of(record) for record in observed.messages[topic] if record.headers}
    links = {link.span_id.hex() for seen in observed.receiver.find_spans(receiver) for link in seen.span.links}
    assert sent
    assert sent <= senders
    assert sent <= links


def test_spans_have_the_attributes_of_the_conventions(observed: Observed) -> None:
    [process, *_] = observed.receiver.find_spans("process ingest.upsert_leads")
    assert (
        process.attributes.items()
        >= {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": "ingest.upsert_leads",
        }.items()
    )
    assert process.attributes["messaging.batch.message_count"] >= 1
    answers = {
        seen.attributes.get("http.response.status_code") for seen in observed.receiver.find_spans("POST /v1/uploads")
    }
    assert answers == {202, 500}


def test_a_failed_span_has_the_type_of_the_error(observed: Observed) -> None:
    failed = {
        seen.attributes.get("error.type") for seen in observed.receiver.spans if seen.span.status.code == 2
    }  # STATUS_CODE_ERROR
    assert failed == {"500", "42501"}


def test_each_service_sends_its_metrics(observed: Observed) -> None:
    assert set(observed.receiver.metrics) >= {
        ("equity-gateway", "http.server.request.duration"),
        ("equity-gateway", "equity_rows_published"),
        ("equity-gateway", "equity_outbox_published"),
        ("equity-gateway", "equity_job_runs"),
        ("equity-ingest", "equity_messages_handled"),
        ("equity-ingest", "equity_batch_seconds"),
        ("equity-ingest", "equity_consumer_pauses"),
        ("equity-ingest", "equity_dead_letters"),
        ("equity-recorder", "equity_events_recorded"),
    }


@pytest.mark.parametrize("detail", PERSONAL_DATA)
def test_spans_metrics_and_logs_hold_no_personal_data(observed: Observed, detail: str) -> None:
    value = PERSONAL_DATA[detail]
    for text in {value, value.upper(), value.lower()}:
        assert not [body for body in observed.receiver.bodies if text.encode() in body]
        assert text not in observed.output


async def test_nothing_is_sent_without_an_endpoint(tmp_path: Path) -> None:
    """The default variables of exporters are set, but only our own variable counts."""
    async with otlp.run_receiver() as receiver, installed(tmp_path) as installation, aiohttp.ClientSession() as session:
        defaults = {f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT": receiver.url for signal in ("TRACES", "METRICS", "LOGS")}
        spawned = await installation.spawn(*SERVICES, **defaults, **FAST_EXPORT)
        partner = Partner(spawned.gateway, session, uuid4())
        _, answer = await partner.upload(csv_of(3))
        await partner.wait_for_state(answer["upload_id"], "done")
        assert await asyncio.to_thread(spawned.stop) == 0
        assert receiver.bodies == []


@pytest.mark.parametrize("endpoint", ["down", "silent"])
async def test_services_work_and_stop_although_the_endpoint_does_not_answer(tmp_path: Path, endpoint: str) -> None:
    """The exporters would wait for an hour. The services work, and stop on request."""
    async with otlp.run_receiver() as receiver, installed(tmp_path) as installation, aiohttp.ClientSession() as session:
        receiver.silent = True
        url = receiver.url if endpoint == "silent" else "http://127.0.0.1:1"
        long_timeout = {"OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        spawned = await installation.spawn(*SERVICES, OTEL_EXPORTER_OTLP_ENDPOINT=url, **FAST_EXPORT, **long_timeout)
        partner = Partner(spawned.gateway, session, uuid4())
        _, answer = await partner.upload(csv_of(500))
        report = await partner.wait_for_state(answer["upload_id"], "done")
        assert report["inserted"] == 500
        assert await asyncio.to_thread(spawned.stop) == 0
        assert bool(receiver.bodies) == (endpoint == "silent")
