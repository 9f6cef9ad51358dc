"""The copy of what a person signed: mailed once for each signature, by the gate's leave, and erased with the person."""

import asyncio
import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from typing import Any

import aiohttp
import asyncpg
import pytest

from common.compliance.links import build_lead_link
from sandbox.app import Sandbox
from support.consent_forms import SECRET, SELLER, FormVisitor
from support.consents import EMAIL, NUMBER, OTHER_NUMBER, ConsentFixture
from support.mails import MailFixture, mail_settings, read_messages

PUBLIC = "https://forms.palmetto.example/consent"


@pytest.fixture
def mails(offered: ConsentFixture) -> MailFixture:
    return MailFixture(offered)


@pytest.fixture
async def mailing_visitor(running: Any, sandbox: Sandbox, session: aiohttp.ClientSession) -> AsyncIterator[FormVisitor]:
    """Yield a person at the form of a service that sends its mails to the sandbox."""
    async with running("consent", **mail_settings(sandbox), consent_form_url=PUBLIC) as (service,):
        yield FormVisitor(f"http://127.0.0.1:{service.parts[-1].port}/consent", session)


async def list_mails(mails: MailFixture) -> list[asyncpg.Record]:
    return await mails.data.owner.fetch("select * from app.mails order by id")


def read_words(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body
    return " ".join(re.sub(r"<[^>]+>", " ", body.get_content()).split())


async def test_the_signer_gets_the_words_the_time_and_the_way_to_withdraw(
    mails: MailFixture, mailing_visitor: FormVisitor, sandbox: Sandbox
) -> None:
    lead = await mails.add_lead()
    page = await mailing_visitor.open(lead)
    assert (await mailing_visitor.post(page.token, name="Ana Ruiz")).status == 200
    [mail] = await list_mails(mails)
    await mails.wait(mail["id"], "sent")
    [message] = read_messages(sandbox)
    [row] = await mails.data.audit(lead)
    assert (message["To"], message["Subject"]) == (EMAIL, "Your copy of what you signed")
    assert "/consent/opt-out?l=" in message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text, html = read_words(message), read_words(message, "html")
    agreement = re.findall(r"<li>(.*?)</li>", page.text)
    assert len(agreement) == 7
    for paragraph in agreement:
        assert paragraph in text
    at = row["at"]
    facts = [f"{at:%B} {at.day}, {at:%Y}, {at:%H:%M} UTC", "Name: Ana Ruiz", "ends in 142", f"Agreement with: {SELLER}",
             build_lead_link(f"{PUBLIC}/withdraw", SECRET, lead), "1 Main Street, Tampa"]  # fmt: skip
    for fact in facts:
        assert fact in text
        assert fact in html
    assert NUMBER[-7:] not in text
    assert await mails.decisions(lead) == [("service", True, "allowed")]


async def test_the_link_in_the_copy_withdraws_the_consent(
    mails: MailFixture, mailing_visitor: FormVisitor, sandbox: Sandbox
) -> None:
    lead = await mails.add_lead()
    await mailing_visitor.sign(lead)
    [mail] = await list_mails(mails)
    await mails.wait(mail["id"], "sent")
    [link] = re.findall(r"https://\S+/withdraw\?l=\S+", read_words(read_messages(sandbox)[0]))
    local = link.replace(PUBLIC, mailing_visitor.url)
    assert (await mailing_visitor.request("POST", local)).status == 200
    assert [row["action"] for row in await mails.data.audit(lead)] == ["granted", "withdrawn", "withdrawn"]


async def test_the_copy_is_in_the_language_of_the_page(
    mails: MailFixture, mailing_visitor: FormVisitor, sandbox: Sandbox
) -> None:
    lead = await mails.add_lead()
    page = await mailing_visitor.open(lead, lang="es")
    await mailing_visitor.post(page.token)
    [mail] = await list_mails(mails)
    await mails.wait(mail["id"], "sent")
    [message] = read_messages(sandbox)
    assert message["Subject"] == "Su copia de lo que firmó"
    assert "voz artificial o pregrabada" in read_words(message)


async def test_submissions_of_one_form_queue_one_copy_and_each_signature_has_its_own(
    mails: MailFixture, visitor: FormVisitor
) -> None:
    lead = await mails.add_lead()
    token = (await visitor.open(lead)).token
    pages = await asyncio.gather(*(visitor.post(token) for _ in range(50)))
    assert {page.status for page in pages} == {200}
    assert len(await list_mails(mails)) == 1
    await visitor.sign(lead, number=OTHER_NUMBER)
    assert [row["template"] for row in await list_mails(mails)] == ["consent_copy"] * 2


async def test_without_a_mail_server_the_signature_counts_and_the_copy_waits(
    mails: MailFixture, visitor: FormVisitor
) -> None:
    lead = await mails.add_lead()
    assert (await visitor.sign(lead)).status == 200
    [mail] = await list_mails(mails)
    assert (mail["state"], mail["attempts"]) == ("queued", 0)
    assert [row["action"] for row in await mails.data.audit(lead)] == ["granted"]


async def test_a_lead_that_opted_out_of_emails_gets_no_copy_and_its_signature_counts(
    mails: MailFixture, mailing_visitor: FormVisitor, sandbox: Sandbox
) -> None:
    lead = await mails.add_lead()
    await mails.data.opt_out(EMAIL, 0, lead=lead)
    assert (await mailing_visitor.sign(lead)).status == 200
    [mail] = await list_mails(mails)
    assert (await mails.wait(mail["id"], "refused"))["reason"] == "gate_suppressed"
    assert read_messages(sandbox) == []
    assert [row["action"] for row in await mails.data.audit(lead)] == ["granted"]


async def test_an_address_that_is_not_verified_gets_no_copy(mails: MailFixture, visitor: FormVisitor) -> None:
    lead = await mails.data.add_lead()
    assert (await visitor.sign(lead)).status == 200
    assert await list_mails(mails) == []
    assert [row["action"] for row in await mails.data.audit(lead)] == ["granted"]


async def test_the_copy_is_deleted_with_the_data_of_the_person(mails: MailFixture, visitor: FormVisitor) -> None:
    lead = await mails.add_lead()
    await visitor.sign(lead)
    await mails.data.owner.execute("update app.leads set erased_at = now(), data_key = null where id = $1", lead)
    [mail] = await list_mails(mails)
    assert (mail["content_ciphertext"], mail["state"], mail["reason"]) == (None, "refused", "erased")
