"""Loss of the data of Kafka: services finish all pending work from state on a new cluster."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from local_services import KafkaServer, PostgresServer
from support import databases
from support import topics as topic_support
from support.installation import Installation
from support.killable_system import KillableSystem
from support.partner import Partner, csv_of

pytestmark = pytest.mark.timeout(300)
ROWS = 6_000
SHORT_INTERVALS = {
    "GATEWAY_STALLED_SECONDS": "3",
    "GATEWAY_STALLED_CHECK_SECONDS": "0.5",
    "FEEDER_RECOVERY_AGE_SECONDS": "2",
    "FEEDER_RECOVERY_CHECK_SECONDS": "0.5",
}


@pytest.fixture
async def system(own_servers: tuple[KafkaServer, PostgresServer], tmp_path: Path) -> AsyncIterator[KillableSystem]:
    """Spawn gateway, ingest and feeder, whose recovery jobs run every half a second."""
    kafka, postgres = own_servers
    prefix = f"k{uuid4().hex[:8]}."
    with databases.create_database() as database:
        await topic_support.create(kafka.bootstrap, prefix)
        installation = Installation(kafka.bootstrap, prefix, database, tmp_path)
        found = KillableSystem(kafka, postgres, installation, {})
        try:
            for name in ("gateway", "ingest", "feeder"):
                found.services[name] = await installation.spawn(name, **SHORT_INTERVALS)
            yield found
        finally:
            installation.close()


@pytest.fixture
async def sender(system: KillableSystem) -> AsyncIterator[Partner]:
    async with aiohttp.ClientSession() as session:
        yield Partner(system.services["gateway"].gateway, session, uuid4())


async def upload_half_way(system: KillableSystem, sender: Partner) -> str:
    """Publish all rows of an upload, of which ingest handles only some before it is killed. Return the id of the upload."""
    _, answer = await sender.upload(csv_of(ROWS))
    upload_id = str(answer["upload_id"])
    async with asyncio.timeout(60):
        while not (await sender.fetch_report(upload_id))["inserted"]:
            await asyncio.sleep(0.01)
    system.services["ingest"].kill()
    await sender.wait_for_state(upload_id, "accounted", 60)
    assert 0 < (await sender.fetch_report(upload_id))["inserted"] < ROWS
    return upload_id


async def verify_some_leads(system: KillableSystem) -> None:
    """Mark five leads as verified, without the events that report it."""
    await system.fetch_rows(
        "update app.leads set email_verified = true where id in (select id from app.leads order by id limit 5) returning id"
    )


async def assert_finished(system: KillableSystem, sender: Partner, upload_id: str) -> None:
    report = await sender.wait_for_state(upload_id, "done", 90)
    assert report["rows_total"] == ROWS
    assert report["inserted"] + report["updated"] + report["duplicate"] + report["rejected"] == ROWS
    assert report["inserted"] == ROWS
    assert await system.fetch_rows("select count(*), count(distinct addr_hash) from app.leads") == [(ROWS, ROWS)]
    async with asyncio.timeout(60):
        while await system.fetch_rows("select count(*) from app.leads where campaign_status = 'queued'") != [(5,)]:
            await asyncio.sleep(0.1)


async def test_services_finish_their_work_on_an_empty_new_cluster(system: KillableSystem, sender: Partner) -> None:
    upload_id = await upload_half_way(system, sender)
    await verify_some_leads(system)
    kafka = system.kafka
    before = (kafka.directory / "data" / "meta.properties").read_text()
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(shutil.rmtree, kafka.directory / "data")
    await asyncio.to_thread(kafka.start)
    assert (kafka.directory / "data" / "meta.properties").read_text() != before, "the cluster is new"
    await topic_support.create(kafka.bootstrap, system.installation.prefix)
    system.services["ingest"].start()
    await assert_finished(system, sender, upload_id)


async def test_services_finish_their_work_on_new_topics_with_old_offsets(
    system: KillableSystem, sender: Partner
) -> None:
    upload_id = await upload_half_way(system, sender)
    await verify_some_leads(system)
    await topic_support.delete(system.kafka.bootstrap, system.installation.prefix)
    await topic_support.create(system.kafka.bootstrap, system.installation.prefix)
    system.services["ingest"].start()
    await assert_finished(system, sender, upload_id)
