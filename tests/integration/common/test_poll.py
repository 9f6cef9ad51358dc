"""Polls of Kafka: every codec is read, an error loses no record, and a stalled partition is reported."""

import asyncio
import json
import shutil
import struct
import subprocess
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
)
from structlog.testing import capture_logs

from common.bus.dead_letter_message import unpack_message
from common.bus.poll import LosslessConsumer
from common.service import Service
from local_services import start_kafka
from local_services.debian import install
from support import topics as topic_support
from support.installation import Installation
from support.probe import KEYS, Ping, Probe, dead_letters, eventually, ping, running, send

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
TOPIC = Ping.topic


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Kafka server whose log files a test may damage."""
    server = start_kafka(tmp_path_factory.mktemp("damaged") / "kafka")
    yield server
    server.kill()


@pytest.fixture
async def damaged_probe(schema: str, own_kafka: Any, topic_prefix: str) -> Probe:
    """Probe on that Kafka, with three partitions of its topic."""
    probe = Probe(schema, own_kafka.bootstrap, topic_prefix, progress_check_seconds=0.2, progress_limit_seconds=1)
    async with admin_of(probe) as admin:
        await admin.create_topics([NewTopic(probe.bus.topic(name), 3, 1) for name in (TOPIC, "pipeline.dlq")])
    return probe


@asynccontextmanager
async def admin_of(probe: Probe) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=probe.settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def producer_of(probe: Probe, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=probe.settings.kafka_bootstrap_servers, max_batch_size=500_000, **options
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def put_batch(producer: AIOKafkaProducer, topic: str, partition: int, numbers: range, codec: str = "") -> None:
    """Send one batch of pings to one partition."""
    batch = producer.create_batch()
    for n in numbers:
        value, headers = ping(n)
        assert batch.append(
            key=None, value=value, timestamp=None, headers=[(name, content or b"") for name, content in headers]
        )
    await (await producer.send_batch(batch, topic, partition=partition))


def kcat() -> str:
    """Return the path of kcat, a Kafka client that uses librdkafka."""
    if shutil.which("kcat") is None:
        install(["kcat"])
    return shutil.which("kcat") or "kcat"


@pytest.mark.parametrize("codec", CODECS)
async def test_batches_of_another_client_are_read_in_every_codec(probe: Probe, codec: str) -> None:
    lines = b"".join(json.dumps({"n": n, "text": "x" * 200}).encode() + b"\n" for n in range(100))
    command = [
        kcat(), "-P", "-b", probe.settings.kafka_bootstrap_servers, "-t", probe.bus.topic(TOPIC), "-z", codec,
        "-X", "linger.ms=200",
    ]  # fmt: skip
    done = await asyncio.to_thread(subprocess.run, command, input=lines, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    async with running(probe):
        await eventually(probe.effects, list(range(100)))


async def test_a_damaged_batch_is_one_dead_letter_and_all_other_records_are_handled(damaged_probe: Probe) -> None:
    topic = damaged_probe.bus.topic(TOPIC)
    async with producer_of(damaged_probe) as producer:
        await put_batch(producer, topic, 0, range(10))
        await put_batch(producer, topic, 0, range(10, 20))
        await put_batch(producer, topic, 0, range(20, 30))
        for partition in (1, 2):
            await put_batch(producer, topic, partition, range(partition * 1000, partition * 1000 + 300))
    damage(log_file(damaged_probe, topic, 0), batch=1)
    async with running(damaged_probe):
        expected = [*range(10), *range(20, 30), *range(1000, 1300), *range(2000, 2300)]
        await eventually(partial(wrong_effects, damaged_probe, expected), [])
        [letter] = await dead_letters(damaged_probe, 1)
    assert letter["reason"] == "undecodable_batch"
    assert letter["failure_kind"] == "bad_record"
    assert (letter["origin_partition"], letter["origin_offset"]) == (0, 19)
    assert "offsets 10 to 19" in letter["detail"]
    _key, _headers, value = unpack_message(decrypted_payload(letter))
    assert value is not None
    assert struct.unpack_from(">q", value) == (10,)
    assert len(value) > 500


async def test_a_damaged_batch_stays_skipped_after_a_restart(damaged_probe: Probe, schema: str) -> None:
    topic = damaged_probe.bus.topic(TOPIC)
    async with producer_of(damaged_probe) as producer:
        await put_batch(producer, topic, 0, range(10))
    damage(log_file(damaged_probe, topic, 0), batch=0)
    async with running(damaged_probe):
        await dead_letters(damaged_probe, 1)
        await eventually(lambda: committed_offset(damaged_probe, 0), 10)
    again = Probe(schema, damaged_probe.settings.kafka_bootstrap_servers, damaged_probe.settings.kafka_topic_prefix)
    async with running(again):
        await send(again, ping(77))
        await eventually(again.effects, [77])
    assert len(await dead_letters(again, 1)) == 1


@pytest.mark.parametrize(
    "error",
    [
        UnsupportedCodecError("Unknown compression codec 0x05"),
        CorruptRecordException("Invalid CRC"),
        KafkaError("Control batch did not contain any records"),
        TopicAuthorizationFailedError("topic"),
        ValueError("an error of a decoder"),
        struct.error("unpack requires a buffer of 4 bytes"),
        AssertionError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_poll_that_raises_loses_no_record(
    probe: Probe, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoding of one partition raises twice in the middle of the fetched data, after other partitions were drained."""
    monkeypatch.setattr("common.bus.poll.BLOCKED_RETRY_SECONDS", 0.1)
    monkeypatch.setattr("common.bus.poll.DECODE_RETRY_SECONDS", 0.1)
    errors_left = [2]
    unpack_records = fetcher.PartitionRecords._unpack_records

    def unpack_with_errors(self: Any) -> Iterator[Any]:
        for record in unpack_records(self):
            if record.partition == 1 and record.offset == 150 and errors_left[0]:
                errors_left[0] -= 1
                raise error
            yield record

    monkeypatch.setattr(fetcher.PartitionRecords, "_unpack_records", unpack_with_errors)
    topic = probe.bus.topic(TOPIC)
    async with producer_of(probe) as producer:
        for partition in range(3):
            await put_batch(producer, topic, partition, range(partition * 1000, partition * 1000 + 200))
    async with running(probe):
        expected = [number + n for number in (0, 1000, 2000) for n in range(200)]
        await eventually(partial(wrong_effects, probe, expected), [])
        assert errors_left == [0]
        for partition in range(3):
            await eventually(partial(committed_offset, probe, partition), 200)


