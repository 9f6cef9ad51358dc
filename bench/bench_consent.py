"""Benchmark of the consent form: check of a token, signatures, withdrawals, and the same rows in PostgreSQL alone.

./dev bench consent [FORMS_PER_SECOND]
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from common.ids import BrokerId, LeadId
from harness import Sending, System, console, report, send_at_rate, send_repeatedly, system
from support.consent_forms import FormVisitor, offer_form
from support.consents import ConsentFixture

PER_SECOND, SECONDS, CONNECTIONS = 50, 10, 20
LEADS = 4_000
SESSIONS_ALONE = 10

ISSUE_ALONE = "select app.issue_consent_token($1, $2)"
SIGN_ALONE = (
    "update app.consent_tokens set used_at = now() where id = $1 and used_at is null",
    """select app.grant_consent($2, $3, 'h1', $4, 1, $1, 'form', now(), $3, $3, $5, $3, $6)""",
    "select result from app.transition_lead(array[$1::uuid], 'replied', 'consent_granted')",
    """insert into app.mails (
      id, lead_id, broker_id, template, template_version, value_hash, hash_key_id, content_ciphertext
    ) values ($1, $2, $3, 'consent_copy', 1, $4, 'h1', $5)""",
    "insert into svc_consent.outbox (topic, key, headers, body) values ('funnel.consent_granted', null, $1, $2)",
)
"""Rows of one signature, without HTTP and encryption."""
WITHDRAW_ALONE = (
    "select app.opt_out('phone', $1, 'h1', 'opt_out', $2, now(), $3)",
    "select app.withdraw_consent($1, 'link', null, null, now(), $2)",
    "insert into svc_consent.outbox (topic, key, headers, body) values ('funnel.consent_revoked', null, $1, $2)",
)
"""Rows of one withdrawal."""


async def main(per_second: int) -> None:
    """Check tokens and sign forms at *per_second*, sign and withdraw as fast as possible, and report."""
    async with system("consent", CONSENT_FORMS_PER_MINUTE="100000000") as running, _offered(running) as data:
        console.print(f"adding {LEADS:,} leads …", style="dim")
        leads = await _add_leads(data)
        rows = await _measure_service(running, leads, per_second)
        rows += await _measure_alone(running, data.broker, leads)
    forms, withdrawals = rows[-2], rows[-1]
    for row, alone in ((rows[2], forms), (rows[3], withdrawals)):
        row["of PostgreSQL alone"] = round(row["a second"] / alone["a second"], 3)
    report(
        "consent",
        rows,
        token_check_p95_ms=rows[0]["p95 ms"],
        forms_a_second=rows[2]["a second"],
        withdrawals_a_second=rows[3]["a second"],
        ratio=rows[2]["of PostgreSQL alone"],
    )


@asynccontextmanager
async def _offered(running: System) -> AsyncIterator[ConsentFixture]:
    """Yield a broker with a published text."""
    owner = await asyncpg.connect(running.database.superuser_dsn)
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    data = ConsentFixture(owner, owner, broker)
    await offer_form(data)
    yield data
    await owner.close()


async def _add_leads(data: ConsentFixture) -> list[LeadId]:
    """Add leads with a number and a verified address each."""
    async with data.owner.transaction():
        leads = [
            await data.add_lead(phone=_build_number(place), email=f"o{place}@example.com") for place in range(LEADS)
        ]
        await data.owner.execute("update app.lead_contacts set verified = true, verified_at = now()")
    await data.owner.execute("analyze")
    return leads


def _build_number(place: int) -> str:
    return f"+1727{2_000_000 + place}"


async def _measure_service(running: System, leads: Sequence[LeadId], per_second: int) -> list[dict[str, Any]]:
    url = f"http://127.0.0.1:{running.services['consent'].environment['CONSENT_PORT']}/consent"
    signers, leavers = cycle(enumerate(leads)), cycle(leads)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS)) as session:
        visitor = FormVisitor(url, session)
        unsigned = cycle([(await visitor.open(lead)).token for lead in leads[:100]])

        async def check_token() -> None:
            """Send a form whose box is not ticked: the token is checked, and nothing is recorded."""
            page = await visitor.post(next(unsigned), agree=None)
            assert page.status == 422, page.words

        async def sign() -> None:
            place, lead = next(signers)
            page = await visitor.sign(lead, number=_build_number(place))
            assert page.status == 200, page.words

        async def withdraw() -> None:
            page = await visitor.request("POST", visitor.link(next(leavers)).replace("/consent?", "/consent/withdraw?"))
            assert page.status == 200, page.words

        await send_at_rate(sign, per_second, SECONDS)
        checked = send_at_rate(check_token, per_second, SECONDS)
        signed = send_at_rate(sign, per_second, SECONDS)
        return [
            await _measure(f"check of a token, {per_second} a second", running, checked),
            await _measure(f"form opened and signed, {per_second} a second", running, signed),
            await _measure(
                "form opened and signed, as fast as possible", running, send_repeatedly(sign, CONNECTIONS, SECONDS)
            ),
            await _measure("withdrawal, as fast as possible", running, send_repeatedly(withdraw, CONNECTIONS, SECONDS)),
        ]


async def _measure_alone(running: System, broker: BrokerId, leads: Sequence[LeadId]) -> list[dict[str, Any]]:
    pool = await asyncpg.create_pool(running.database.superuser_dsn, min_size=SESSIONS_ALONE, max_size=SESSIONS_ALONE)
    signers, page, signer, event = cycle(leads), b"x" * 6_000, b"x" * 400, b"x" * 900
    use, grant, reply, mail, emit = SIGN_ALONE
    opt_out, end, report_end = WITHDRAW_ALONE

    async def sign() -> None:
        lead, value = next(signers), os.urandom(32)
        token = await pool.fetchval(ISSUE_ALONE, lead, value.hex())
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(use, token)
            await connection.execute(grant, token, lead, value, broker, page, signer)
            await connection.execute(reply, lead)
            await connection.execute(mail, uuid4(), lead, broker, value, page)
            await connection.execute(emit, event[:300], event)

    async def withdraw() -> None:
        lead, value = next(signers), os.urandom(32)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(opt_out, value, lead, value)
            await connection.execute(end, lead, value)
            await connection.execute(report_end, event[:300], event)

    rows = [
        await _measure("signature in PostgreSQL alone", running, send_repeatedly(sign, SESSIONS_ALONE, SECONDS)),
        await _measure("withdrawal in PostgreSQL alone", running, send_repeatedly(withdraw, SESSIONS_ALONE, SECONDS)),
    ]
    await pool.close()
    return rows


async def _measure(what: str, running: System, sending: Awaitable[Sending]) -> dict[str, Any]:
    before = running.cpu_seconds()
    sent = await sending
    after, count = running.cpu_seconds(), len(sent.taken_ms)
    spent = {name: round((after[name] - before[name]) / count * 1e6) for name in ("consent", "postgres")}
    return sent.summarise(what) | {f"{name} CPU us each": each for name, each in spent.items()}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else PER_SECOND))
