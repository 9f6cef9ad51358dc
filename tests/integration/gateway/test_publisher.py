"""Every row reaches Kafka after kills, losses and outages, and a repeated row has the same id."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from common import ids
from gateway.uploads.publisher import UploadPublisher
from support.installation import Installation, Spawned
from support.partner import Partner, csv_of

ROWS = 20_000


async def count_published(db: Any) -> int:
    return int(await db.fetchval("select rows_published from app.uploads"))


async def wait_for_published(db: Any, rows: int) -> None:
    """Return once *rows* rows are recorded as published."""
    for _ in range(10_000):
        if await count_published(db) >= rows:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the rows are not being published")


async def assert_all_rows(sent: Any, upload_id: str, rows: int) -> Counter[bytes]:
    """Assert that every row of the upload is on the topic; return how often each id occurs."""
    counted = Counter(dict(record.headers)["ce_id"] for record in await sent("ingest.leads"))
    assert set(counted) == {str(ids.upload_row_id(UUID(upload_id), row)).encode() for row in range(1, rows + 1)}
    return counted


async def start_gateway(spawn: Any, session: aiohttp.ClientSession, **more: str) -> tuple[Spawned, Partner]:
    gateway = await spawn("gateway", **more)
    return gateway, Partner(gateway.gateway, session, uuid4())


async def test_a_gateway_that_is_killed_repeatedly_loses_no_row(
    spawn: Any, session: aiohttp.ClientSession, db: Any, sent: Any
) -> None:
    gateway, partner = await start_gateway(spawn, session)
    _, answer = await partner.upload(csv_of(ROWS))
    for kill_at in (1, 4_000, 9_000, 15_000):
        await wait_for_published(db, kill_at)
        gateway.kill()
        before = await count_published(db)
        assert before < ROWS
        gateway.start()
        await gateway.ready()
        assert await count_published(db) >= before
    report = await partner.wait_for_state(answer["upload_id"], "accounted")
    assert report["rows_total"] == ROWS
    counted = await assert_all_rows(sent, answer["upload_id"], ROWS)
    assert sum(counted.values()) <= ROWS + 4 * 2 * 1_000


async def test_a_restarted_gateway_continues_at_once(spawn: Any, session: aiohttp.ClientSession, db: Any) -> None:
    gateway, partner = await start_gateway(spawn, session)
    _, answer = await partner.upload(csv_of(ROWS))
    await wait_for_published(db, 1)
    gateway.kill()
    assert await db.fetchval("select lease_until > now() + interval '20 seconds' from app.uploads")
    gateway.start()
    await gateway.ready()
    await partner.wait_for_state(answer["upload_id"], "accounted", seconds=10)


async def test_no_row_is_lost_when_one_of_two_replicas_on_a_disk_dies(
    spawn: Any, session: aiohttp.ClientSession, sent: Any
) -> None:
    (one, first), (two, second) = await start_gateway(spawn, session), await start_gateway(spawn, session)
    answers = [await partner.upload(csv_of(3_000, start=n * 3_000)) for n, partner in enumerate([first, second] * 3)]
    one.kill()
    for _, answer in answers:
        await second.wait_for_state(answer["upload_id"], "accounted")
    ids_sent = Counter(dict(record.headers)["ce_id"] for record in await sent("ingest.leads"))
    assert len(ids_sent) == 18_000
    assert two.process is not None
    assert two.process.poll() is None


async def test_a_replica_leaves_the_uploads_on_another_disk_alone(
    running: Any, session: aiohttp.ClientSession, installation: Installation, db: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (one,):
        partner = Partner(f"http://127.0.0.1:{one.parts[-1].port}", session, uuid4())
        _, answer = await partner.upload(csv_of(10))
        other_disk = installation.directory / "other"
        async with running("gateway", gateway_port=0, spool_directory=other_disk) as (two,):
            reader = Partner(f"http://127.0.0.1:{two.parts[-1].port}", session, uuid4())
            await asyncio.sleep(1.5)
            assert (await reader.fetch_report(answer["upload_id"]))["state"] in ("received", "publishing")
            status, again = await reader.upload(csv_of(10))
            assert (status, again["upload_id"]) == (409, answer["upload_id"])


async def test_uploads_that_waited_for_kafka_are_published_when_it_is_back(
    running: Any, session: aiohttp.ClientSession, sent: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        status, answer = await partner.upload(csv_of(10))
        assert status == 202
        await asyncio.sleep(1)
    async with running("gateway", gateway_port=0) as (service,):
        partner.base = f"http://127.0.0.1:{service.parts[-1].port}"
        await partner.wait_for_state(answer["upload_id"], "accounted")
    await assert_all_rows(sent, answer["upload_id"], 10)


async def test_a_process_that_lost_the_lease_records_no_progress(
    running: Any, session: aiohttp.ClientSession, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_sent, may_continue = asyncio.Event(), asyncio.Event()
    send_chunk = UploadPublisher._send_chunk

    async def slow(self: UploadPublisher, *arguments: Any) -> None:
        await send_chunk(self, *arguments)
        is_sent.set()
        await may_continue.wait()

    monkeypatch.setattr(UploadPublisher, "_send_chunk", slow)
    async with running("gateway", gateway_port=0) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        await partner.upload(csv_of(10))
        await is_sent.wait()
        await db.execute("update app.uploads set lease_owner = 'another process', spool_disk_id = 'elsewhere'")
        may_continue.set()
        await asyncio.sleep(0.3)
        assert tuple(await db.fetchrow("select rows_published, state::text from app.uploads")) == (0, "publishing")


async def test_an_upload_that_keeps_failing_counts_as_failed_and_may_be_sent_again(
    running: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise ZeroDivisionError

    async with running("gateway", gateway_port=0) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        with monkeypatch.context() as patched:
            patched.setattr(UploadPublisher, "_send_chunk", fail)
            patched.setattr("gateway.uploads.publisher.MIN_RETRY_SECONDS", 0.01)
            _, answer = await partner.upload(csv_of(10))
            report = await partner.wait_for_state(answer["upload_id"], "failed")
        assert "ZeroDivisionError" in report["problem"]
        status, again = await partner.upload(csv_of(10))
        assert (status, again["upload_id"]) == (202, answer["upload_id"])
        await partner.wait_for_state(answer["upload_id"], "accounted")
