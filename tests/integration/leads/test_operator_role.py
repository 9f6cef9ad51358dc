"""The role of operators: it reads no contact value without a log, and changes leads through functions only."""

from uuid import UUID

import asyncpg
import pytest

from support.databases import Database
from support.leads import LeadFixture


@pytest.mark.parametrize(
    "statement",
    [
        "select value_ciphertext from app.lead_contacts",
        "select data_key from app.leads",
        "select email_encrypted from app.leads",
        "select melissa_payload from app.leads",
        "update app.leads set campaign_status = 'paused'",
        "update app.leads set assigned_broker_id = null",
        "delete from app.leads",
        "update app.access_log set purpose = 'x'",
        "delete from app.access_log",
        "insert into app.access_log (actor, command, purpose, lead_count, login) values ('x', 'x', 'x', 0, 'x')",
        "insert into app.access_log (actor, command, purpose, lead_count, at) values ('x', 'x', 'x', 0, now())",
        "insert into app.suppressions (channel, value_hash, hash_key_id, reason) values ('email', '', '', '')",
        "select secret_encrypted from app.partner_keys",
        "select payload from pipeline.pipeline_dlq",
        "select body from svc_feeder.outbox",
        "delete from svc_feeder.outbox",
        "set role equity_owner",
    ],
)
async def test_an_operator_is_refused(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("operator"))
    try:
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedColumnError)):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_values_open_only_for_a_committed_access_of_the_same_login(
    database: Database, leads: LeadFixture
) -> None:
    lead, other = await leads.add(phone="+17275550142"), await leads.add(phone="+17275550143")
    operator = await asyncpg.connect(database.dsn("operator"))

    async def log(connection: asyncpg.Connection, lead_ids: list[UUID], *, reveals: bool = True) -> int:
        return int(
            await connection.fetchval(
                """insert into app.access_log (actor, command, purpose, lead_ids, lead_count, reveals)
                values ('x', 'x', 'x', $1, 1, $2) returning id""",
                lead_ids, reveals,
            )
        )  # fmt: skip

    async def opened(access_id: int) -> set[UUID]:
        rows = await operator.fetch("select lead_id from app.open_contacts($1, $2)", access_id, [lead, other])
        return {row["lead_id"] for row in rows}

    try:
        assert await opened(await log(operator, [lead])) == {lead}
        assert await opened(await log(operator, [lead], reveals=False)) == set()
        assert await opened(await log(leads.db, [lead])) == set()
        async with operator.transaction():
            assert await opened(await log(operator, [lead])) == set()
        old = await log(operator, [lead])
        await leads.db.execute("update app.access_log set at = now() - interval '25 hours' where id = $1", old)
        assert await opened(old) == set()
    finally:
        await operator.close()
