"""`/livez`, `/readyz` and `/metrics` of one process.

Alive means: not stuck. Waiting on purpose, for PostgreSQL, Kafka or a vendor, is being alive, else every outage would
restart every process. Ready means: able to do its work now.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger()


class Checked(Protocol):
    """What health asks of a service."""

    name: str

    async def problems(self) -> list[str]:
        """Why it counts as stuck."""

    async def unready(self) -> list[str]:
        """Why it cannot work now."""


class HealthServer:
    """The health endpoints of the services in this process."""

    def __init__(self, host: str, port: int, services: Sequence[Checked]) -> None:
        self._host = host
        self._port = port
        self._services = services
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Begin to answer. Raises OSError when the port is taken."""
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        log.info("health_listening", host=self._host, port=self.port)

    @property
    def port(self) -> int:
        """The port in use, also when a free one was asked for."""
        return int(self._runner.addresses[0][1]) if self._runner and self._runner.addresses else self._port

    async def stop(self) -> None:
        """Stop answering."""
        if self._runner:
            await self._runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        found = await asyncio.gather(*(service.problems() for service in self._services))
        return self._answer(found)

    async def _readyz(self, _request: web.Request) -> web.Response:
        found = await asyncio.gather(*(within(3, service.unready) for service in self._services))
        return self._answer(found)

    def _answer(self, found: Sequence[list[str]]) -> web.Response:
        problems = {service.name: told for service, told in zip(self._services, found, strict=True)}
        failing = any(found)
        return web.json_response(
            {"status": "failing" if failing else "ok", "services": problems}, status=503 if failing else 200
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def within(seconds: float, check: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """The result of *check*, or that it did not answer in time."""
    try:
        return await asyncio.wait_for(check(), seconds)
    except TimeoutError:
        return ["the check did not answer in time"]
