"""Wiring of the sandbox: one process, one port, a path prefix for each vendor."""

import structlog
from aiohttp import web

from sandbox.answering import Desk
from sandbox.control import Control
from sandbox.settings import SandboxSettings
from sandbox.world import World

log = structlog.get_logger()

MOST_BYTES = 16 << 20


class Sandbox:
    """The vendors' stand-ins on one address. It starts and stops like a service, but needs neither Kafka nor PostgreSQL."""

    name = "sandbox"

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.world = World(settings)
        self.started = False
        self._runner = web.AppRunner(application(self.world), access_log=None, shutdown_timeout=1)

    async def start(self) -> None:
        """Begin to listen. Raises OSError when the address is taken, ValueError when the kept state cannot be read."""
        if self.settings.sandbox_state_file:
            self.world.restore(self.settings.sandbox_state_file)
        await self.world.batchdata_mcp.start()
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.sandbox_host, self.settings.sandbox_port, backlog=512).start()
        self.started = True
        log.info("sandbox_listening", url=self.url)

    async def stop(self) -> None:
        """Stop listening; what still waits on purpose is cut off."""
        if self.started and self.settings.sandbox_state_file:
            self.world.save(self.settings.sandbox_state_file)
        self.started = False
        self.world.deliveries.cancel()
        await self.world.batchdata_mcp.stop()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it listens, also when a free port was asked for."""
        port = self._runner.addresses[0][1] if self._runner.addresses else self.settings.sandbox_port
        return f"http://{self.settings.sandbox_host}:{port}"

    async def problems(self) -> list[str]:
        """Why it counts as stuck: it never does."""
        return []

    async def unready(self) -> list[str]:
        """Why it cannot work now."""
        return [] if self.started else ["starting"]


def application(world: World) -> web.Application:
    """The addresses of all vendors, and the control API."""
    desk = Desk(world)
    app = web.Application(client_max_size=MOST_BYTES, middlewares=[desk.in_vendors_words])
    for vendor in world.vendors.values():
        for operation in vendor.operations:
            app.router.add_route(operation.method, f"/{vendor.name}{operation.path}", desk.handler(vendor, operation))
    app.add_routes(Control(world).routes())
    return app


def build(settings: SandboxSettings | None = None) -> Sandbox:
    """The sandbox, ready to start."""
    return Sandbox(settings or SandboxSettings())
