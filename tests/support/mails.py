"""Mails queued by the service *consent*, and the sandbox's SMTP server that takes them."""

import asyncio
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any
from uuid import UUID

import asyncpg

from common.bus import Tx
from common.ids import LeadId
from common.mail.content import MailContent
from common.mail.queue import NewMail, queue_mail
from sandbox.app import Sandbox
from support.consents import EMAIL, ConsentFixture
from support.feeding import KEYS

WORDS = "Your copy, Señora.\n\nYou agreed to calls.\n.\nA line with one period is above."


def mail_settings(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return the settings of a service that sends to *sandbox*, with short times."""
    return {
        "smtp_url": f"smtp://127.0.0.1:{sandbox.state.smtp.port}",
        "smtp_from": "Palmetto Home Equity <office@palmetto.example>",
        "postal_address": "1 Main Street, Tampa, FL 33602",
        "mail_check_seconds": 0.05,
        "mail_retry_seconds": 0.2,
        "smtp_timeout_seconds": 5,
        "smtp_answer_seconds": 5,
        "consent_port": 0,
        **changes,
    }


@dataclass(frozen=True, slots=True)
class MailFixture:
    """Writer of queued mails, and reader of what became of them."""

    data: ConsentFixture

    async def add_lead(self, email: str = EMAIL, **columns: Any) -> LeadId:
        """Add a lead with a verified address."""
        lead = await self.data.add_lead(email=email, **columns)
        await self.data.owner.execute("update app.lead_contacts set verified = true where lead_id = $1", lead)
        return lead

    async def queue(self, lead: LeadId, recipient: str = EMAIL, **changes: Any) -> UUID:
        """Queue a mail in a transaction of the service *consent*."""
        content = MailContent(recipient, **{"subject": "Your copy, Señora", "text": WORDS, **changes})
        async with self.data.consent.transaction():
            new = NewMail(lead, self.data.broker, "consent_copy", 1, content)
            mail_id = await queue_mail(Tx(self.data.consent, "consent"), KEYS, new)
        assert mail_id
        return mail_id

    async def row(self, mail: UUID) -> asyncpg.Record:
        """Return the row of a mail."""
        row = await self.data.owner.fetchrow("select * from app.mails where id = $1", mail)
        assert row
        return row

    async def wait(self, mail: UUID, *states: str, seconds: float = 20) -> asyncpg.Record:
        """Wait until the mail is in one of *states*, and return its row."""
        async with asyncio.timeout(seconds):
            while (row := await self.row(mail))["state"] not in states:
                await asyncio.sleep(0.02)
        return row

    async def wait_for_reason(self, mail: UUID, reason: str, seconds: float = 20) -> asyncpg.Record:
        """Wait until an attempt of the mail ended for *reason*, and return its row."""
        async with asyncio.timeout(seconds):
            while (row := await self.row(mail))["reason"] != reason:
                await asyncio.sleep(0.02)
        return row

    async def decisions(self, lead: LeadId) -> list[tuple[str, bool, str]]:
        """Return purpose, result and reasons of the decisions about a lead."""
        rows = await self.data.owner.fetch(
            "select purpose, allowed, reason from pipeline.contact_decisions where lead_id = $1 order by id", lead
        )
        return [tuple(row) for row in rows]


def read_messages(sandbox: Sandbox) -> list[EmailMessage]:
    """Return the messages that the sandbox's server took, parsed."""
    mails = sandbox.state.smtp.mailbox.list_mails()
    return [message_from_bytes(mail.content, policy=default_policy) for mail in mails]
