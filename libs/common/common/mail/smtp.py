"""SMTP session for one mail, with a clear result of each failure: nothing was sent, or it is not known (RFC 5321)."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from aiosmtplib import SMTP, SMTPException, SMTPNotSupported, SMTPResponseException, SMTPTimeoutError

from common.mail.message import needs_utf8
from common.mail.target import MailTarget

T = TypeVar("T")

_START_INPUT, _COMPLETED, _FIRST_TEMPORARY, _FIRST_PERMANENT, _PAST_PERMANENT = 354, 250, 400, 500, 600
_QUIT_SECONDS = 5
_LOCAL_HOSTNAME = "localhost"
"""Name in EHLO. aiosmtplib would look up the machine's name, which can block for seconds."""
_LINE_END = re.compile(rb"\r\n|\n|\r")
_LEADING_PERIOD = re.compile(rb"(?m)^\.")


class MailNotSentError(Exception):
    """Failure before anything was sent. *reason* is a code, without any text of the server, which may name the person.

    *is_final*: the server refuses this mail for good.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class MailUnknownError(Exception):
    """Failure after the content was sent: the server may have taken the mail over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SmtpSession:
    """Connection to the server, after greeting, TLS and login."""

    def __init__(self, client: SMTP, target: MailTarget) -> None:
        self._client = client
        self._target = target

    async def offer_mail(self, recipient: str) -> None:
        """Name sender and recipient. Raises MailNotSentError; a refusal of the recipient is final."""
        options: list[str] = []
        if needs_utf8(recipient):
            if not self._client.supports_extension("smtputf8"):
                raise MailNotSentError("smtputf8_missing", is_final=True)
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        encoding = "utf-8" if options else "ascii"
        await _run_stage("mail", self._client.mail(self._target.sender.addr_spec, options=options, encoding=encoding))
        await _run_stage("rcpt", self._client.rcpt(recipient, encoding=encoding), is_about_mail=True)

    async def send_content(self, content: bytes, answer_seconds: float) -> None:
        """Send the content of the mail that was offered.

        Raises MailNotSentError if the server refuses it or is lost before the content, and MailUnknownError if it is lost
        afterwards.
        """
        start = await _run_stage("data", self._client.execute_command(b"DATA"))
        if start.code != _START_INPUT:
            raise _refusal("data", start.code, is_about_mail=True)
        protocol = self._client.protocol
        if protocol is None:
            raise MailNotSentError("data_connection_lost")
        try:
            protocol.write(_encode_content(content))
            answer = await protocol.read_response(timeout=answer_seconds)
        except SMTPTimeoutError as error:
            raise MailUnknownError("answer_timeout") from error
        except (SMTPException, OSError) as error:
            raise MailUnknownError("answer_lost") from error
        if answer.code == _COMPLETED:
            return
        if answer.code < _FIRST_TEMPORARY or answer.code >= _PAST_PERMANENT:
            raise MailUnknownError(f"answer_{answer.code}")
        raise _refusal("content", answer.code, is_about_mail=True)


@asynccontextmanager
async def open_session(target: MailTarget, seconds: float) -> AsyncIterator[SmtpSession]:
    """Connect, start TLS and log in, each step within *seconds*. Raises MailNotSentError, which is never final."""
    server = target.server
    client = SMTP(
        hostname=server.host,
        port=server.port,
        use_tls=server.is_tls,
        start_tls=None if server.is_local and not server.is_tls else not server.is_tls,
        tls_context=target.tls,
        local_hostname=_LOCAL_HOSTNAME,
        timeout=seconds,
    )
    try:
        await _run_stage("connect", client.connect())
        if server.user is not None and server.password is not None:
            await _run_stage("login", client.login(server.user, server.password))
        yield SmtpSession(client, target)
        with suppress(SMTPException, OSError):
            await client.quit(timeout=_QUIT_SECONDS)
    finally:
        client.close()


async def _run_stage(stage: str, work: Awaitable[T], *, is_about_mail: bool = False) -> T:
    """Return the result of *work*. Raises MailNotSentError with the stage in its reason."""
    try:
        return await work
    except SMTPResponseException as error:
        raise _refusal(stage, error.code, is_about_mail=is_about_mail) from error
    except SMTPNotSupported as error:
        raise MailNotSentError("starttls_missing" if stage == "connect" else f"{stage}_not_supported") from error
    except (ssl.SSLError, ssl.CertificateError) as error:
        raise MailNotSentError("tls_failed") from error
    except (SMTPTimeoutError, TimeoutError) as error:
        raise MailNotSentError(f"{stage}_timeout") from error
    except (SMTPException, OSError, asyncio.IncompleteReadError) as error:
        is_tls = isinstance(error.__cause__ or error.__context__, ssl.SSLError)
        raise MailNotSentError("tls_failed" if is_tls else f"{stage}_connection_lost") from error
    except (ValueError, UnicodeError) as error:
        raise MailNotSentError(f"{stage}_not_encodable", is_final=True) from error


def _refusal(stage: str, code: int, *, is_about_mail: bool) -> MailNotSentError:
    return MailNotSentError(f"{stage}_{code}", is_final=is_about_mail and _FIRST_PERMANENT <= code < _PAST_PERMANENT)


def _encode_content(content: bytes) -> bytes:
    """Return *content* as DATA transmits it: lines end with CRLF, and no line is a single period but the last."""
    lines = _LINE_END.sub(b"\r\n", content)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _LEADING_PERIOD.sub(b"..", lines) + b".\r\n"
