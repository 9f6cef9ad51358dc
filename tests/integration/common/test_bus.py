"""Delivery guarantee, on real Kafka and PostgreSQL: every effect once, every event at least once."""

import asyncio
from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from aiokafka import AIOKafkaConsumer

from common import ids
from common.bus import BadRecordError, Batch, Tx, VendorUnavailableError
from common.bus.dead_letter_message import unpack_message
from support.probe import KEYS, Counted, Ping, Probe, count, dead_letters, eventually, ping, record, running, send


async def test_each_message_has_its_effect_once(probe: Probe) -> None:
    messages = [ping(n) for n in range(50)]
    async with running(probe):
        await send(probe, *messages)
        await send(probe, *messages)
        await eventually(probe.effects, list(range(50)))
        await asyncio.sleep(0.5)
        assert await probe.effects() == list(range(50))


async def test_a_restarted_consumer_continues_at_its_position(
    probe: Probe, schema: str, kafka: str, topics: str
) -> None:
    async with running(probe):
        await send(probe, *(ping(n) for n in range(10)))
        await eventually(probe.effects, list(range(10)))
    await send(probe, *(ping(n) for n in range(10, 20)))
    async with running(Probe(schema, kafka, topics)) as again:
        await eventually(again.effects, list(range(20)))


async def test_a_bad_record_becomes_a_dead_letter_and_the_other_records_are_handled(probe: Probe) -> None:
    async with running(probe):
        await send(
            probe,
            ping(1),
            (b"\xff\x00 not json", []),
            (None, [("content-type", b"application/json")]),
            (b'{"n": "many"}', [("ce_id", None), ("x", b"\xff\xfe")]),
            (b'{"n": 7, "text": "\\ud800"}', []),
            ping(2),
        )
        await eventually(probe.effects, [1, 2])
        found = await dead_letters(probe, 4)
    assert {letter["reason"] for letter in found} == {"invalid_message"}
    assert {letter["consumer"] for letter in found} == {"probe.record"}
    payloads = {
        unpack_message(KEYS.decrypt("dead-letter", UUID(d["event_id"]).bytes, b64decode(d["payload"])))[2]
        for d in found
    }
    assert payloads == {b"\xff\x00 not json", None, b'{"n": "many"}', b'{"n": 7, "text": "\\ud800"}'}


async def test_a_record_that_the_database_refuses_is_found_by_halving(probe: Probe) -> None:
    calls = 0

    async def write_strictly(tx: Tx, items: Sequence[Counted]) -> None:
        for item in items:
            if item.n == 13:
                await tx.connection.execute("select 1 / 0")
        await count(tx, items)

    async def record_strictly(batch: Batch[Ping]) -> None:
        nonlocal calls
        calls += 1
        await batch.commit([Counted(received) for received in batch], write_strictly)

    await send(probe, *(ping(n) for n in range(20)))
    async with running(probe, record_strictly):
        await eventually(probe.effects, [n for n in range(20) if n != 13])
        [letter] = await dead_letters(probe, 1)
    assert (letter["reason"], letter["failure_kind"]) == ("sqlstate_22012", "bad_record")
    assert calls <= 3, "the handler must not run again for each half"


async def test_a_missing_column_pauses_the_consumer_without_dead_letters(probe: Probe) -> None:
    async with running(probe):
        await probe.execute("alter table svc_probe.effects rename column n to m")
        await send(probe, *(ping(n) for n in range(5)))
        await eventually(_is_paused(probe), True)
        await asyncio.sleep(1)
        assert await probe.bus.stuck_reasons() == []
        await probe.execute("alter table svc_probe.effects rename column m to n")
        await eventually(probe.effects, list(range(5)))
        assert await probe.scalar("select count(*) from svc_probe.inbox") == 5


async def test_a_broken_deployment_writes_no_dead_letters(probe: Probe) -> None:
    async def broken(_batch: Batch[Ping]) -> None:
        raise KeyError("oops")

    await send(probe, *(ping(n) for n in range(40)))
    async with running(probe, broken):
        await eventually(_is_paused(probe), True)
        await asyncio.sleep(1.5)
        assert await probe.scalar("select count(*) from svc_probe.inbox") == 0


async def test_a_pause_ends_when_the_message_goes_to_another_member(
    probe: Probe, schema: str, kafka: str, topics: str
) -> None:
    """Otherwise the service would not be ready before the next message, which may take days."""
    first = True

    async def pause_once(batch: Batch[Ping]) -> None:
        nonlocal first
        if first:
            first = False
            raise VendorUnavailableError("a vendor", timedelta(hours=1))
        await record(batch)

    async with running(probe, pause_once):
        await send(probe, ping(1))
        await eventually(_is_paused(probe), True)
        async with running(Probe(schema, kafka, topics), pause_once):
            await eventually(_is_paused(probe), False)


def _is_paused(probe: Probe) -> Callable[[], Awaitable[bool]]:
    async def is_paused() -> bool:
        return bool(probe.bus.pause_reasons)

    return is_paused


async def test_an_unexpected_failure_among_good_records_is_a_dead_letter_after_three_attempts(probe: Probe) -> None:
    attempts: list[int] = []

    async def fail_three(batch: Batch[Ping]) -> None:
        for received in batch:
            if received.event.n == 3:
                attempts.append(3)
                raise KeyError("no")
        await record(batch)

    await send(probe, *(ping(n) for n in range(30)))
    async with running(probe, fail_three):
        await eventually(probe.effects, [n for n in range(30) if n != 3])
        [letter] = await dead_letters(probe, 1)
    assert (letter["reason"], letter["attempts"]) == ("KeyError", 3)


