"""Uploads of a partner with a signing key."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from cli.client.http import GatewayClient
from cli.client.signing import SigningKey, SigningScheme
from common.pii.keyring import Keyring
from harness import System, wait_until
from support.installation import SECRETS


@dataclass(frozen=True, slots=True)
class Uploader:
    """Uploader with one signing key. It checks the results in the database."""

    gateway: GatewayClient
    database: asyncpg.Connection

    async def send(self, file: Path) -> str:
        """Upload *file* and return the id of the upload."""
        answer = await self.gateway.upload_file(file, file.stat().st_size, (), lambda _: None, lambda _: None)
        return str(answer["upload_id"])

    async def finish(self, file: Path, within_s: float = 3_600) -> dict[str, Any]:
        """Upload *file*, wait until every row is accounted for and every event is recorded, and return the report."""
        upload_id = await self.send(file)
        report: dict[str, Any] = {}

        async def is_done() -> bool:
            report.update(await self.gateway.fetch_report(upload_id))
            return bool(report["state"] == "done")

        await wait_until(is_done, within_s)

        async def is_recorded() -> bool:
            events = await self.database.fetchval(
                "select count(*) from app.pipeline_events where correlation_id = $1 and event_type <> 'upload_received'",
                upload_id,
            )
            return bool(events >= report["inserted"] + report["updated"] + report["rejected"])

        await wait_until(is_recorded, within_s)
        return report


@asynccontextmanager
async def uploader(running: System) -> AsyncIterator[Uploader]:
    """Create a partner with a key of the recommended scheme, and yield its uploader."""
    secret = secrets.token_hex(32)
    keyring = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1")
    connection = await asyncpg.connect(running.database.superuser_dsn)
    partner = await connection.fetchval("insert into app.partners (name) values ('bench') returning id")
    await connection.execute(
        "insert into app.partner_keys (key_id, partner_id, scheme, secret_encrypted) values ('bench', $1, 'v2', $2)",
        partner,
        keyring.encrypt("partner-key", b"bench", secret.encode()),
    )
    try:
        async with GatewayClient.open_session(
            running.services["gateway"].gateway, SigningKey("bench", secret.encode(), SigningScheme.V2)
        ) as gateway:
            yield Uploader(gateway, connection)
    finally:
        await connection.close()
