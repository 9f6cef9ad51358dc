"""The jobs of the gateway: complete uploads, clear the spool, and ask for lost files."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from common.bus import Bus
from common.database import Database
from common.ids import PartnerId, UploadId
from common.pii.keyring import Keyring
from gateway.jobs import GatewayJobs
from gateway.uploads.publisher import UploadPublisher
from gateway.uploads.spool import Spool
from support.installation import Installation


@pytest.fixture
async def jobs_and_spool(settings_for: Any, installation: Installation) -> AsyncIterator[tuple[GatewayJobs, Spool]]:
    """Return the jobs with their spool, without a gateway."""
    settings = settings_for("gateway")
    database = Database(settings, "gateway")
    await database.start()
    spool = Spool(installation.directory / "spool", 0)
    spool.prepare_directory()
    publisher = UploadPublisher(Bus("gateway", settings, database, Keyring.from_settings(settings)), spool, 1)
    yield GatewayJobs(database, spool, publisher, 900), spool
    await database.stop()


async def add_upload(db: Any, disk: str, state: str = "publishing", idle: str = "0 minutes") -> UploadId:
    partner_id, upload_id = PartnerId(uuid4()), UploadId(uuid4())
    await db.execute("insert into app.partners (id, name) values ($1, $2)", partner_id, str(partner_id))
    await db.execute(
        "insert into app.uploads"
        " (id, partner_id, key_id, sha256, size, spool_disk_id, state, rows_total, received_at, lease_until)"
        " values ($1, $2, 'k', $3, 1, $4, $5, $6, now() - interval '1 day', now() - $7::text::interval)",
        upload_id, partner_id, os.urandom(32), disk, state, 3 if state == "accounted" else None, idle,
    )  # fmt: skip
    return upload_id


async def state_of(db: Any, upload_id: UploadId) -> str:
    return str(await db.fetchval("select state::text from app.uploads where id = $1", upload_id))


async def test_files_of_a_lost_disk_are_requested_again(jobs_and_spool: tuple[GatewayJobs, Spool], db: Any) -> None:
    jobs, spool = jobs_and_spool
    lost = await add_upload(db, "lost", idle="16 minutes")
    slow = await add_upload(db, "slow", idle="16 minutes")
    alive = await add_upload(db, "slow", idle="1 minute")
    local = await add_upload(db, spool.disk_id, idle="16 minutes")
    await jobs.request_lost_files()
    states = [await state_of(db, upload) for upload in (lost, slow, alive, local)]
    assert states == ["needs_resend", "publishing", "publishing", "publishing"]


async def test_uploads_of_a_disk_that_comes_back_are_requeued(
    jobs_and_spool: tuple[GatewayJobs, Spool], db: Any
) -> None:
    jobs, spool = jobs_and_spool
    back = await add_upload(db, spool.disk_id, state="needs_resend")
    without_file = await add_upload(db, spool.disk_id, state="needs_resend")
    spool.file_path(back).write_text("x")
    await jobs.clear_spool()
    assert [await state_of(db, upload) for upload in (back, without_file)] == ["received", "needs_resend"]
    assert spool.list_upload_ids() == [back]


async def test_files_that_are_no_longer_needed_are_deleted(jobs_and_spool: tuple[GatewayJobs, Spool], db: Any) -> None:
    jobs, spool = jobs_and_spool
    kept = await add_upload(db, spool.disk_id, state="accounted")
    for upload_id in (
        kept,
        await add_upload(db, spool.disk_id, state="done"),
        await add_upload(db, "elsewhere"),
        orphan := UploadId(uuid4()),
        just_stored := UploadId(uuid4()),
    ):
        spool.file_path(upload_id).write_text("x")
    an_hour_ago = datetime.now(UTC).timestamp() - 3_700
    os.utime(spool.file_path(orphan), (an_hour_ago, an_hour_ago))
    abandoned = spool.file_path(orphan).with_suffix(".part")
    abandoned.write_text("x")
    os.utime(abandoned, (an_hour_ago, an_hour_ago))
    with spool.open_incoming_file() as (incoming, _):
        os.utime(incoming, (an_hour_ago, an_hour_ago))
        await jobs.clear_spool()
        assert incoming.exists()
    assert set(spool.list_upload_ids()) == {kept, just_stored}
    assert not abandoned.exists()


async def test_an_upload_is_done_when_its_tallies_add_up(jobs_and_spool: tuple[GatewayJobs, Spool], db: Any) -> None:
    jobs, spool = jobs_and_spool
    upload_id = await add_upload(db, spool.disk_id, state="accounted")
    for number, expected in enumerate(["accounted", "accounted", "done"]):
        await db.execute("insert into app.upload_tallies (upload_id, rejected) values ($1, 1)", upload_id)
        await jobs.complete_uploads()
        assert await state_of(db, upload_id) == expected, number
