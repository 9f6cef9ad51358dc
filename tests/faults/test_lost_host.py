"""Loss of a host with open connections and locks: another replica does its work within 30 seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from common.bus.relay import Relay
from common.database import Database
from common.settings import Settings
from support.installation import Installation, Spawned
from support.partner import Partner, csv_of
from support.proxy import Proxy, proxied
from support.topic_reader import read_all_messages

pytestmark = pytest.mark.timeout(480)
TAKEOVER_SECONDS = 30
"""Promise of docs/hazards.md (S13)."""
ROWS = 3_000


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def proxy(installation: Installation) -> AsyncIterator[Proxy]:
    """Run a proxy in front of PostgreSQL."""
    server = urlsplit(installation.database.superuser_dsn)
    async with proxied(str(server.hostname), server.port or 5432) as proxy:
        yield proxy


def through(proxy: Proxy, dsn: str) -> str:
    url = urlsplit(dsn)
    return urlunsplit(url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{proxy.port}"))


async def until(db: Any, query: str, *arguments: object, seconds: float = 120) -> None:
    """Wait until *query* returns true."""
    async with asyncio.timeout(seconds):
        while not await db.fetchval(query, *arguments):
            await asyncio.sleep(0.05)


async def spawn_to_be_lost(installation: Installation, proxy: Proxy, directory: Path) -> Spawned:
    """Spawn an ingest whose relay freezes in the middle of a round."""
    lost = await installation.spawn("ingest", INGEST_DATABASE_URL=through(proxy, installation.database.dsn("ingest")))
    await asyncio.to_thread(lost.stop)  # the proxy runs in this loop, and the stopping process may need it
    lost.program = f"from support.freeze_process import arm_freeze; arm_freeze({str(directory)!r}); {lost.program}"
    lost.start()
    await lost.ready()
    return lost


async def upload_until_frozen(frozen: Path, partner: Partner) -> str:
    """Upload, wait until the replica has frozen with rows in hand, and return the id of the upload."""
    _, answer = await partner.upload(csv_of(ROWS))
    async with asyncio.timeout(120):
        while not frozen.exists():
            await asyncio.sleep(0.02)
    return str(answer["upload_id"])


async def wait_until_recorded(db: Any, upload_id: str, rows: int) -> None:
    await until(
        db,
        "select count(*) = $2 and count(distinct payload ->> 'lead_id') = $2 from app.pipeline_events "
        "where correlation_id = $1 and event_type = 'dedupe_success'",
        upload_id,
        rows,
    )


@pytest.mark.parametrize("lost", ["the process", "its connection to PostgreSQL"])
async def test_another_replica_publishes_the_rows_of_a_lost_one(
    installation: Installation, db: Any, proxy: Proxy, tmp_path: Path, lost: str
) -> None:
    if lost == "the process":  # the other case keeps the time limit of production
        name = installation.database.name
        await db.execute(f"alter role svc_ingest in database {name} set idle_in_transaction_session_timeout = '3s'")
    gateway = await installation.spawn("gateway", "recorder")
    first = await spawn_to_be_lost(installation, proxy, tmp_path)
    async with aiohttp.ClientSession() as session:
        partner = Partner(gateway.gateway, session, uuid4())
        upload_id = await upload_until_frozen(tmp_path / "frozen", partner)
        second = await installation.spawn("ingest")  # beside it from the start, it might do all the work
        newest = await db.fetchval("select max(id) from svc_ingest.outbox")
        assert newest, "the lost relay has locked rows"
        if lost != "the process":
            proxy.freeze()
            (tmp_path / "resume").touch()
        await until(
            db, "select not exists (select from svc_ingest.outbox where id <= $1)", newest, seconds=TAKEOVER_SECONDS
        )
        if lost != "the process":  # it keeps its partitions as long as it sends heartbeats to Kafka
            await proxy.restore()
        await partner.wait_for_state(upload_id, "done", 240)  # the group waits for the lost member's session first
        await wait_until_recorded(db, upload_id, ROWS)
        (tmp_path / "resume").touch()
        await proxy.restore()
        await first.ready()
        assert await asyncio.to_thread(second.stop) == 0
        _, answer = await partner.upload(csv_of(50, start=ROWS))
        await partner.wait_for_state(answer["upload_id"], "done", 120)
        await wait_until_recorded(db, answer["upload_id"], 50)
    assert await db.fetchval("select count(*) from app.leads") == ROWS + 50
    assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0


async def test_another_relay_replaces_one_that_is_lost_while_it_receives_rows(
    installation: Installation, db: Any, proxy: Proxy
) -> None:
    """PostgreSQL is sending rows; only `tcp_user_timeout` ends this state."""
    await db.execute(
        "insert into svc_ingest.outbox (topic, key, headers, body) "
        "select 'ingest.deals', n::text::bytea, '[]', convert_to(repeat('x', 500000), 'UTF8') from generate_series(1, 100) n"
    )
    proxy.freeze_after = 1_000_000
    dsns = through(proxy, installation.database.dsn("ingest")), installation.database.dsn("ingest")
    relays = []
    for dsn in dsns:
        settings = installation.settings("ingest", database_url=dsn)
        database = Database(settings, "ingest")
        await database.start()
        relays.append((Relay("ingest", settings, database), database))
    await relays[0][0].start()
    async with asyncio.timeout(20):
        while not proxy.frozen:
            await asyncio.sleep(0.01)
    await relays[1][0].start()
    try:
        await until(db, "select not exists (select from svc_ingest.outbox)", seconds=TAKEOVER_SECONDS)
    finally:
        await proxy.restore()
        for relay, database in relays:
            await relay.stop()
            await database.stop()
    records = await read_all_messages(installation.kafka, f"{installation.prefix}ingest.deals")
    assert sorted(int(record.key) for record in records) == list(range(1, 101))


async def prepare_only(session: asyncpg.Connection) -> None:
    await session.prepare("select 1")
    await asyncio.sleep(3_600)


async def copy_only_the_first(session: asyncpg.Connection) -> None:
    async def records() -> AsyncIterator[tuple[bytes]]:
        yield (b"x",)
        await asyncio.sleep(3_600)

    await session.execute("create temporary table copied (value bytea)")
    await session.copy_records_to_table("copied", records=records())


PRODUCTION_SECONDS = Settings.model_fields["database_stalled_session_seconds"].default


@pytest.mark.parametrize(("stall", "limit"), [(prepare_only, PRODUCTION_SECONDS), (copy_only_the_first, 1)])
async def test_a_session_that_stalls_in_the_middle_of_a_statement_is_ended(
    installation: Installation,
    db: Any,
    stall: Callable[[asyncpg.Connection], Coroutine[Any, Any, None]],
    limit: float,
) -> None:
    """PostgreSQL has no time limit for this state."""
    session = await asyncpg.connect(installation.database.dsn("ingest"))
    await session.execute("begin; select pg_advisory_xact_lock(hashtext('equity-relay-ingest'))")
    stalling = asyncio.create_task(stall(session))
    await db.execute(
        "insert into svc_ingest.outbox (topic, key, headers, body) "
        "values ('ingest.deals', 'k', '[]', convert_to('x', 'UTF8'))"
    )
    async with installation.running("ingest", database_stalled_session_seconds=limit):
        await until(db, "select not exists (select from svc_ingest.outbox)", seconds=TAKEOVER_SECONDS)
    assert session.is_closed()
    stalling.cancel()
    await asyncio.wait([stalling])