async def test_a_replay_reaches_only_the_consumer_it_names(probe: Probe) -> None:
    seen: list[int] = []

    async def other(batch: Batch[Ping]) -> None:
        """Another consumer of the same topic."""
        seen.extend(received.event.n for received in batch)

    probe.bus.on(Ping)(other)
    event_id = ids.new_id()
    value, headers = ping(5, event_id)
    replay = [
        ("ec_replay", b"1"),
        ("ec_for", b"probe.record"),
        ("ec_replaytime", datetime.now(UTC).isoformat().encode()),
    ]
    async with running(probe):
        await send(probe, (value, headers))
        await eventually(probe.effects, [5])
        await send(probe, (value, [*headers, *replay]), (value, [*headers, *replay]))
        await eventually(probe.effects, [5, 5])
        await asyncio.sleep(0.3)
        assert await probe.effects() == [5, 5]
        [notice] = await dead_letters(probe, 1)
    assert seen == [5]
    assert (notice["resolved"], notice["event_id"], notice["replay_number"]) == (True, str(event_id), 1)


async def test_another_body_under_a_known_id_is_a_dead_letter(probe: Probe) -> None:
    event_id = uuid4()
    async with running(probe):
        await send(probe, ping(1, event_id))
        await eventually(probe.effects, [1])
        time = datetime.now(UTC)
        await send(probe, ping(2, event_id, time), ping(2, event_id, time))
        [letter] = await dead_letters(probe, 1)
    assert letter["reason"] == "id_used_twice"
    assert await _effects_of(probe) == [1]


async def _effects_of(probe: Probe) -> list[int]:
    await probe.database.start()
    try:
        return await probe.effects()
    finally:
        await probe.database.stop()


async def test_an_event_that_is_too_old_or_in_the_future_is_a_dead_letter(probe: Probe) -> None:
    async with running(probe):
        await send(
            probe,
            ping(1, time=datetime.now(UTC) - timedelta(days=40)),
            ping(2, time=datetime.now(UTC) + timedelta(days=3)),
            ping(3),
        )
        await eventually(probe.effects, [3])
        found = await dead_letters(probe, 2)
    assert {letter["reason"] for letter in found} == {"too_old", "time_in_future"}


async def test_a_dead_letter_of_a_rejected_record_has_the_reason(probe: Probe) -> None:
    async def reject_negative(batch: Batch[Ping]) -> None:
        good = []
        for received in batch:
            if received.event.n < 0:
                batch.reject(received, "negative", "n must not be negative")
            else:
                good.append(Counted(received))
        await batch.commit(good, count)

    async with running(probe, reject_negative):
        await send(probe, ping(-1), ping(1))
        await eventually(probe.effects, [1])
        [letter] = await dead_letters(probe, 1)
    assert (letter["reason"], letter["detail"]) == ("negative", "n must not be negative")


async def test_a_lost_connection_repeats_the_commit_and_not_the_handler(probe: Probe) -> None:
    handled = 0

    async def write_and_disconnect(tx: Tx, items: Sequence[Counted]) -> None:
        await count(tx, items)
        if not await probe.scalar("select exists (select from svc_probe.inbox)") and handled == 1 and not disconnected:
            disconnected.append(True)
            await probe.scalar("select pg_terminate_backend($1)", tx.connection.get_server_pid())

    async def commit_through_lost_connection(batch: Batch[Ping]) -> None:
        nonlocal handled
        handled += 1
        await batch.commit([Counted(received) for received in batch], write_and_disconnect)

    disconnected: list[bool] = []
    await send(probe, *(ping(n) for n in range(10)))
    async with running(probe, commit_through_lost_connection, max_records=10):
        await eventually(probe.effects, list(range(10)))
    assert disconnected


async def test_the_outbox_is_published_in_order_and_a_too_large_row_does_not_block_it(probe: Probe) -> None:
    async def write(tx: Tx) -> None:
        for n in range(3):
            tx.emit_raw("ingest.deals", b"k", [("n", str(n).encode())], b"x")
        tx.emit_raw("ingest.deals", b"k", [], b"x" * 5_000_000)
        tx.emit_raw("ingest.deals", b"k", [], b"x" * 1_500_000)
        tx.emit_raw("ingest.deals", b"k", [("n", b"3"), ("empty", None), ("bytes", b"\xff")], b"x")

    async with running(probe, None):
        await probe.bus.transact(write)

        async def outbox_rows() -> int:
            return int(await probe.scalar("select count(*) from svc_probe.outbox"))

        await eventually(outbox_rows, 0)
        reasons = await probe.scalar("select array_agg(reason order by id) from svc_probe.outbox_rejected")
        assert reasons == ["MessageSizeTooLargeError"] * 2, "rejected by the client, and by the broker"
    consumer = AIOKafkaConsumer(
        probe.bus.topic("ingest.deals"),
        bootstrap_servers=probe.settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        numbers = [
            dict(record.headers)["n"] for record in [await asyncio.wait_for(consumer.getone(), 10) for _ in range(4)]
        ]
    finally:
        await consumer.stop()
    assert numbers == [b"0", b"1", b"2", b"3"]


async def test_a_rule_that_one_record_breaks_in_the_commit_makes_one_dead_letter(probe: Probe) -> None:
    async def write_strictly(tx: Tx, items: Sequence[Counted]) -> None:
        if any(item.n == 2 for item in items):
            raise BadRecordError("no_twos", "two is not allowed")
        await count(tx, items)

    async def record_but_two(batch: Batch[Ping]) -> None:
        await batch.commit([Counted(received) for received in batch], write_strictly)

    async with running(probe, record_but_two):
        await send(probe, *(ping(n) for n in range(5)))
        await eventually(probe.effects, [0, 1, 3, 4])
        [letter] = await dead_letters(probe, 1)
    assert letter["reason"] == "no_twos"
