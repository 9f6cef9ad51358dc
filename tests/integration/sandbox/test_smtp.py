"""SMTP server of the sandbox: mail that it keeps, its faults, STARTTLS and login."""

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from typing import Any, TypeVar

import pytest

from contracts import conform, smtp
from sandbox.app import Sandbox
from sandbox.settings import SandboxSettings
from support.vendors import SandboxClient, run_sandbox

T = TypeVar("T")
OWNER = "marjorie@example.com"
SECURE = SandboxSettings(sandbox_port=0, sandbox_smtp_starttls=True, sandbox_smtp_login=True)
PASSWORD = SECURE.sandbox_smtp_password.get_secret_value()


def create_message(recipient: str = OWNER) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "dana@broker.example"
    message["To"] = recipient
    message["Subject"] = "Your copy, Señora"
    message["Message-ID"] = "<1@broker.example>"
    message.set_content("Hello,\n.a line with a dot\n")
    return message


def connect(sandbox: Sandbox, seconds: float = 5) -> smtplib.SMTP:
    return smtplib.SMTP("127.0.0.1", sandbox.state.smtp.port, timeout=seconds)


async def use_server(sandbox: Sandbox, use: Callable[[smtplib.SMTP], T], *, seconds: float = 5) -> T:
    """Run *use* with a connection, in a thread, because smtplib blocks."""

    def run() -> T:
        server = connect(sandbox, seconds)
        try:
            return use(server)
        finally:
            server.close()

    return await asyncio.to_thread(run)


async def send_mail(sandbox: Sandbox, recipient: str = OWNER, *, seconds: float = 5) -> Any:
    return await use_server(sandbox, lambda server: server.send_message(create_message(recipient)), seconds=seconds)


async def list_messages(client: SandboxClient, query: str = "") -> Any:
    return await client.call_control_api("GET", f"smtp/messages{query}")


async def test_mail_is_kept_and_counted(client: SandboxClient, sandbox: Sandbox) -> None:
    assert await send_mail(sandbox) == {}
    await send_mail(sandbox, "other@example.com")
    first, _ = await list_messages(client)
    assert (first["subject"], first["message_id"]) == ("Your copy, Señora", "<1@broker.example>")
    assert (first["sender"], first["recipients"], first["is_encrypted"]) == ("dana@broker.example", [OWNER], False)
    raw = await client.send_request("GET", f"/_sandbox/smtp/messages/{first['number']}")
    assert b"\r\n.a line with a dot\r\n" in raw.raw
    assert [mail["recipients"] for mail in await list_messages(client, "?recipient=Other@example.com")] == [
        ["other@example.com"]
    ]
    assert await client.call_control_api("GET", "smtp/recipients") == {OWNER: 1, "other@example.com": 1}
    assert (await client.send_request("GET", "/_sandbox/smtp/messages/9")).status == 404
    await client.call_control_api("POST", "reset")
    assert await list_messages(client) == []


async def test_the_control_api_shows_the_port(client: SandboxClient, sandbox: Sandbox) -> None:
    shown = await client.call_control_api("GET", "smtp")
    assert shown == {"port": sandbox.state.smtp.port, "certificate": None}


@pytest.mark.parametrize("status", [421, 450, 550])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "content"])
async def test_each_stage_can_be_refused(client: SandboxClient, sandbox: Sandbox, stage: str, status: int) -> None:
    await client.add_fault("smtp", "refused", operation=stage, status=status, times=1)

    def send(server: smtplib.SMTP) -> tuple[int, bytes]:
        server.ehlo()
        code, text = server.mail("dana@broker.example")
        if code == 250:
            code, text = server.rcpt(OWNER)
        if code != 250:
            return code, text
        try:
            return server.data(b"Subject: x\r\n\r\nx\r\n")
        except smtplib.SMTPDataError as error:
            return error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""

    code, text = await use_server(sandbox, send)
    assert conform(smtp.Reply, {"code": code, "text": text.decode()}).code == status
    assert await list_messages(client) == []
    counts = (await client.call_control_api("GET", "calls/smtp"))["operations"]
    assert counts[stage] == {str(status): 1}


async def test_421_closes_the_connection_and_550_does_not(client: SandboxClient, sandbox: Sandbox) -> None:
    for status, is_open in ((550, True), (421, False)):
        await client.call_control_api("DELETE", "faults")
        await client.add_fault("smtp", "refused", operation="rcpt", status=status, times=1)

        def send(server: smtplib.SMTP) -> bool:
            server.ehlo()
            server.mail("dana@broker.example")
            server.rcpt(OWNER)
            try:
                return server.rcpt(OWNER)[0] == 250
            except smtplib.SMTPServerDisconnected:
                return False

        assert await use_server(sandbox, send) == is_open


