"""A small upload passes large ones: they take turns, and their rows wait in the spool and not on the topic."""

import asyncio
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from gateway import backlog
from gateway.backlog import Offsets
from gateway.publish import CHUNK_ROWS, Publisher
from support.partner import Partner, csv_of

AHEAD = 2_000
BIG = 20_000
_UNJUDGED = """
select upload.rows_published - coalesce((select sum(inserted + updated + duplicate + rejected) from app.upload_tallies
  where upload_id = upload.id), 0)
from app.uploads upload
where upload.id = $1::text::uuid
"""


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


async def test_a_small_upload_waits_behind_a_bounded_number_of_a_large_ones_rows(
    running: Any, session: aiohttp.ClientSession, db: Any
) -> None:
    async with running("gateway", "ingest", gateway_port=0, gateway_ahead_rows=AHEAD) as (gateway, _):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        _, big = await partner.upload(csv_of(BIG))
        ahead = []
        while await db.fetchval("select rows_published from app.uploads") <= AHEAD + CHUNK_ROWS:
            await asyncio.sleep(0.01)
        _, small = await partner.upload(csv_of(10, start=BIG))
        while (await partner.report(small["upload_id"]))["state"] != "done":
            ahead.append(await db.fetchval(_UNJUDGED, big["upload_id"]))
        assert (await partner.report(big["upload_id"]))["state"] == "publishing"
        report = await partner.until(big["upload_id"], "done", 60)
    assert report["inserted"] == BIG
    # The limit, the chunk that passed just below it, and the batches that ingest has committed and not yet told Kafka of.
    assert max(ahead) <= AHEAD + CHUNK_ROWS + 2_000, ahead


async def test_uploads_take_turns_although_one_is_sent_at_a_time(
    running: Any, session: aiohttp.ClientSession, db: Any
) -> None:
    async with running("gateway", gateway_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (gateway,):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        big = [(await partner.upload(csv_of(BIG, start=part * BIG)))[1]["upload_id"] for part in range(2)]
        _, small = await partner.upload(csv_of(10, start=2 * BIG))
    async with running("gateway", gateway_port=0, gateway_publish_at_once=1) as (gateway,):
        partner.base = f"http://127.0.0.1:{gateway.parts[-1].port}"
        for upload in (*big, small["upload_id"]):
            await partner.until(upload, "accounted")
    order = [str(row["id"]) for row in await db.fetch("select id from app.uploads order by published_at")]
    assert order[0] == small["upload_id"], "it came last and has one turn to wait for"


@pytest.mark.parametrize(
    ("committed", "unhandled"), [({}, 300), ({0: 1_000}, 300), ({0: 1_100, 1: 50}, 150), ({0: 9_999, 1: 9_999}, 0)]
)
def test_rows_that_ingest_has_not_committed_count(committed: dict[int, int], unhandled: int) -> None:
    offsets = Offsets()
    offsets.note(0, 1_000, 100)
    offsets.note(0, 1_100, 100)
    offsets.note(1, 0, 100)
    assert offsets.unhandled(committed) == unhandled


def test_a_topic_that_was_created_again_is_counted_from_its_new_start() -> None:
    offsets = Offsets()
    offsets.note(0, 9_000, 500)
    offsets.note(0, 0, 100)
    assert offsets.unhandled({}) == 100
    assert offsets.unhandled({0: 60}) == 40


def test_an_acknowledgement_without_an_offset_changes_nothing() -> None:
    offsets = Offsets()
    offsets.note(0, -1, 100)
    assert offsets.unhandled({}) == 0


async def test_rows_of_a_deleted_topic_hold_no_others_back(
    running: Any, session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "PATIENCE_SECONDS", 0.5)
    async with running("gateway", "ingest", gateway_port=0, gateway_ahead_rows=AHEAD) as (gateway, _):
        for part in gateway.parts:
            if isinstance(part, Publisher):
                for partition in range(12):
                    part._backlog.offsets.note(partition, 1_000_000, 1_000)
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
        _, answer = await partner.upload(csv_of(4_000))
        await partner.until(answer["upload_id"], "done", 60)
