"""Kills with -9 of a sender at each point of a mail: no mail is sent twice, and none is lost without a trace."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from common.events import EmailSent
from common.mail.attempts import ClaimLostError, MailAttempts
from consent.settings import ConsentSettings
from sandbox.app import Sandbox
from support.installation import Spawned
from support.kill_points import with_kill_point
from support.mails import MailFixture, mail_settings
from support.processes import EQUITY

ADDRESSES = [f"owner{number}@example.com" for number in range(4)]
UNKNOWN_BY_POINT = {
    "after a mail is claimed": 0,
    "before a mail is started": 0,
    "after a mail is started": 1,
    "after the content of a mail": 1,
    "after a mail is recorded": 0,
}


@pytest.mark.parametrize("point", UNKNOWN_BY_POINT)
async def test_a_killed_sender_repeats_only_what_was_not_sent(
    mails: MailFixture, sandbox: Sandbox, spawn: Callable[..., Awaitable[Spawned]], sent: Any,
    tmp_path: Path, point: str,
) -> None:  # fmt: skip
    queued = [await mails.queue(await mails.add_lead(address), address) for address in ADDRESSES]
    settings = mail_settings(sandbox, smtp_timeout_seconds=1, smtp_connections=1, mail_check_seconds=0.2)
    smtp_url = settings.pop("smtp_url")
    consent = await spawn("consent", **{name.upper(): str(value) for name, value in settings.items()})
    consent.kill()  # without SMTP_URL it sent nothing
    consent.environment = {**consent.environment, "SMTP_URL": smtp_url}

    consent.program = with_kill_point(EQUITY, point, tmp_path / "died")
    consent.start()
    async with asyncio.timeout(60):
        while consent.alive:
            await asyncio.sleep(0.05)
    assert (tmp_path / "died").exists()
    await mails.data.owner.execute(
        "update app.mails set claimed_until = now() - interval '1 s' where state = 'sending'"
    )
    consent.start()
    rows = [await mails.wait(mail_id, "sent", "unknown", seconds=60) for mail_id in queued]

    unknown = [row for row in rows if row["state"] == "unknown"]
    assert len(unknown) == UNKNOWN_BY_POINT[point]
    assert {row["reason"] for row in unknown} <= {"sender_lost"}
    counts = sandbox.state.smtp.mailbox.count_by_recipient()
    assert set(counts.values()) == {1}
    assert len(counts) == len(ADDRESSES) - (point == "after a mail is started")
    async with asyncio.timeout(30):
        while await mails.data.owner.fetchval("select count(*) from svc_consent.outbox"):
            await asyncio.sleep(0.05)
    events = {dict(message.headers)["ce_id"] for message in await sent(EmailSent.topic)}
    assert len(events) == len(ADDRESSES) - len(unknown)


async def test_a_sender_that_was_frozen_past_its_lease_sends_nothing(
    mails: MailFixture, sandbox: Sandbox, running: Any
) -> None:
    lead = await mails.add_lead()
    mail_id = await mails.queue(lead)
    async with running("consent", consent_port=0) as (service,):
        settings = ConsentSettings(**mail_settings(sandbox))
        frozen, other = (MailAttempts(service.bus, settings, service.clock) for _ in range(2))
        attempt = await frozen.claim()
        assert attempt
        assert await other.claim() is None, "it is leased"
        await mails.data.owner.execute("update app.mails set claimed_until = now() - interval '1 s'")
        with pytest.raises(ClaimLostError):
            await frozen.start(attempt, "<1@example.com>")
        second = await other.claim()
        assert second
        with pytest.raises(ClaimLostError):
            await frozen.start(attempt, "<1@example.com>")
        assert await other.start(second, "<1@example.com>") is None
        assert not await frozen.record_sent(attempt)
        assert await other.record_sent(second)
    assert (await mails.row(mail_id))["state"] == "sent"
    assert await mails.decisions(lead) == [("service", True, "allowed")], "a lost claim logs no decision"
