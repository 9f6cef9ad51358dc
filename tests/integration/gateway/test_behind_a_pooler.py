"""A gateway behind PgBouncer without a setting that says so."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp

from support.installation import Installation
from support.partner import Partner, csv_of
from support.pgbouncer import pgbouncer

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]


async def test_uploads_behind_a_pooler_are_accepted_and_published(
    running: Running, installation: Installation, session: aiohttp.ClientSession
) -> None:
    with pgbouncer(installation.database.dsn("gateway")) as dsn:
        async with running("gateway", gateway_port=0, gateway_key_cache_seconds=0, database_url=dsn) as (gateway,):
            partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", session, uuid4())
            answers = await asyncio.gather(*(partner.upload(csv_of(20, start=20 * part)) for part in range(12)))
            assert {status for status, _ in answers} == {202}
            for _, answer in answers:
                report = await partner.wait_for_state(answer["upload_id"], "accounted", 60)
                assert report["rows_published"] == 20