async def test_polls_of_aiokafka_itself_lose_records(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """This is the reason for LosslessConsumer. When the test fails, aiokafka was repaired and the class can be removed."""
    topic = probe.bus.topic(TOPIC)
    async with producer_of(probe) as producer:
        for partition in range(3):
            await put_batch(producer, topic, partition, range(10))
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=probe.settings.kafka_bootstrap_servers, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(10):
            while len(consumer._fetcher._records) < 3:
                await asyncio.sleep(0.02)
        *_, last = consumer._fetcher._records.values()
        monkeypatch.setattr(last, "getall", lambda _most: (_ for _ in ()).throw(CorruptRecordException("Invalid CRC")))
        with pytest.raises(CorruptRecordException):
            await consumer.getmany()
        positions = [await consumer.position(TopicPartition(topic, partition)) for partition in range(3)]
        assert sorted(positions) == [0, 10, 10]
    finally:
        await consumer.stop()


async def test_messages_of_an_aborted_transaction_have_no_effect(probe: Probe) -> None:
    async with producer_of(probe, transactional_id=probe.bus.topic("aborting")) as producer:
        for first, aborts in ((0, True), (10, False), (20, True)):
            await producer.begin_transaction()
            for n in range(first, first + 5):
                value, headers = ping(n)
                await producer.send(probe.bus.topic(TOPIC), value, headers=headers, partition=0)
            await (producer.abort_transaction() if aborts else producer.commit_transaction())
    async with running(probe):
        await send(probe, ping(99))
        await eventually(probe.effects, [10, 11, 12, 13, 14, 99])
        (instance,) = probe.bus.consumer_instances

        async def lag() -> int:
            await instance.measure_progress()
            return instance.progress.lag

        await eventually(lag, 0)


async def test_an_offset_that_kafka_lost_is_reported_and_consumption_continues_at_the_oldest_message(
    probe: Probe, schema: str, kafka: str, topics: str
) -> None:
    partition = TopicPartition(probe.bus.topic(TOPIC), 0)
    async with producer_of(probe) as producer:
        await put_batch(producer, partition.topic, 0, range(10))
    async with running(probe):
        await eventually(lambda: committed_offset(probe, 0), 10)
    async with producer_of(probe) as producer:
        await put_batch(producer, partition.topic, 0, range(10, 20))
    async with admin_of(probe) as admin:
        await admin.delete_records({partition: RecordsToDelete(15)})
    again = Probe(schema, kafka, topics)
    with capture_logs() as logs:
        async with running(again):
            await eventually(again.effects, [*range(10), *range(15, 20)])
    [entry] = [entry for entry in logs if entry["event"] == "offset_out_of_range"]
    assert (entry["partition"], entry["offset"], entry["log_level"]) == (0, 10, "error")


async def test_a_partition_that_is_never_fetched_makes_the_service_unready(installation: Installation) -> None:
    service = Service("ingest", installation.settings("ingest", progress_check_seconds=0.1, progress_limit_seconds=0.5))
    seen: list[int] = []

    async def take(batch: Any) -> None:
        seen.extend(received.record.partition for received in batch)

    service.bus.on_raw(["ingest.leads"])(take)
    async with installation.running(service):
        (instance,) = service.bus.consumer_instances
        await eventually(service.unready_reasons, [])
        kafka = instance.kafka()
        assert kafka is not None
        async with asyncio.timeout(15):
            while len(kafka.assignment()) < 12:
                await asyncio.sleep(0.02)
        kafka.pause(TopicPartition(f"{installation.prefix}ingest.leads", 7))
        producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
        await producer.start()
        for partition in (7, 8):
            await producer.send_and_wait(f"{installation.prefix}ingest.leads", b"{}", partition=partition)
        await producer.stop()
        async with asyncio.timeout(15):
            # Partition 8 of a new topic may be late.
            while len(problems := await service.unready_reasons()) != 1 or not seen:
                await asyncio.sleep(0.02)
        assert "ingest.leads[7] has made no progress" in problems[0]
        assert "1 messages behind" in problems[0]
        assert seen == [8]
        kafka.resume(TopicPartition(f"{installation.prefix}ingest.leads", 7))
        await eventually(service.unready_reasons, [])


async def test_a_deleted_topic_makes_the_service_unready_until_it_exists_again(
    schema: str, kafka: str, topics: str
) -> None:
    probe = Probe(schema, kafka, topics, progress_check_seconds=0.2)
    name = probe.bus.topic(TOPIC)
    async with running(probe), admin_of(probe) as admin:
        await send(probe, ping(1))
        await eventually(probe.effects, [1])
        await admin.delete_topics([name])

        async def stall_reasons() -> list[str]:
            return probe.bus.stall_reasons

        (instance,) = probe.bus.consumer_instances
        instance.kafka().refresh_metadata()  # type: ignore[union-attr]
        await eventually(
            stall_reasons, [f"probe.record-0: topics are missing in Kafka: {name}; run `equity topics apply`"]
        )
        await admin.create_topics([NewTopic(name, 3, 1)])
        await eventually(stall_reasons, [])
        await send(probe, ping(2))
        await eventually(probe.effects, [1, 2])


async def test_a_service_names_missing_topics_and_starts_once_they_exist(
    kafka: str, topic_prefix: str, database: Any, tmp_path: Path
) -> None:
    installation = Installation(kafka, topic_prefix, database, tmp_path)
    service = Service("ingest", installation.settings("ingest"))

    async def take(_batch: Any) -> None:
        """Accept the batch."""

    service.bus.on_raw(["ingest.leads"])(take)
    starting = asyncio.create_task(service.start())
    problem = f"starting: topics are missing in Kafka: {topic_prefix}ingest.leads; run `equity topics apply`"
    await eventually(service.unready_reasons, [problem])
    async with topic_support.created(kafka, topic_prefix):
        await starting
        await eventually(service.unready_reasons, [])
        await service.stop()


def log_file(probe: Probe, topic: str, partition: int) -> Path:
    """Return the log segment of a partition in the test's Kafka."""
    port = probe.settings.kafka_bootstrap_servers.rpartition(":")[2]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = process.read_text().split("\0")
        except OSError:
            continue
        if "kafka.Kafka" in arguments:
            directory = Path(arguments[arguments.index("kafka.Kafka") + 1]).parent
            port_file = directory / "port"  # another Kafka on this machine may be starting or ending
            if port_file.is_file() and port_file.read_text() == port:
                return directory / "data" / f"{topic}-{partition}" / "00000000000000000000.log"
    raise AssertionError(f"no Kafka on port {port}")


def damage(segment: Path, batch: int) -> None:
    """Flip a byte in the middle of the batch with the number *batch*."""
    data = bytearray(segment.read_bytes())
    start = 0
    for _ in range(batch):
        start += 12 + struct.unpack_from(">i", data, start + 8)[0]
    length = struct.unpack_from(">i", data, start + 8)[0]
    with segment.open("r+b") as file:
        file.seek(start + 12 + length // 2)
        file.write(bytes([data[start + 12 + length // 2] ^ 0xFF]))


def decrypted_payload(letter: dict[str, Any]) -> bytes:
    """Return the decrypted message of a dead letter."""
    return KEYS.decrypt("dead-letter", UUID(letter["event_id"]).bytes, b64decode(letter["payload"]))


async def wrong_effects(probe: Probe, expected: list[int]) -> list[int]:
    """Return the first effects that are missing or unexpected, and -1 if there are too many."""
    effects = await probe.effects()
    return sorted(set(expected) ^ set(effects))[:10] + ([-1] if len(effects) > len(expected) else [])


async def committed_offset(probe: Probe, partition: int) -> int | None:
    """Return the offset that the probe's group has committed."""
    async with admin_of(probe) as admin:
        offsets = await admin.list_consumer_group_offsets(probe.bus.prefixed("probe.record"))
    found = offsets.get(TopicPartition(probe.bus.topic(TOPIC), partition))
    return found.offset if found else None


async def test_a_record_that_is_too_large_for_a_fetch_is_not_skipped(probe: Probe) -> None:
    """aiokafka advances the position before it raises RecordTooLargeError."""
    partition = TopicPartition(probe.bus.topic(TOPIC), 0)
    async with producer_of(probe) as producer:
        await put_batch(producer, partition.topic, 0, range(10))
    consumer = LosslessConsumer(
        bootstrap_servers=probe.settings.kafka_bootstrap_servers, auto_offset_reset="none", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        async with asyncio.timeout(10):
            while partition not in consumer._fetcher._records:
                await asyncio.sleep(0.02)
            del consumer._fetcher._records[partition]
            consumer._fetcher._set_error(partition, RecordTooLargeError("too large at %s=%s", partition, 0, 1))
            consumer._subscription.subscription.assignment.state_value(partition).consumed_to(1)
            offsets: list[int] = []
            while len(offsets) < 10:
                found = await consumer.getmany(timeout_ms=100)
                offsets += [record.offset for record in found.get(partition, [])]
        assert offsets == list(range(10))
    finally:
        await consumer.stop()
