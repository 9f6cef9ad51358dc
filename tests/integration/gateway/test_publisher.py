"""Every row reaches Kafka, whatever is killed, lost or away, and a repeat carries the same id."""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from common import ids
from common.bus import Bus
from common.contacts import Keyring
from common.database import Database
from gateway.publish import Publisher
from gateway.spool import Spool
from gateway.tend import Tender
from support.installation import Installation, Spawned
from support.partner import Partner, csv_of

ROWS = 20_000


async def progress(db: Any) -> int:
    return int(await db.fetchval("select rows_published from app.uploads"))


async def progressed(db: Any, rows: int) -> None:
    """Return once so many rows are noted as sent."""
    for _ in range(10_000):
        if await progress(db) >= rows:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("the rows are not being sent")


async def assert_all_rows(sent: Any, upload_id: str, rows: int) -> Counter[bytes]:
    """Every row of the upload is on the topic; how often each id is."""
    counted = Counter(dict(record.headers)["ce_id"] for record in await sent("ingest.leads"))
    assert set(counted) == {str(ids.upload_row_id(UUID(upload_id), row)).encode() for row in range(1, rows + 1)}
    return counted


async def started(spawn: Any, session: aiohttp.ClientSession, **more: str) -> tuple[Spawned, Partner]:
    gateway = await spawn("gateway", **more)
    return gateway, Partner(gateway.gateway, session, uuid4())


@pytest.mark.slow
async def test_a_gateway_killed_again_and_again_loses_no_row(
    spawn: Any, session: aiohttp.ClientSession, db: Any, sent: Any
) -> None:
    gateway, partner = await started(spawn, session)
    _, answer = await partner.upload(csv_of(ROWS))
    for kill_at in (1, 4_000, 9_000, 15_000):
        await progressed(db, kill_at)
        gateway.kill()
        before = await progress(db)
        assert before < ROWS
        gateway.start()
        await gateway.ready()
        assert await progress(db) >= before
    report = await partner.until(answer["upload_id"], "accounted")
    assert report["rows_total"] == ROWS
    counted = await assert_all_rows(sent, answer["upload_id"], ROWS)
    assert sum(counted.values()) <= ROWS + 4 * 2 * 1_000


@pytest.mark.slow
async def test_a_gateway_started_anew_goes_on_at_once(spawn: Any, session: aiohttp.ClientSession, db: Any) -> None:
    gateway, partner = await started(spawn, session)
    _, answer = await partner.upload(csv_of(ROWS))
    await progressed(db, 1)
    gateway.kill()
    assert await db.fetchval("select lease_until > now() + interval '20 seconds' from app.uploads")
    gateway.start()
    await gateway.ready()
    await partner.until(answer["upload_id"], "accounted", seconds=10)


@pytest.mark.slow
async def test_of_two_replicas_on_one_disk_one_may_die_and_no_row_is_lost(
    spawn: Any, session: aiohttp.ClientSession, sent: Any
) -> None:
    (one, first), (two, second) = await started(spawn, session), await started(spawn, session)
    answers = [await partner.upload(csv_of(3_000, start=n * 3_000)) for n, partner in enumerate([first, second] * 3)]
    one.kill()
    for _, answer in answers:
        await second.until(answer["upload_id"], "accounted")
    ids_sent = Counter(dict(record.headers)["ce_id"] for record in await sent("ingest.leads"))
    assert len(ids_sent) == 18_000
    assert two.process is not None
    assert two.process.poll() is None


