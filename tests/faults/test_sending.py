"""Kafka, PostgreSQL and the gateway killed with -9 while the gateway sends rows: none is lost, repeats have the same id."""

import asyncio
from uuid import UUID

import pytest

from common import ids
from support.killable_system import KillableSystem
from support.partner import Partner, csv_of
from support.topic_reader import read_all_messages

pytestmark = pytest.mark.timeout(600)
ROWS = 120_000


async def sent(system: KillableSystem) -> int:
    ((rows,),) = await system.fetch_rows("select coalesce(sum(rows_published), 0)::int from app.uploads")
    return int(rows)


@pytest.mark.parametrize("killed", ["kafka", "postgres", "gateway"])
async def test_rows_on_their_way_survive_a_kill(system: KillableSystem, partner: Partner, killed: str) -> None:
    for name in ("ingest", "recorder"):
        system.services[name].kill()  # they would only slow the sending down
    status, answer = await partner.upload(csv_of(ROWS))
    assert status == 202, answer
    for part in (1, 2, 3):
        while await sent(system) < part * ROWS // 5:
            await asyncio.sleep(0.01)
        await system.kill_and_restart(killed)
        assert await sent(system) < ROWS
    for _ in range(1_200):
        ((state, total),) = await system.fetch_rows("select state::text, rows_total from app.uploads")
        if state == "accounted":
            break
        await asyncio.sleep(0.1)
    assert (state, total) == ("accounted", ROWS)
    records = await read_all_messages(system.installation.kafka, f"{system.installation.prefix}ingest.leads")
    upload_id = UUID(answer["upload_id"])
    assert {dict(record.headers)["ce_id"].decode() for record in records} == {
        str(ids.upload_row_id(upload_id, row)) for row in range(1, ROWS + 1)
    }
