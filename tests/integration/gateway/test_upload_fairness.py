"""A small upload overtakes large ones: uploads alternate, and rows wait in the spool and not on the topic."""

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from gateway.uploads import backlog
from gateway.uploads.backlog import PublishedOffsets
from gateway.uploads.chunks import MAX_CHUNK_ROWS
from gateway.uploads.publisher import UploadPublisher
from support.partner import Partner, csv_of

BACKLOG_ROWS = 2_000
LARGE_ROWS = 20_000
_ROWS_WITHOUT_OUTCOME = """
select upload.rows_published - coalesce((select sum(inserted + updated + duplicate + rejected) from app.upload_tallies
  where upload_id = upload.id), 0)
from app.uploads upload
where upload.id = $1::text::uuid
"""


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


async def test_a_small_upload_waits_behind_a_bounded_number_of_rows_of_a_large_one(
    running: Any, session: aiohttp.ClientSession, db: Any
) -> None:
    options = {"gateway_max_backlog_rows": BACKLOG_ROWS, "kafka_session_seconds": 30}  # no rebalance on a busy machine
    async with running("gateway", "ingest", gateway_port=0, **options) as (gateway, _):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        _, big = await partner.upload(csv_of(LARGE_ROWS))
        ahead = []
        while await db.fetchval("select rows_published from app.uploads") <= BACKLOG_ROWS + MAX_CHUNK_ROWS:
            await asyncio.sleep(0.01)
        _, small = await partner.upload(csv_of(10, start=LARGE_ROWS))
        while (await partner.fetch_report(small["upload_id"]))["state"] != "done":
            ahead.append(await db.fetchval(_ROWS_WITHOUT_OUTCOME, big["upload_id"]))
        assert (await partner.fetch_report(big["upload_id"]))["state"] == "publishing"
        report = await partner.wait_for_state(big["upload_id"], "done", 60)
    assert report["inserted"] == LARGE_ROWS
    # The limit, the chunk that began just below it, and batches of ingest whose offsets are not committed yet.
    assert max(ahead) <= BACKLOG_ROWS + MAX_CHUNK_ROWS + 2_000, ahead


async def test_uploads_alternate_although_one_is_published_at_a_time(
    running: Any, session: aiohttp.ClientSession, db: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (gateway,):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        big = [(await partner.upload(csv_of(LARGE_ROWS, start=part * LARGE_ROWS)))[1]["upload_id"] for part in range(2)]
        _, small = await partner.upload(csv_of(10, start=2 * LARGE_ROWS))
    async with running("gateway", gateway_port=0, gateway_publish_concurrency=1) as (gateway,):
        partner.base = f"http://127.0.0.1:{gateway.parts[-1].port}"
        for upload in (*big, small["upload_id"]):
            await partner.wait_for_state(upload, "accounted")
    order = [str(row["id"]) for row in await db.fetch("select id from app.uploads order by published_at")]
    assert order[0] == small["upload_id"], "it came last and waits for one chunk only"


@pytest.mark.parametrize(
    ("committed", "unhandled"), [({}, 300), ({0: 1_000}, 300), ({0: 1_100, 1: 50}, 150), ({0: 9_999, 1: 9_999}, 0)]
)
def test_rows_that_ingest_has_not_committed_are_unhandled(committed: dict[int, int], unhandled: int) -> None:
    offsets = PublishedOffsets()
    offsets.record_batch(0, 1_000, 100)
    offsets.record_batch(0, 1_100, 100)
    offsets.record_batch(1, 0, 100)
    assert offsets.count_unhandled(committed) == unhandled


def test_a_topic_that_was_created_again_is_counted_from_its_new_start() -> None:
    offsets = PublishedOffsets()
    offsets.record_batch(0, 9_000, 500)
    offsets.record_batch(0, 0, 100)
    assert offsets.count_unhandled({}) == 100
    assert offsets.count_unhandled({0: 60}) == 40


def test_an_acknowledgement_without_an_offset_changes_nothing() -> None:
    offsets = PublishedOffsets()
    offsets.record_batch(0, -1, 100)
    assert offsets.count_unhandled({}) == 0


async def test_rows_of_a_deleted_topic_delay_no_others(
    running: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MAX_WAIT_WITHOUT_COMMIT_SECONDS", 0.5)
    async with running("gateway", "ingest", gateway_port=0, gateway_max_backlog_rows=BACKLOG_ROWS) as (gateway, _):
        for part in gateway.parts:
            if isinstance(part, UploadPublisher):
                for partition in range(12):
                    part._backlog.offsets.record_batch(partition, 1_000_000, 1_000)
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        _, answer = await partner.upload(csv_of(4_000))
        await partner.wait_for_state(answer["upload_id"], "done", 60)
