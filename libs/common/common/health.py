"""`/livez`, `/readyz` and `/metrics` of one process.

Alive means: not stuck. A process that is paused on purpose, for PostgreSQL, Kafka or a vendor, is alive. Otherwise every
outage would restart every process. Ready means: able to work now (docs/delivery.md#stuck-or-waiting-on-purpose).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger()

CHECK_SECONDS = 3


class HealthChecked(Protocol):
    """Program whose health can be checked."""

    name: str

    async def stuck_reasons(self) -> list[str]:
        """Return why the program counts as stuck."""

    async def unready_reasons(self) -> list[str]:
        """Return why the program cannot work now."""


class HealthServer:
    """HTTP server with the health endpoints of the services in this process."""

    def __init__(self, host: str, port: int, services: Sequence[HealthChecked]) -> None:
        self._host = host
        self._port = port
        self._services = services
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Start to listen. Raises OSError if the port is taken."""
        app = web.Application()
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        log.info("health_server_started", host=self._host, port=self.port)

    @property
    def port(self) -> int:
        """Port in use, also if the settings asked for any free port."""
        return int(self._runner.addresses[0][1]) if self._runner and self._runner.addresses else self._port

    async def stop(self) -> None:
        """Stop to listen."""
        if self._runner:
            await self._runner.cleanup()

    async def _livez(self, _request: web.Request) -> web.Response:
        return self._response(await asyncio.gather(*(service.stuck_reasons() for service in self._services)))

    async def _readyz(self, _request: web.Request) -> web.Response:
        checks = (_run_check(service.unready_reasons) for service in self._services)
        return self._response(await asyncio.gather(*checks))

    def _response(self, reasons: Sequence[list[str]]) -> web.Response:
        by_service = {service.name: found for service, found in zip(self._services, reasons, strict=True)}
        is_failing = any(reasons)
        return web.json_response(
            {"status": "failing" if is_failing else "ok", "services": by_service}, status=503 if is_failing else 200
        )

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _run_check(check: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """Return the result of *check*, or a problem if it takes longer than CHECK_SECONDS."""
    try:
        return await asyncio.wait_for(check(), CHECK_SECONDS)
    except TimeoutError:
        return ["the check did not answer in time"]
