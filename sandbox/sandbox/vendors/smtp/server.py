"""SMTP server that keeps all mail and delivers none (docs/vendors/smtp.md)."""

import asyncio
import weakref
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from sandbox.call_statistics import CallStatistics
from sandbox.faults import FaultRegistry
from sandbox.settings import SandboxSettings
from sandbox.vendor_server import FaultTarget
from sandbox.vendors.smtp.certificate import create_tls_context
from sandbox.vendors.smtp.connection import FAULT_KINDS, STAGES, SmtpConnection, SmtpContext
from sandbox.vendors.smtp.mailbox import SandboxMailbox

HOSTNAME = "smtp.sandbox.example"


class SmtpServer(FaultTarget):
    """Stand-in of a mail provider: a real SMTP server."""

    name = "smtp"
    fault_descriptions: ClassVar[Mapping[str, str]] = {
        "refused": "The stage is refused with `status` (550): 421 closes the connection, 450 and 451 are temporary.",
    }
    general_faults: ClassVar[Collection[str]] = FAULT_KINDS - {"refused"}

    def __init__(self, settings: SandboxSettings, statistics: CallStatistics, faults: FaultRegistry) -> None:
        self._settings = settings
        password = settings.sandbox_smtp_password.get_secret_value()
        self.mailbox = SandboxMailbox()
        self._context = SmtpContext(faults, statistics, self.mailbox, settings.sandbox_smtp_user, password)
        self._connections: weakref.WeakSet[SmtpConnection] = weakref.WeakSet()
        self._server: asyncio.Server | None = None
        self.certificate: str | None = None

    def faults_by_operation(self) -> dict[str, frozenset[str]]:
        """Return the specific faults of each stage."""
        return dict.fromkeys(STAGES, frozenset(self.fault_descriptions))

    async def start(self) -> None:
        """Listen. Raise OSError if the port is taken."""
        settings = self._settings
        options: dict[str, Any] = {
            "hostname": HOSTNAME,
            "ident": "sandbox",
            "auth_required": settings.sandbox_smtp_login,
        }
        if settings.sandbox_smtp_starttls:
            context, self.certificate = create_tls_context(settings.sandbox_host)
            options |= {"tls_context": context, "require_starttls": True}
        options["auth_require_tls"] = settings.sandbox_smtp_starttls

        def accept_connection() -> SmtpConnection:
            connection = SmtpConnection(self._context, **options)
            self._connections.add(connection)
            return connection

        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(accept_connection, settings.sandbox_host, settings.sandbox_smtp_port)

    async def stop(self) -> None:
        """Stop listening and close all connections."""
        if self._server is not None:
            self._server.close()
            self._abort_connections()
            await self._server.wait_closed()
            self._server = None

    @property
    def port(self) -> int:
        """Return the port at which it listens, also if the setting is 0."""
        if self._server is None or not self._server.sockets:
            return self._settings.sandbox_smtp_port
        return int(self._server.sockets[0].getsockname()[1])

    def clear_state(self) -> None:
        """Delete all mail and close all connections."""
        self.mailbox.delete_mails()
        self._abort_connections()

    def _abort_connections(self) -> None:
        for connection in list(self._connections):
            connection.abort()
