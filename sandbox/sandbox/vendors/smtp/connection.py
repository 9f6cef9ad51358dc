"""One SMTP connection, with the faults that can hit each of its stages."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, AnyStr, NoReturn, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.call_statistics import CallStatistics
from sandbox.faults import Fault, FaultRegistry
from sandbox.vendors.smtp.mailbox import SandboxMailbox

Command = Callable[[Any, Any], Awaitable[None]]

STAGES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "content")
"""Stages as faults name them: `data` is the command, `content` the message after it."""
FAULT_KINDS = frozenset({"slow", "timeout", "reset", "lost_answer", "refused"})
DEFAULT_REFUSAL = 550
_CLOSING_STATUS = 421
"""After this status the server closes the connection (RFC 5321, section 3.8)."""
_TEXTS = {
    421: "4.3.2 Service not available, closing transmission channel",
    450: "4.2.1 Mailbox unavailable, try again later",
    451: "4.3.0 Local error in processing",
    452: "4.3.1 Insufficient system storage",
    454: "4.7.0 TLS not available due to temporary reason",
    535: "5.7.8 Authentication credentials invalid",
    550: "5.1.1 Mailbox unavailable",
    552: "5.2.2 Mailbox full",
    554: "5.7.1 Transaction failed",
}


@dataclass(frozen=True, slots=True)
class SmtpContext:
    """Objects that all connections share."""

    faults: FaultRegistry
    statistics: CallStatistics
    mailbox: SandboxMailbox
    user: str
    password: str


def _with_faults(stage: str, command: Command) -> Command:
    """Return a command of SMTP with the faults of a stage. It keeps the attributes that aiosmtpd reads."""

    @functools.wraps(command)
    async def run(connection: Any, arg: Any) -> None:
        await connection.run_stage(stage, arg, lambda: command(connection, arg))

    return run


class SmtpConnection(SMTP):
    """The server's end of one connection."""

    def __init__(self, context: SmtpContext, **options: Any) -> None:
        super().__init__(
            _ContentHandler(),
            authenticator=self._check_login,
            loop=asyncio.get_running_loop(),
            enable_SMTPUTF8=True,
            **options,
        )
        self._context = context
        self._is_muted = False
        self._is_closing = False
        self._first_status = ""

    def abort(self) -> None:
        """Close the connection without an answer."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    async def push(self, status: AnyStr) -> None:
        """Send a line, unless a fault loses the answer."""
        self._first_status = self._first_status or "".join(filter(str.isdigit, str(status[:3])))
        if not self._is_muted:
            await super().push(status)

    async def _handle_client(self) -> None:
        await self.run_stage("connect", "", super()._handle_client, is_counted=False)

    smtp_EHLO = _with_faults("ehlo", SMTP.smtp_EHLO)
    smtp_STARTTLS = _with_faults("starttls", SMTP.smtp_STARTTLS)
    smtp_AUTH = _with_faults("auth", SMTP.smtp_AUTH)
    smtp_MAIL = _with_faults("mail", SMTP.smtp_MAIL)
    smtp_RCPT = _with_faults("rcpt", SMTP.smtp_RCPT)
    smtp_DATA = _with_faults("data", SMTP.smtp_DATA)

    async def accept_content(self, session: Session, envelope: Envelope) -> str:
        """Keep the message, unless a fault prevents it. Return the answer."""
        content = envelope.original_content or b""
        epoch = self._context.statistics.record_arrival("smtp", datetime.now(UTC))
        outcome, login = "dropped", cast("LoginPassword | None", session.auth_data)
        try:
            fault = await self._start_stage("content", content.decode(errors="replace"))
            if fault is not None and fault.kind == "refused":
                outcome = _refusal(fault)[:3]
                self._is_closing = fault.status == _CLOSING_STATUS
                return _refusal(fault)
            mail = self._context.mailbox.add_mail(
                envelope.mail_from or "",
                [str(address) for address in envelope.rcpt_tos],
                content,
                is_encrypted=session.ssl is not None,
                login=None if login is None else login.login.decode(),
            )
            if fault is not None:
                await self._drop(fault.seconds)
            outcome = "250"
            return f"250 2.0.0 OK: queued as {mail.number}"
        finally:
            self._context.statistics.record_outcome("smtp", "content", outcome, epoch)

    async def run_stage(
        self, stage: str, text: str | None, proceed: Callable[[], Awaitable[None]], *, is_counted: bool = True
    ) -> None:
        """Run one stage with the fault that hits it, and count its first answer."""
        self._first_status = ""
        epoch = self._context.statistics.record_arrival("smtp", datetime.now(UTC)) if is_counted else 0
        is_answered = False
        try:
            fault = await self._start_stage(stage, text or "")
            if fault is not None and fault.kind == "refused":
                self._is_closing = stage == "connect" or fault.status == _CLOSING_STATUS
                await self.push(_refusal(fault))
            else:
                if fault is not None:  # lost_answer
                    self._is_muted = True
                    self.loop.call_later(fault.seconds, self.abort)
                await proceed()
            is_answered = not self._is_muted
        finally:
            if is_counted:
                outcome = (is_answered and self._first_status) or "dropped"
                self._context.statistics.record_outcome("smtp", stage, outcome, epoch)
        if self._is_closing and self.transport is not None:
            self.transport.close()

    async def _start_stage(self, stage: str, text: str) -> Fault | None:
        """Wait or drop the connection as faults ask. Return the fault that changes the answer, if any."""
        faults: Sequence[Fault] = self._context.faults.select_faults("smtp", stage, FAULT_KINDS, text)
        await asyncio.sleep(sum(entry.seconds for entry in faults if entry.kind == "slow"))
        fault = next((entry for entry in faults if entry.kind != "slow"), None)
        if fault is not None and fault.kind in {"timeout", "reset"}:
            await self._drop(0 if fault.kind == "reset" else fault.seconds)
        return fault

    async def _drop(self, seconds: float) -> NoReturn:
        """Close the connection after *seconds*. The loss of the connection cancels this coroutine."""
        await asyncio.sleep(seconds)
        self.abort()
        raise asyncio.CancelledError

    def _check_login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any
    ) -> AuthResult:
        """Accept the user and password of the settings."""
        expected = LoginPassword(self._context.user.encode(), self._context.password.encode())
        return AuthResult(success=data == expected, handled=False, auth_data=data)


class _ContentHandler:
    """Handler of aiosmtpd that passes the content on to the connection."""

    async def handle_DATA(self, server: SmtpConnection, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await server.accept_content(session, envelope)


def _refusal(fault: Fault) -> str:
    status = fault.status or DEFAULT_REFUSAL
    return f"{status} {_TEXTS.get(status, 'Refused')}"
