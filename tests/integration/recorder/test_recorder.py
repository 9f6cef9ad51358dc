"""The recorder: it accepts any bytes, writes each event once, and replays dead letters to their consumer."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from common.bus import envelope
from common.bus.dead_letter_message import pack_message
from common.events import DeadLetter, DeadLetterResolved, LeadRejected
from common.pii.keyring import Keyring
from support.installation import SECRETS, Installation

KEYS = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1")
Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Headers = list[tuple[str, bytes | None]]


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def send(installation: Installation, topic: str, *messages: tuple[bytes | None, Headers]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka, max_request_size=4_500_000)
    await producer.start()
    try:
        for value, headers in messages:
            await producer.send(installation.prefix + topic, value, key=b"k", headers=headers, partition=0)
        await producer.flush()
    finally:
        await producer.stop()


async def eventually(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


def rows_of(db: Any, query: str) -> Callable[[], Awaitable[Any]]:
    async def fetch_rows() -> Any:
        return [tuple(row) for row in await db.fetch(query)]

    return fetch_rows


def event(event_id: UUID | None = None, time: datetime | None = None, **fields: Any) -> tuple[bytes, Headers]:
    body = LeadRejected(reasons=["missing_zip"], outcome="missing_zip", **fields)
    headers = envelope.build_headers(
        id=event_id or uuid4(), type=body.topic, source="ingest", time=time or datetime.now(UTC), duration_ms=12,
        correlation_id="run", causation_id=uuid4(), subject=UUID(int=7),
    )  # fmt: skip
    return body.model_dump_json().encode(), list(headers)


async def test_an_event_is_written_with_its_causation_and_duration(
    running: Running, installation: Installation, db: Any
) -> None:
    async with running("recorder"):
        await send(installation, "funnel.lead_rejected", event(broker_id=UUID(int=3), lead_version=4))
        await eventually(rows_of(db, "select count(*) from app.pipeline_events"), [(1,)])
    row = await db.fetchrow("select * from app.pipeline_events")
    assert (row["event_type"], row["correlation_id"], row["duration_ms"], row["source"]) == (
        "lead_rejected",
        "run",
        12,
        "ingest",
    )
    assert (row["broker_id"], row["lead_version"], row["lead_id"], row["outcome"]) == (
        UUID(int=3),
        4,
        UUID(int=7),
        "missing_zip",
    )
    assert row["causation_id"] is not None
    assert await db.fetchval("select tableoid::regclass::text from app.pipeline_events") != "pipeline_events_default"


async def test_any_bytes_are_accepted_without_loss_of_valid_events(
    running: Running, installation: Installation, db: Any
) -> None:
    valid = event()
    unusual: list[tuple[bytes | None, Headers]] = [
        (None, []),
        (b"", [("ce_id", None), ("ce_time", b"\xff\xfe")]),
        (b"\x00\xff", [("ce_id", b"\xc3\x28")]),
        (b"[1]", []),
        (b'{"a": "\\u0000"}', []),
        (b'{"a": "\\ud800"}', []),
        (b'{"lead_id": 5, "broker_id": "x", "occurred_at": "soon", "lead_version": 99999999999999999999}', []),
        (b'{"outcome": "' + b"x" * 900_000 + b'"}', []),
        (b"{" * 5_000, [("ce_durationms", b"9" * 40)]),
        (b'{"occurred_at": "0001-01-01T00:00:00+14:00"}', [("ce_time", b"9999-12-31T23:59:59-14:00")]),
        (b'{"far": 1}', [("ce_time", b"1969-01-01T00:00:00Z"), ("ce_correlationid", b"\x00nul")]),
        (b'{"far": 2}', [("ce_time", b"8000-01-01T00:00:00Z")]),
    ]
    async with running("recorder"):
        await send(installation, "funnel.lead_rejected", valid, *unusual, event())
        await eventually(rows_of(db, "select count(*) from app.pipeline_events"), [(len(unusual) + 2,)])
    assert await db.fetchval("select count(*) from app.pipeline_events where outcome = 'unreadable'") == 7
    assert await db.fetchval("select count(*) from app.pipeline_events where outcome = 'missing_zip'") == 2
    assert await db.fetchval("select count(*) from svc_recorder.outbox") == 0


async def test_repeats_and_disorder_change_nothing(running: Running, installation: Installation, db: Any) -> None:
    events = [
        event(UUID(int=n), datetime(2026, 11, 1, 23, 59, 59, tzinfo=UTC) + timedelta(seconds=n)) for n in range(20)
    ]
    async with running("recorder"):
        await send(installation, "funnel.lead_rejected", *events)
        await send(installation, "funnel.lead_rejected", *reversed(events), *events)
        await eventually(rows_of(db, "select count(*), count(distinct event_id) from app.pipeline_events"), [(20, 20)])
        await asyncio.sleep(0.5)
    assert await db.fetchval("select count(*) from app.pipeline_events") == 20


async def test_another_body_under_a_known_id_is_stored_and_reported(
    running: Running, installation: Installation, db: Any
) -> None:
    event_id, time = uuid4(), datetime.now(UTC)
    async with running("recorder"):
        await send(installation, "funnel.lead_rejected", event(event_id, time))
        await eventually(rows_of(db, "select count(*) from app.pipeline_events"), [(1,)])
        await send(installation, "funnel.lead_rejected", event(event_id, time, lead_version=9))
        await eventually(rows_of(db, "select count(*) from app.pipeline_events"), [(2,)])
    assert await db.fetchval("select count(*) from app.pipeline_events where outcome = 'id_used_twice'") == 1


def dead_letter(
    event_id: UUID,
    replay_number: int = 0,
    retry_after: datetime | None = None,
    topic: str = "ingest.deals",
    **more: Any,
) -> tuple[bytes, Headers]:
    encrypted = KEYS.encrypt(
        "dead-letter", event_id.bytes, pack_message(b"k", [("a", b"\xff"), ("n", None), ("ce_id", b"old")], b"value")
    )
    now = datetime.now(UTC)
    body = DeadLetter(
        event_id=event_id, consumer="billing.take_deal", replay_number=replay_number, failure_kind="bad_record", reason="x", origin_topic=topic,
        first_failed_at=now, last_failed_at=now, origin_partition=0, origin_offset=5, origin_timestamp=1, service_version="1",
        retry_after=retry_after, payload=b64encode(encrypted).decode(), **more,
    )  # fmt: skip
    return body.model_dump_json().encode(), []


def resolved_notice(event_id: UUID, replay_number: int) -> tuple[bytes, Headers]:
    return DeadLetterResolved(
        event_id=event_id, consumer="billing.take_deal", replay_number=replay_number
    ).model_dump_json().encode(), []


DEAD_LETTER_STATE = "select status::text, replay_number from pipeline.pipeline_dlq"


async def receive_messages(installation: Installation, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(
        installation.prefix + topic, bootstrap_servers=installation.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        return [await asyncio.wait_for(consumer.getone(), 15) for _ in range(count)]
    finally:
        await consumer.stop()


async def test_a_due_dead_letter_is_replayed_unchanged_to_its_consumer(
    running: Running, installation: Installation, db: Any
) -> None:
    event_id = uuid4()
    async with running("recorder", recorder_replay_seconds=0.2):
        await send(installation, "pipeline.dlq", dead_letter(event_id, retry_after=datetime.now(UTC)))
        [record] = await receive_messages(installation, "ingest.deals", 1)
        await eventually(rows_of(db, DEAD_LETTER_STATE), [("retrying", 1)])
        headers = dict(record.headers)
        assert (record.key, record.value, headers["a"], headers["n"]) == (b"k", b"value", b"\xff", None)
        assert (headers["ce_id"], headers["ec_for"], headers["ec_replay"]) == (
            str(event_id).encode(),
            b"billing.take_deal",
            b"1",
        )
        await send(installation, "pipeline.dlq", resolved_notice(event_id, 1))
        await eventually(rows_of(db, DEAD_LETTER_STATE), [("resolved", 1)])


async def test_a_dead_letter_that_keeps_failing_is_parked_at_the_limit(
    running: Running, installation: Installation, db: Any
) -> None:
    event_id = uuid4()
    async with running("recorder", recorder_replay_seconds=0.2, recorder_replay_limit=2):
        for replay_number in range(3):
            await send(installation, "pipeline.dlq", dead_letter(event_id, replay_number, datetime.now(UTC)))
            await eventually(
                rows_of(db, DEAD_LETTER_STATE),
                [("retrying", replay_number + 1)] if replay_number < 2 else [("parked", 2)],
            )


async def test_a_message_about_an_earlier_replay_never_overwrites_a_later_one(
    running: Running, installation: Installation, db: Any
) -> None:
    one, two = uuid4(), uuid4()
    async with running("recorder"):
        await send(
            installation,
            "pipeline.dlq",
            dead_letter(one, 1),
            resolved_notice(one, 0),
            dead_letter(one, 0),
            resolved_notice(two, 1),
            dead_letter(two, 0),
            dead_letter(two, 0),
        )
        await send(installation, "pipeline.dlq", dead_letter(UUID(int=1)))
        await eventually(rows_of(db, "select count(*) from pipeline.pipeline_dlq"), [(3,)])
    states = {
        row["event_id"]: (row["status"], row["replay_number"])
        for row in await db.fetch("select * from pipeline.pipeline_dlq")
    }
    assert states[one] == ("open", 1)
    assert states[two] == ("resolved", 1)


async def test_an_unreadable_dead_letter_is_parked_with_its_digest(
    running: Running, installation: Installation, db: Any
) -> None:
    whole = json.loads(dead_letter(uuid4())[0])
    async with running("recorder"):
        await send(
            installation, "pipeline.dlq", (b"\xff", []), (b"{}", []), (json.dumps(whole | {"payload": "%%"}).encode(), []),
            (json.dumps(whole | {"origin_timestamp": 10**18}).encode(), []), (None, []), dead_letter(uuid4()),
        )  # fmt: skip
        await eventually(rows_of(db, "select count(*) from pipeline.pipeline_dlq"), [(6,)])
    assert await db.fetchval("select count(*) from pipeline.pipeline_dlq where status = 'parked'") == 5


REQUEST_REPLAY = "select count(*) from pipeline.replay_dead_letters($1, $2, $3, $4, $5, $6, 'tester')"


async def test_a_requested_replay_can_be_dry_and_bounded_in_time_and_is_recorded(
    running: Running, installation: Installation, db: Any
) -> None:
    async with running("recorder", recorder_replay_seconds=0.2):
        await send(installation, "pipeline.dlq", dead_letter(uuid4()), dead_letter(uuid4()))
        await eventually(rows_of(db, "select count(*) from pipeline.pipeline_dlq"), [(2,)])
        before = datetime.now(UTC) - timedelta(hours=1)
        assert await db.fetchval(REQUEST_REPLAY, None, None, before, None, False, False) == 0
        assert await db.fetchval(REQUEST_REPLAY, "other.consumer", None, None, None, False, False) == 0
        assert await db.fetchval(REQUEST_REPLAY, "billing.take_deal", None, None, None, False, True) == 2
        await asyncio.sleep(0.6)
        assert await rows_of(db, DEAD_LETTER_STATE)() == [("open", 0), ("open", 0)]
        assert await db.fetchval(REQUEST_REPLAY, "billing.take_deal", None, None, None, False, False) == 2
        await eventually(rows_of(db, DEAD_LETTER_STATE), [("retrying", 1), ("retrying", 1)])
    assert await db.fetchval("select count(*) from pipeline.dlq_replays") == 4
