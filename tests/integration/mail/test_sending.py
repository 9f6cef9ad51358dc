"""Mails that a service queues: sent once, with the gate's decision; and each answer of the server (docs/mails.md)."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from common.compliance.links import build_lead_link
from common.events import EmailSent
from local_services.processes import free_port
from sandbox.app import Sandbox
from sandbox.settings import SandboxSettings
from support.consents import EMAIL
from support.feeding import KEYS
from support.installation import SECRETS
from support.mails import WORDS, MailFixture, mail_settings, read_messages
from support.vendors import run_sandbox

SECURE = SandboxSettings(sandbox_port=0, sandbox_smtp_starttls=True, sandbox_smtp_login=True)
LOGIN = f"sandbox:{SECURE.sandbox_smtp_password.get_secret_value()}"


async def test_a_queued_mail_is_sent_once_with_words_headers_decision_and_event(
    mails: MailFixture, sandbox: Sandbox, running: Any, sent: Any
) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    async with running("consent", **mail_settings(sandbox)):
        row = await mails.wait(mail_id, "sent")
        async with asyncio.timeout(20):
            while not (events := await sent(EmailSent.topic)):
                await asyncio.sleep(0.05)
    [message] = read_messages(sandbox)
    link = build_lead_link("http://127.0.0.1/consent/opt-out", SECRETS["FORM_LINK_SECRET"].encode(), lead)
    assert message["To"] == EMAIL
    assert message["From"] == "Palmetto Home Equity <office@palmetto.example>"
    assert message["Subject"] == "Your copy, Señora"
    assert message["Message-ID"] == row["message_id"] == f"<{mail_id}@palmetto.example>"
    assert message["List-Unsubscribe"] == f"<{link}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, page = (message.get_body((kind,)) for kind in ("plain", "html"))
    for part in (text, page):
        assert part
        assert link in part.get_content()
        assert "1 Main Street, Tampa, FL 33602" in part.get_content()
        assert "Señora" in part.get_content()
    assert text
    assert "\n".join(text.get_content().splitlines()).startswith(WORDS)
    assert await mails.decisions(lead) == [("service", True, "allowed")]
    assert (row["service"], row["attempts"], row["reason"]) == ("svc_consent", 1, None)
    [event] = events
    body = EmailSent.model_validate_json(event.value)
    assert (body.lead_id, body.intent_id, body.purpose, body.template) == (lead, mail_id, "service", "consent_copy")
    assert EMAIL.encode() not in event.value


@pytest.mark.parametrize(
    ("operation", "status", "reason"),
    [("rcpt", 550, "rcpt_550"), ("data", 554, "data_554"), ("content", 552, "content_552")],
)
async def test_a_mail_that_the_server_refuses_for_good_is_refused_with_the_code(
    mails: MailFixture, sandbox: Sandbox, running: Any, add_fault: Callable[..., object],
    operation: str, status: int, reason: str,
) -> None:  # fmt: skip
    mail_id = await mails.queue(await mails.add_lead())
    add_fault("refused", operation=operation, status=status)
    async with running("consent", **mail_settings(sandbox)):
        row = await mails.wait(mail_id, "refused")
    assert row["reason"] == reason
    assert read_messages(sandbox) == []


@pytest.mark.parametrize("operation", ["connect", "ehlo", "mail", "rcpt", "data", "content"])
async def test_a_temporary_refusal_is_repeated_until_the_server_takes_the_mail(
    mails: MailFixture, sandbox: Sandbox, running: Any, add_fault: Callable[..., object], operation: str
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    add_fault("refused", operation=operation, status=421 if operation in ("connect", "ehlo") else 451, times=2)
    async with running("consent", **mail_settings(sandbox)):
        row = await mails.wait(mail_id, "sent")
    assert row["attempts"] == 3
    assert len(read_messages(sandbox)) == 1


@pytest.mark.parametrize("operation", ["connect", "ehlo", "mail", "rcpt", "data"])
@pytest.mark.parametrize("kind", ["reset", "timeout"])
async def test_a_connection_that_is_lost_before_the_content_is_repeated(
    mails: MailFixture, sandbox: Sandbox, running: Any, add_fault: Callable[..., object], operation: str, kind: str
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    add_fault(kind, operation=operation, times=1, seconds=30 if kind == "timeout" else 0)
    async with running("consent", **mail_settings(sandbox, smtp_timeout_seconds=1)):
        row = await mails.wait(mail_id, "sent")
    assert row["attempts"] == 2
    assert len(read_messages(sandbox)) == 1


@pytest.mark.parametrize(("kind", "seconds"), [("lost_answer", 0), ("lost_answer", 30), ("timeout", 30), ("reset", 0)])
async def test_a_mail_without_an_answer_after_its_content_is_unknown_and_never_sent_again(
    mails: MailFixture, sandbox: Sandbox, running: Any, add_fault: Callable[..., object], kind: str, seconds: float
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    add_fault(kind, operation="content", times=1, seconds=seconds)
    async with running("consent", **mail_settings(sandbox, smtp_answer_seconds=1)) as (service,):
        row = await mails.wait(mail_id, "unknown")
        await service.jobs.run_job("consent.watch_mails")
        later = await mails.queue(await mails.add_lead("other@example.com"), "other@example.com")
        await mails.wait(later, "sent")
        assert (await mails.row(mail_id))["state"] == "unknown"
    assert row["reason"] in ("answer_lost", "answer_timeout")
    assert sum(message["To"] == EMAIL for message in read_messages(sandbox)) == (kind == "lost_answer")


async def test_a_server_that_is_down_delays_mails_and_loses_none(
    mails: MailFixture, sandbox: Sandbox, running: Any
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    port = sandbox.state.smtp.port
    await sandbox.state.smtp.stop()
    async with running("consent", **mail_settings(sandbox, smtp_url=f"smtp://127.0.0.1:{port}")):
        await mails.wait_for_reason(mail_id, "connect_connection_lost")
        sandbox.state.smtp._settings = sandbox.state.smtp._settings.model_copy(update={"sandbox_smtp_port": port})
        await sandbox.state.smtp.start()
        await mails.wait(mail_id, "sent")
    assert len(read_messages(sandbox)) == 1


async def test_an_opt_out_between_queue_and_sending_stops_the_mail(
    mails: MailFixture, sandbox: Sandbox, running: Any
) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    await mails.data.opt_out(EMAIL, 0)
    async with running("consent", **mail_settings(sandbox)):
        row = await mails.wait(mail_id, "refused")
    assert row["reason"] == "gate_suppressed"
    assert await mails.decisions(lead) == [("service", False, "suppressed")]
    assert read_messages(sandbox) == []


async def test_two_replicas_send_each_mail_once(mails: MailFixture, sandbox: Sandbox, running: Any) -> None:
    addresses = [f"owner{number}@example.com" for number in range(40)]
    queued = [await mails.queue(await mails.add_lead(address), address) for address in addresses]
    settings = mail_settings(sandbox, smtp_connections=3)
    async with running("consent", **settings), running("consent", **settings):
        for mail_id in queued:
            await mails.wait(mail_id, "sent", seconds=60)
    assert sandbox.state.smtp.mailbox.count_by_recipient() == dict.fromkeys(addresses, 1)


async def test_without_smtp_url_nothing_is_sent_and_the_row_stays_queued(
    mails: MailFixture, running: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    async with running("consent", consent_port=0) as (service,):
        await service.jobs.run_job("consent.watch_mails")
        row = await mails.row(mail_id)
    assert (row["state"], row["attempts"]) == ("queued", 0)
    output = capsys.readouterr()
    assert "mail_sending_disabled" in output.out + output.err
    assert "SMTP_URL is not set" in output.out + output.err


async def test_starttls_with_a_certificate_that_is_not_trusted_is_refused_and_nothing_is_sent(
    mails: MailFixture, running: Any, tmp_path: Any
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    async with run_sandbox(SECURE) as secure:
        url = f"smtp://{LOGIN}@127.0.0.1:{secure.state.smtp.port}"
        async with running("consent", **mail_settings(secure, smtp_url=url)):
            await mails.wait_for_reason(mail_id, "tls_failed")
        assert read_messages(secure) == []
        certificate = tmp_path / "server.pem"
        certificate.write_text(secure.state.smtp.certificate or "")
        async with running("consent", **mail_settings(secure, smtp_url=url, smtp_ca_file=certificate)):
            await mails.wait(mail_id, "sent")
        [mail] = secure.state.smtp.mailbox.list_mails()
        assert (mail.is_encrypted, mail.login) == (True, "sandbox")


async def test_a_wrong_password_refuses_no_mail_and_is_repeated(
    mails: MailFixture, running: Any, tmp_path: Any
) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    async with run_sandbox(SECURE) as secure:
        certificate = tmp_path / "server.pem"
        certificate.write_text(secure.state.smtp.certificate or "")
        url = f"smtp://sandbox:wrong@127.0.0.1:{secure.state.smtp.port}"
        async with running("consent", **mail_settings(secure, smtp_url=url, smtp_ca_file=certificate)):
            row = await mails.wait_for_reason(mail_id, "login_535")
    assert row["state"] == "queued"


@pytest.mark.parametrize("address", ["o'brien+x@example.com", '"a b"@example.com', "x_y.z@sub.example.com"])
async def test_addresses_with_unusual_characters_arrive(
    mails: MailFixture, sandbox: Sandbox, running: Any, address: str
) -> None:
    mail_id = await mails.queue(await mails.add_lead(address), address)
    async with running("consent", **mail_settings(sandbox)):
        await mails.wait(mail_id, "sent")
    [mail] = sandbox.state.smtp.mailbox.list_mails()
    assert list(mail.recipients) == [address]


async def test_an_address_in_utf8_is_sent_to_a_server_that_takes_it(
    mails: MailFixture, sandbox: Sandbox, running: Any
) -> None:
    address = "josé@example.com"
    mail_id = await mails.queue(await mails.add_lead(address), address)
    async with running("consent", **mail_settings(sandbox)):
        await mails.wait(mail_id, "sent")
    [message] = read_messages(sandbox)
    assert message["To"] == address


async def test_an_erased_lead_gets_no_mail(mails: MailFixture, sandbox: Sandbox, running: Any) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    await mails.data.owner.execute("update app.leads set data_key = null where id = $1", lead)
    async with running("consent", **mail_settings(sandbox)):
        row = await mails.wait(mail_id, "refused")
    assert row["reason"] == "erased"
    assert read_messages(sandbox) == []


async def test_a_mail_that_waits_too_long_expires(mails: MailFixture, running: Any) -> None:
    mail_id = await mails.queue(await mails.add_lead())
    await mails.data.owner.execute("update app.mails set queued_at = now() - interval '73 hours'")
    settings = {
        "smtp_url": f"smtp://127.0.0.1:{free_port()}",
        "smtp_from": "a@b.example",
        "postal_address": "x",
        "consent_port": 0,
    }
    async with running("consent", **settings) as (service,):
        await service.jobs.run_job("consent.watch_mails")
        row = await mails.row(mail_id)
    assert (row["state"], row["reason"], row["attempts"]) == ("refused", "expired", 0)


async def test_a_service_sees_its_own_mails_only(mails: MailFixture, database: Any) -> None:
    await mails.queue(await mails.add_lead())
    for role, seen in (("consent", 1), ("voice", 0)):
        await mails.data.owner.execute(f"set role svc_{role}")
        assert await mails.data.owner.fetchval("select count(*) from app.mails") == seen
        await mails.data.owner.execute("reset role")
    stored = await mails.data.owner.fetchval("select content_ciphertext from app.mails")
    assert EMAIL.encode() not in stored
    assert (await mails.data.owner.fetchval("select value_hash from app.mails")) == KEYS.hash_contact(EMAIL)
