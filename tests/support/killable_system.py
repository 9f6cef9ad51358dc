"""System whose servers and services a fault test may kill."""

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg

from local_services import KafkaServer, PostgresServer
from support.installation import Installation, Spawned


@dataclass
class KillableSystem:
    """System whose servers and services a fault test may kill."""

    kafka: KafkaServer
    postgres: PostgresServer
    installation: Installation
    services: dict[str, Spawned]

    async def kill_and_restart(self, name: str) -> None:
        """Kill a service or server with -9 and start it again a moment later."""
        if name in self.services:
            self.services[name].kill()
            await asyncio.sleep(0.2)
            self.services[name].start()
            return
        server = self.kafka if name == "kafka" else self.postgres
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(server.start)

    async def fetch_rows(self, query: str, *arguments: object) -> Any:
        """Return the rows of *query*, run by a superuser on a separate connection."""
        connection = await asyncpg.connect(self.installation.database.superuser_dsn)
        try:
            return [tuple(row) for row in await connection.fetch(query, *arguments)]
        finally:
            await connection.close()