async def test_only_one_recipient_may_be_refused(client: SandboxClient, sandbox: Sandbox) -> None:
    await client.add_fault("smtp", "refused", operation="rcpt", contains="bad@example.com")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        await send_mail(sandbox, "bad@example.com")
    assert await send_mail(sandbox) == {}


@pytest.mark.parametrize("seconds", [0, 0.05])
async def test_the_answer_may_be_lost_after_the_mail_was_accepted(
    client: SandboxClient, sandbox: Sandbox, seconds: float
) -> None:
    await client.add_fault("smtp", "lost_answer", operation="content", seconds=seconds)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        await send_mail(sandbox)
    assert len(await list_messages(client)) == 1
    counts = (await client.call_control_api("GET", "calls/smtp"))["operations"]
    assert counts["content"] == {"dropped": 1}


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "content"])
async def test_each_stage_can_close_the_connection(client: SandboxClient, sandbox: Sandbox, stage: str) -> None:
    await client.add_fault("smtp", "reset", operation=stage, times=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        await send_mail(sandbox)
    assert await list_messages(client) == []
    assert await send_mail(sandbox) == {}


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "content"])
async def test_each_stage_can_stall(client: SandboxClient, sandbox: Sandbox, stage: str) -> None:
    await client.add_fault("smtp", "timeout", operation=stage, seconds=600, times=1)
    with pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)):
        await send_mail(sandbox, seconds=0.2)
    assert await list_messages(client) == []


@pytest.mark.parametrize("stage", ["ehlo", "mail", "rcpt", "data"])
async def test_the_answer_of_each_stage_may_be_lost(client: SandboxClient, sandbox: Sandbox, stage: str) -> None:
    await client.add_fault("smtp", "lost_answer", operation=stage, seconds=0.05, times=1)
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        await send_mail(sandbox)
    assert await list_messages(client) == []


async def test_a_slow_server_accepts_in_the_end(client: SandboxClient, sandbox: Sandbox) -> None:
    await client.add_fault("smtp", "slow", operation="content", seconds=0.01)
    assert await send_mail(sandbox) == {}


async def test_a_refused_connection_says_why_and_is_closed(client: SandboxClient, sandbox: Sandbox) -> None:
    await client.add_fault("smtp", "refused", operation="connect", status=554)
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        await send_mail(sandbox)
    assert refused.value.smtp_code == 554


@pytest.mark.parametrize("kind", ["html", "empty", "rate_limited", "server_error", "webhook_twice"])
async def test_faults_of_http_are_refused(client: SandboxClient, kind: str) -> None:
    response = await client.send_request("POST", "/_sandbox/faults", {"vendor": "smtp", "kind": kind})
    assert response.status == 422


@pytest.fixture
async def secure() -> AsyncIterator[Sandbox]:
    async with run_sandbox(SECURE) as sandbox:
        yield sandbox


def start_tls(server: smtplib.SMTP, sandbox: Sandbox) -> None:
    server.starttls(context=ssl.create_default_context(cadata=sandbox.state.smtp.certificate))


async def test_mail_needs_starttls_and_a_login(secure: Sandbox) -> None:
    def send(server: smtplib.SMTP) -> list[int]:
        server.ehlo()
        codes = [server.mail("dana@broker.example")[0]]
        start_tls(server, secure)
        server.ehlo()
        codes.append(server.mail("dana@broker.example")[0])
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login("sandbox", "wrong")
        server.login("sandbox", PASSWORD)
        server.send_message(create_message())
        return codes

    assert await use_server(secure, send) == [530, 530]
    [mail] = secure.state.smtp.mailbox.list_mails()
    assert (mail.is_encrypted, mail.login) == (True, "sandbox")


async def test_an_unknown_certificate_is_not_trusted(secure: Sandbox) -> None:
    def send(server: smtplib.SMTP) -> None:
        server.starttls(context=ssl.create_default_context())

    with pytest.raises(ssl.SSLCertVerificationError):
        await use_server(secure, send)


@pytest.mark.parametrize(
    ("stage", "status", "error"),
    [("starttls", 454, smtplib.SMTPResponseException), ("auth", 535, smtplib.SMTPAuthenticationError)],
)
async def test_starttls_and_login_can_be_refused(
    secure: Sandbox, session: Any, stage: str, status: int, error: type[Exception]
) -> None:
    await SandboxClient(secure.url, session).add_fault("smtp", "refused", operation=stage, status=status)

    def send(server: smtplib.SMTP) -> None:
        start_tls(server, secure)
        server.login("sandbox", PASSWORD)

    with pytest.raises(error):
        await use_server(secure, send)
