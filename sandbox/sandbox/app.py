"""Wiring of the sandbox: one process, one HTTP port with a path prefix for each vendor, and one SMTP port."""

import structlog
from aiohttp import web

from sandbox.control_api import ControlApi
from sandbox.dispatcher import CallDispatcher
from sandbox.settings import SandboxSettings
from sandbox.state import SandboxState

log = structlog.get_logger()

MAX_BODY_BYTES = 16 << 20


class Sandbox:
    """The stand-ins of all vendors. It starts and stops like a service, but needs neither Kafka nor PostgreSQL."""

    name = "sandbox"

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.state = SandboxState(settings)
        self.started = False
        self._runner = web.AppRunner(create_web_app(self.state), access_log=None, shutdown_timeout=1)

    async def start(self) -> None:
        """Listen. Raise OSError if a port is taken, ValueError if the state file cannot be read."""
        if self.settings.sandbox_state_file:
            self.state.restore_from(self.settings.sandbox_state_file)
        await self.state.batchdata_mcp.start()
        await self.state.smtp.start()
        await self._runner.setup()
        await web.TCPSite(self._runner, self.settings.sandbox_host, self.settings.sandbox_port, backlog=512).start()
        self.started = True
        log.info("sandbox_started", url=self.url, smtp_port=self.state.smtp.port)

    async def stop(self) -> None:
        """Stop listening. Calls that a fault delays are cut off."""
        if self.started and self.settings.sandbox_state_file:
            self.state.save_to(self.settings.sandbox_state_file)
        self.started = False
        self.state.deliveries.cancel_all()
        await self.state.batchdata_mcp.stop()
        await self.state.smtp.stop()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Return the URL at which it listens, with the real port if the setting is 0."""
        port = self._runner.addresses[0][1] if self._runner.addresses else self.settings.sandbox_port
        return f"http://{self.settings.sandbox_host}:{port}"

    async def stuck_reasons(self) -> list[str]:
        """Return the reasons why it counts as stalled: always none."""
        return []

    async def unready_reasons(self) -> list[str]:
        """Return the reasons why it cannot work now."""
        return [] if self.started else ["starting"]


def create_web_app(state: SandboxState) -> web.Application:
    """Return the web application with the routes of all vendors and of the control API."""
    dispatcher = CallDispatcher(state)
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[dispatcher.answer_unknown_routes])
    for vendor in state.vendors.values():
        for operation in vendor.operations:
            handler = dispatcher.handler_of(vendor, operation)
            app.router.add_route(operation.method, f"/{vendor.name}{operation.path}", handler)
    app.add_routes(ControlApi(state).list_routes())
    return app


def build(settings: SandboxSettings | None = None) -> Sandbox:
    """Return the sandbox, ready to start."""
    return Sandbox(settings or SandboxSettings())
