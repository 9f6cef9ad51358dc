"""The tables of mistakes in docs/upstream/README.md say what the services do with each of them."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from support import upstream_page
from support.commandline import Equity
from support.installation import Installation, Spawned
from support.upstream import Headers, UpstreamProducer

NOW = datetime.now(UTC)
YESTERDAY, TODAY = str(NOW.date() - timedelta(days=1)), str(NOW.date())
BROKER = uuid4()
TESTED_WITH_THE_EXAMPLES = {
    "servers that do not answer", "a wrong user name or password", "a topic that is not yours",
}  # fmt: skip
"""Rows of the first table that tests/e2e/test_upstream_examples.py tests with each of the programs."""
REASONS_THAT_THE_SCHEMA_DOES_NOT_FIND = {
    "invalid_state", "invalid_zip", "unreadable_address", "po_box", "invalid_characters", "unknown_broker",
    "broker_not_allowed", "unread_protection", "id_used_twice", "time_in_future", "too_old",
}  # fmt: skip

Message = tuple[Any, Headers]
_numbers: Iterator[int] = count(100)


def build_home(**fields: Any) -> dict[str, Any]:
    """Return a record of a home that no other record has."""
    home = {"property_address": f"{next(_numbers)} Palmetto Ave", "property_city": "Dunedin"}
    return {**home, "property_state": "FL", "property_zip": "34698", **fields}


def build_home_without(*names: str, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in build_home(**fields).items() if name not in names}


def message(body: Any, **headers: str) -> Message:
    return body, [(name, value.encode()) for name, value in headers.items()]


def in_days(days: float) -> str:
    return (NOW + timedelta(days=days)).isoformat()


ID_IN_USE = str(uuid4())
SPANISH = build_home(owner_last_name="Núñez")

DEAD_LETTERS: dict[str, list[Message]] = {
    "not JSON": [message(b"{'property_address': '1 Elm St'}")],
    "an empty body": [message(b"")],
    "a list of records": [message([build_home(), build_home()])],
    "UTF-16, Latin-1, or a byte order mark": [
        message(json.dumps(SPANISH, ensure_ascii=False).encode(encoding))
        for encoding in ("utf-16", "latin-1", "utf-8-sig")
    ],
    "an object or a list in place of a value": [
        message(build_home(property_city={"name": "Dunedin"})),
        message(build_home(est_value=[1, 2])),
    ],
    "`phones` or `emails` that are not lists, or more than 50": [
        message(build_home(phones="7275550142")),
        message(build_home(emails={"home": "a@example.com"})),
        message(build_home(phones=[f"72755501{number:02}" for number in range(51)])),
    ],
    "`observed_on` that is not `YYYY-MM-DD`": [
        message(build_home(observed_on="11/29/2026")),
        message(build_home(observed_on="2026-11-29T08:00:00Z")),
    ],
    "`source` with more than 40 characters": [message(build_home(source="a" * 41))],
    "`broker_id` that is not a UUID": [message(build_home(broker_id="7"))],
    "no street address, or its field misspelt": [
        message(build_home_without("property_address")),
        message(build_home_without("property_address", property_adress="1 Elm St")),
    ],
    "no city": [message(build_home_without("property_city"))],
    "no state and no ZIP code": [message(build_home_without("property_state", "property_zip"))],
    "a state that does not exist": [message(build_home(property_state="Narnia"))],
    "a ZIP code that is not five digits or ZIP+4": [
        message(build_home(property_zip="346985")),
        message(build_home(property_zip="D3469")),
    ],
    "an address that cannot be read: `TBD`, or a street without a number": [
        message(build_home(property_address="TBD")),
        message(build_home(property_address="Palmetto Avenue")),
    ],
    "a PO box as the property's address": [message(build_home(property_address="PO Box 7"))],
    "NUL or another control character": [message(build_home(owner_last_name="Ho\x00lt"))],
    "a text with more than 200 characters": [message(build_home(owner_last_name="a" * 201))],
    "a broker that does not exist or is not active": [message(build_home(broker_id=str(uuid4())))],
    "a broker that is not in `allowed_broker_ids`": [
        message(build_home(broker_id=str(BROKER), allowed_broker_ids=[str(uuid4())]))
    ],
    "a field that looks as if it forbids contact and is not understood, such as `callable`": [
        message(build_home(callable="yes"))
    ],
    "`upload_id`": [message(build_home(upload_id=str(uuid4()), row=1)), message(build_home(upload_id=str(uuid4())))],
    "another body under a `ce_id` that was used on the same day": [message(build_home(), ce_id=ID_IN_USE)],
    "`ce_time` more than a day ahead": [message(build_home(), ce_time=in_days(1.1))],
    "`ce_time` more than 13 days ago": [message(build_home(), ce_time=in_days(-13.1))],
}


@dataclass(frozen=True, slots=True)
class Taken:
    """Messages that become one lead, or none, with the expected columns, contacts and events of the lead."""

    messages: list[Message]
    columns: dict[str, Any] = field(default_factory=dict)
    events: int = 1
    contacts: int = 0


def repeat(home: dict[str, Any], *headers: dict[str, str]) -> Taken:
    """Return the case of one home that is sent once with each of the *headers*, and makes one event."""
    return Taken([message(home, **some) for some in headers])


def follow(home: dict[str, Any], *changes: dict[str, Any], events: int, **columns: Any) -> Taken:
    """Return the case of one home that is sent with each of the *changes*, one after another."""
    return Taken([message({**home, **change}) for change in changes], columns, events)


TAKEN: dict[str, Taken] = {
    "no headers": repeat(build_home(), {}, {}),
    "a `ce_id` that is not a UUID": repeat(build_home(), *[{"ce_id": "4711", "ce_source": "acme-crm"}] * 2),
    "a `ce_time` that cannot be read": repeat(build_home(), {"ce_time": "Sunday"}),
    "the same `ce_id` on another day": repeat(
        build_home(), *({"ce_id": str(UUID(int=7)), "ce_time": in_days(-days)} for days in (2, 1))
    ),
    "the same home under a new id": repeat(build_home(), {"ce_id": str(uuid4())}, {"ce_id": str(uuid4())}),
    "`observed_on` in the future": follow(
        build_home(),
        {"observed_on": str(date.today() + timedelta(days=400)), "est_value": 500_000},  # noqa: DTZ011 - any day
        {"observed_on": TODAY, "est_value": 600_000},
        est_value=600_000,
        events=2,
    ),
    "an older record after a newer one": follow(
        build_home(),
        {"observed_on": TODAY, "est_value": 500_000},
        {"observed_on": YESTERDAY, "est_value": 600_000, "bedrooms": 3},
        est_value=500_000,
        bedrooms=3,
        events=2,
    ),
    "a smaller value on the same day and from the same source": follow(
        build_home(observed_on=YESTERDAY), {"est_value": 500_000}, {"est_value": 400_000}, est_value=500_000, events=1
    ),
    "an empty value for a known fact": follow(
        build_home(),
        {"observed_on": YESTERDAY, "est_value": 500_000, "owner_last_name": "Holt"},
        {"observed_on": TODAY, "est_value": None, "owner_last_name": ""},
        est_value=500_000,
        owner_last_name="Holt",
        events=1,
    ),
    "a value that cannot be read, such as `ask the owner` for `est_value`": follow(
        build_home(), {"est_value": "ask the owner"}, est_value=None, events=1
    ),
    "a day of sale in the future": follow(
        build_home(), {"last_sale_date": in_days(9)[:10]}, last_sale_date=None, events=1
    ),
    "a phone that is not a phone": Taken([message(build_home(phones=["12", "727 555 0142"]))], contacts=1),
    "a ZIP code sent as a number, so that its leading zero is lost": follow(
        build_home(property_city="Boston", property_state="MA"), {"property_zip": 2134}, property_zip="02134", events=1
    ),
    "a ZIP code of another state": follow(build_home(), {"property_zip": "90210"}, property_state="FL", events=1),
    "a field that we do not know, or an optional field misspelt": follow(
        build_home(), {"pool": "yes", "est_valu": 500_000}, est_value=None, events=1
    ),
    "a field that forbids contact, in words of your own, such as `dnc`": follow(
        build_home(), {"dnc": "yes"}, campaign_status="do_not_contact", events=1
    ),
    "the header `ec_for`": Taken([message(build_home(), ec_for="acme")], events=0),
}
LAST_HOME = build_home()


@dataclass(frozen=True, slots=True)
class Outcome:
    """State after all messages were handled: offsets by row of the page, dead letters by offset, and the services."""

    offsets: dict[str, list[int]]
    dead_letters: dict[int, Any]
    leads: dict[str, Any]
    services: Spawned
    db: Any


@pytest.fixture
async def outcome(installation: Installation) -> AsyncIterator[Outcome]:
    """Send every mistake to real services, and wait until they have handled all of them."""
    db = await asyncpg.connect(installation.database.superuser_dsn)
    await db.execute("insert into app.brokers (id, name) values ($1, 'Demo')", BROKER)
    services = await installation.spawn("ingest", "recorder")
    cases = DEAD_LETTERS | {row: case.messages for row, case in TAKEN.items()}
    labelled = [(row, sent) for row, messages in cases.items() for sent in messages]
    first = message(build_home(), ce_id=ID_IN_USE)
    producer = UpstreamProducer(installation)
    found = await producer.send_messages([first, *(sent for _, sent in labelled), message(LAST_HOME), message(b"")])
    offsets: dict[str, list[int]] = {row: [] for row in cases}
    for (row, _), offset in zip(labelled, found[1:], strict=False):
        offsets[row].append(offset)
    await _wait_until_handled(db, found[-1])
    letters = await db.fetch("select * from pipeline.pipeline_dlq where origin_offset < $1", found[-1])
    leads = {row["property_address"]: row for row in await db.fetch("select * from app.leads")}
    yield Outcome(offsets, {row["origin_offset"]: row for row in letters}, leads, services, db)
    await db.close()
    services.stop()


async def _wait_until_handled(db: Any, last_offset: int) -> None:
    """Wait for the event of the last home and for the last dead letter. Topics with one partition keep the order."""
    event = "select 1 from app.pipeline_events e join app.leads l on l.id = e.lead_id where l.property_address = $1"
    letter = "select 1 from pipeline.pipeline_dlq where origin_offset = $1"
    async with asyncio.timeout(60):
        for query, value in ((event, LAST_HOME["property_address"]), (letter, last_offset)):
            while not await db.fetchval(query, value):
                await asyncio.sleep(0.05)


async def test_each_mistake_has_the_consequence_that_the_page_names(
    outcome: Outcome, installation: Installation
) -> None:
    _check_dead_letters(outcome)
    await _check_leads(outcome)
    await _check_what_operators_see(outcome, installation)


def _check_dead_letters(outcome: Outcome) -> None:
    table = upstream_page.read_table("The record becomes a dead letter")
    found = {
        row: {outcome.dead_letters[offset]["reason"] if offset in outcome.dead_letters else None for offset in offsets}
        for row, offsets in outcome.offsets.items()
        if row in DEAD_LETTERS
    }
    assert found == {row: {reason} for row, (reason, _) in table.items()}
    assert len(outcome.dead_letters) == sum(map(len, DEAD_LETTERS.values())), "no other record is a dead letter"


async def _check_leads(outcome: Outcome) -> None:
    table = upstream_page.read_table("The record is taken, and something differs from what you meant")
    assert table.keys() == TAKEN.keys()
    wrong = {}
    for row, case in TAKEN.items():
        lead = outcome.leads.get(case.messages[0][0]["property_address"])
        counts = await outcome.db.fetchrow(
            "select (select count(*) from app.pipeline_events where lead_id = $1),"
            " (select count(*) from app.lead_contacts where lead_id = $1)",
            lead and lead["id"],
        )
        columns = {name: lead and lead[name] for name in case.columns}
        if (columns, *counts) != (case.columns, case.events, case.contacts):
            wrong[row] = (columns, *counts)
    assert wrong == {}


async def _check_what_operators_see(outcome: Outcome, installation: Installation) -> None:
    equity = Equity(installation.environment("recorder"))
    listed = (await equity.soon("dlq", "list", "--consumer", "ingest.upsert_leads", "--json")).ok().json
    assert {row["id"] for row in listed} > {letter["id"] for letter in outcome.dead_letters.values()}
    (offset,) = outcome.offsets["a PO box as the property's address"]
    shown = (await equity.soon("dlq", "show", outcome.dead_letters[offset]["id"], "--json")).ok().json
    assert (shown["reason"], shown["origin_offset"], shown["origin_partition"]) == ("po_box", offset, 0)
    assert "street address" in shown["detail"]
    async with aiohttp.ClientSession() as client, client.get(f"{outcome.services.health}/metrics") as answer:
        metrics = await answer.text()
    assert re.search(r'^equity_dead_letters_total\{.*reason="po_box".*\} 1\.0$', metrics, re.MULTILINE)
    assert re.search(r'^equity_values_dropped_total\{.*field="est_value".*\} 1\.0$', metrics, re.MULTILINE)


async def test_kafka_refuses_a_message_that_is_too_large_or_for_no_topic(installation: Installation) -> None:
    table = upstream_page.read_table("Kafka does not take the message")
    refusals: dict[str, tuple[str, bytes, type[KafkaError]]] = {
        "a message larger than 1 MiB": ("ingest.leads", b"x" * 1_048_577, MessageSizeTooLargeError),
        "a topic that does not exist": ("ingest.lead", b"{}", UnknownTopicOrPartitionError),
    }
    assert table.keys() == refusals.keys() | TESTED_WITH_THE_EXAMPLES
    options = {"max_request_size": 2_000_000, "request_timeout_ms": 1_000}
    async with AIOKafkaProducer(bootstrap_servers=installation.kafka, **options) as producer:
        for topic, body, error in refusals.values():
            with pytest.raises(error):
                await producer.send_and_wait(installation.prefix + topic, body)


@pytest.mark.parametrize("row", DEAD_LETTERS)
def test_the_schema_finds_every_mistake_of_form(row: str) -> None:
    reason = upstream_page.read_table("The record becomes a dead letter")[row][0]
    for body, _ in DEAD_LETTERS[row]:
        if not isinstance(body, bytes):
            assert upstream_page.is_valid_record(body) == (reason in REASONS_THAT_THE_SCHEMA_DOES_NOT_FIND), body


@pytest.mark.parametrize("row", TAKEN)
def test_the_schema_allows_what_is_taken(row: str) -> None:
    assert all(upstream_page.is_valid_record(body) for body, _ in TAKEN[row].messages)


def test_the_example_has_every_field_or_the_page_names_it() -> None:
    example, page = upstream_page.read_record(), (upstream_page.FOLDER / "README.md").read_text()
    fields = {name for name, described in upstream_page.read_schema()["properties"].items() if described is not False}
    assert example.keys() <= fields
    assert [name for name in fields - example.keys() if f"`{name}`" not in page] == []