async def test_a_replica_does_not_touch_what_lies_on_anothers_disk(
    running: Any, session: aiohttp.ClientSession, installation: Installation, db: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (one,):
        partner = Partner(f"http://127.0.0.1:{one.parts[-1].port}", session, uuid4())
        _, answer = await partner.upload(csv_of(10))
        other_disk = installation.directory / "other"
        async with running("gateway", gateway_port=0, spool_directory=other_disk) as (two,):
            reader = Partner(f"http://127.0.0.1:{two.parts[-1].port}", session, uuid4())
            await asyncio.sleep(1.5)
            assert (await reader.report(answer["upload_id"]))["state"] in ("received", "publishing")
            status, again = await reader.upload(csv_of(10))
            assert (status, again["upload_id"]) == (409, answer["upload_id"])


async def test_what_waited_while_kafka_was_away_is_sent_when_it_is_back(
    running: Any, session: aiohttp.ClientSession, sent: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        status, answer = await partner.upload(csv_of(10))
        assert status == 202
        await asyncio.sleep(1)
    async with running("gateway", gateway_port=0) as (service,):
        partner.base = f"http://127.0.0.1:{service.parts[-1].port}"
        await partner.until(answer["upload_id"], "accounted")
    await assert_all_rows(sent, answer["upload_id"], 10)


async def test_who_lost_the_lease_notes_nothing(
    running: Any, session: aiohttp.ClientSession, db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending, go_on = asyncio.Event(), asyncio.Event()
    send = Publisher._send

    async def slow(self: Publisher, *arguments: Any) -> None:
        await send(self, *arguments)
        sending.set()
        await go_on.wait()

    monkeypatch.setattr(Publisher, "_send", slow)
    async with running("gateway", gateway_port=0) as (service,):
        partner = Partner(f"http://127.0.0.1:{service.parts[-1].port}", session, uuid4())
        await partner.upload(csv_of(10))
        await sending.wait()
        await db.execute("update app.uploads set lease_owner = 'somebody', spool_host = 'elsewhere'")
        go_on.set()
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
            patched.setattr(Publisher, "_send", fail)
            patched.setattr("gateway.publish.FIRST_PAUSE", 0.01)
            _, answer = await partner.upload(csv_of(10))
            report = await partner.until(answer["upload_id"], "failed")
        assert "ZeroDivisionError" in report["problem"]
        status, again = await partner.upload(csv_of(10))
        assert (status, again["upload_id"]) == (202, answer["upload_id"])
        await partner.until(answer["upload_id"], "accounted")


@pytest.fixture
async def tender(settings_for: Any, installation: Installation) -> AsyncIterator[tuple[Tender, Spool]]:
    """What tends uploads, on a disk of its own, without a gateway."""
    settings = settings_for("gateway")
    database = Database(settings, "gateway")
    await database.start()
    spool = Spool(installation.directory / "spool", 0)
    spool.open()
    publisher = Publisher(Bus("gateway", settings, database, Keyring.from_settings(settings)), spool, 1)
    yield Tender(database, spool, publisher, 900), spool
    await database.stop()


async def add_upload(db: Any, disk: str, state: str = "publishing", idle: str = "0 minutes") -> UUID:
    partner_id, upload_id = uuid4(), uuid4()
    await db.execute("insert into app.partners (id, name) values ($1, $2)", partner_id, str(partner_id))
    await db.execute(
        "insert into app.uploads"
        " (id, partner_id, key_id, sha256, size, spool_host, state, rows_total, received_at, lease_until)"
        " values ($1, $2, 'k', $3, 1, $4, $5, $6, now() - interval '1 day', now() - $7::text::interval)",
        upload_id, partner_id, os.urandom(32), disk, state, 3 if state == "accounted" else None, idle,
    )  # fmt: skip
    return upload_id


async def state_of(db: Any, upload_id: UUID) -> str:
    return str(await db.fetchval("select state::text from app.uploads where id = $1", upload_id))


async def test_files_of_a_lost_disk_are_asked_for_again(tender: tuple[Tender, Spool], db: Any) -> None:
    lost = await add_upload(db, "lost", idle="16 minutes")
    slow = await add_upload(db, "slow", idle="16 minutes")
    alive = await add_upload(db, "slow", idle="1 minute")
    mine = await add_upload(db, tender[1].disk, idle="16 minutes")
    await tender[0].give_up_lost_disks()
    states = [await state_of(db, upload) for upload in (lost, slow, alive, mine)]
    assert states == ["needs_resend", "publishing", "publishing", "publishing"]


async def test_a_disk_that_comes_back_is_taken_up_again(tender: tuple[Tender, Spool], db: Any) -> None:
    back = await add_upload(db, tender[1].disk, state="needs_resend")
    without_file = await add_upload(db, tender[1].disk, state="needs_resend")
    tender[1].path(back).write_text("x")
    await tender[0].clear_spool()
    assert [await state_of(db, upload) for upload in (back, without_file)] == ["received", "needs_resend"]
    assert tender[1].held() == [back]


async def test_files_nobody_needs_are_deleted(tender: tuple[Tender, Spool], db: Any) -> None:
    work, spool = tender
    kept = await add_upload(db, spool.disk, state="accounted")
    for upload_id in (
        kept,
        await add_upload(db, spool.disk, state="done"),
        await add_upload(db, "elsewhere"),
        orphan := uuid4(),
        just_taken := uuid4(),
    ):
        spool.path(upload_id).write_text("x")
    an_hour_ago = datetime.now(UTC).timestamp() - 3_700
    os.utime(spool.path(orphan), (an_hour_ago, an_hour_ago))
    cut = spool.path(orphan).with_suffix(".part")
    cut.write_text("x")
    os.utime(cut, (an_hour_ago, an_hour_ago))
    with spool.arriving() as (arriving, _):
        os.utime(arriving, (an_hour_ago, an_hour_ago))
        await work.clear_spool()
        assert arriving.exists()
    assert set(spool.held()) == {kept, just_taken}
    assert not cut.exists()


async def test_an_upload_is_done_when_its_tallies_add_up(tender: tuple[Tender, Spool], db: Any) -> None:
    upload_id = await add_upload(db, tender[1].disk, state="accounted")
    for number, expected in enumerate(["accounted", "accounted", "done"]):
        await db.execute("insert into app.upload_tallies (upload_id, rejected) values ($1, 1)", upload_id)
        await tender[0].settle()
        assert await state_of(db, upload_id) == expected, number
