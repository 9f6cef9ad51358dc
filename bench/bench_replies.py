"""Benchmark of replies: latency of opt-outs beside other webhooks, and replies by rules, against PostgreSQL alone.

./dev bench replies [REPLIES]
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg

from common.ids import BrokerId
from harness import System, console, percentile, report, send_at_rate, system, timed, wait_until
from sandbox.app import Sandbox
from support.feeding import KEYS
from support.replies import BODY, RepliesFixture, webhook
from support.vendors import SandboxClient, run_sandbox

REPLIES = 2_000
OPT_OUTS, OPT_OUTS_PER_SECOND, OTHERS_PER_SECOND = 150, 5, 100
LONGEST_SECONDS = 300.0
SECRET = "bench-secret"  # noqa: S105 - of the gateway that this program starts
SAID = {"replies by rules": "Fine, thank you for the note.", "opt-outs": "Please stop writing to me."}
WRITE_ALONE = """
with claimed as (
  insert into svc_replies.inbox (day, consumer, event_id, replay_number, body_hash)
  values (current_date, 'bench', $1, 0, 1)
),
stored as (
  insert into app.replies (
    id, event_id, lead_id, matched_by, at, received_at, text_ciphertext, state, intent, confidence, classified_by, route,
    routed_at
  )
  values ($1, $1, $2, 'address', now(), now(), $3, 'routed', 'other', 1, 'rules', 'question', now())
)
insert into svc_replies.outbox (topic, key, headers, body)
select topic, null, $3, $3
from unnest(array['events.email_replied', 'events.reply_classified', 'lead.question']) topic
"""
"""Rows of one reply, as one statement."""


async def main(replies: int) -> None:
    """Measure the latency of opt-outs, then the rate of replies and of opt-outs, and report."""
    async with run_sandbox() as sandbox, system("gateway", "replies", INSTANTLY_WEBHOOK_SECRETS=SECRET) as running:
        workspace = {"INSTANTLY_BASE_URL": f"{sandbox.url}/instantly", "INSTANTLY_API_KEY": "sandbox-instantly-key"}
        await running.start("feeder", **workspace)
        db = await asyncpg.connect(running.database.superuser_dsn)
        fixture = await _create_broker(db, running, sandbox)
        latencies = await _measure_opt_outs(fixture, running, sandbox)
        rows = [await _measure_rate(fixture, running, what, text, replies) for what, text in SAID.items()]
        rows.append(await _measure_alone(fixture, running, replies))
        await db.close()
    alone = float(rows[-1]["a second"])
    for row in rows:
        row["of PostgreSQL alone"] = round(float(row["a second"]) / alone, 3)
    report("replies", [*latencies, *rows], p95_s={row["what"]: row["p95 s"] for row in latencies})


async def _create_broker(db: asyncpg.Connection, running: System, sandbox: Sandbox) -> RepliesFixture:
    broker = BrokerId(uuid4())
    await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    campaign = sandbox.state.instantly.workspace.add_campaign({"name": "bench"})["id"]
    await db.execute(
        "insert into app.campaigns (broker_id, name, vendor_campaign_id, sequence) values ($1, 'A', $2, $3)",
        broker, campaign, json.dumps([{"day": 0, "subject": "your home", "body": BODY}]),
    )  # fmt: skip
    return RepliesFixture(db, running.installation, broker)


async def _add_leads(fixture: RepliesFixture, number: int, what: str) -> list[str]:
    console.print(f"{number:,} leads for {what} …", style="dim")
    emails = [f"owner{place}.{what.replace(' ', '.')}@example.com" for place in range(number)]
    for email in emails:
        await fixture.add_lead(email)
    return emails


async def _measure_opt_outs(fixture: RepliesFixture, running: System, sandbox: Sandbox) -> list[dict[str, Any]]:
    """Send opt-outs by HTTP among other webhooks; time from the request to the refusal by the gate, and to `out` at Instantly."""
    emails = await _add_leads(fixture, OPT_OUTS, "opting out")
    campaign = await fixture.db.fetchval("select vendor_campaign_id from app.campaigns")
    url = f"{running.services['gateway'].gateway}/v1/webhooks/instantly"
    headers = {"X-EC-Webhook-Secret": SECRET}
    async with aiohttp.ClientSession(headers=headers) as session:
        added = await SandboxClient(sandbox.url, session).add_leads(campaign, *emails)
        assert added.status == 200, added.raw
        await fixture.db.executemany(
            """insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash, vendor_lead_id)
            select c.lead_id, k.id, 'in', 'in', c.value_hash, $2
            from app.lead_contacts c, app.campaigns k where c.channel = 'email' and c.value_hash = $1""",
            [(KEYS.hash_contact(lead["email"]), lead["id"]) for lead in added.json["created_leads"]],
        )

        async def send(**fields: Any) -> None:
            async with session.post(url, json=webhook(campaign_id=campaign, **fields)) as response:
                response.raise_for_status()

        sent_at: dict[bytes, float] = {}
        waiting = iter(emails)

        async def send_opt_out() -> None:
            email = next(waiting)
            sent_at[KEYS.hash_contact(email)] = time.perf_counter()
            await send(lead_email=email, reply_text=SAID["opt-outs"])

        async def send_other() -> None:
            await send(event_type="email_opened", lead_email="other@example.com")

        watch = asyncio.create_task(_watch_effects(running, sent_at))
        seconds = OPT_OUTS / OPT_OUTS_PER_SECOND
        await asyncio.gather(
            send_at_rate(send_opt_out, OPT_OUTS_PER_SECOND, seconds),
            send_at_rate(send_other, OTHERS_PER_SECOND, seconds),
        )
        return await watch


async def _watch_effects(running: System, sent_at: dict[bytes, float]) -> list[dict[str, Any]]:
    """Look every 20 ms which of the opt-outs that were sent have their effects, until all have."""
    db = await asyncpg.connect(running.database.superuser_dsn)
    refused: dict[bytes, float] = {}
    out: dict[bytes, float] = {}
    queries = (
        (refused, "select value_hash from app.active_suppressions where value_hash = any ($1)"),
        (out, "select value_hash from app.vendor_memberships where actual = 'out' and value_hash = any ($1)"),
    )

    async def look() -> bool:
        for taken, query in queries:
            for (value_hash,) in await db.fetch(query, [one for one in sent_at if one not in taken]):
                taken[value_hash] = time.perf_counter() - sent_at[value_hash]
        return len(refused) == len(out) == OPT_OUTS

    await wait_until(look, LONGEST_SECONDS, every=0.02)
    await db.close()
    return [
        _summarise_latency("opt-out until the gate refuses", list(refused.values())),
        _summarise_latency("opt-out until out at Instantly", list(out.values())),
    ]


def _summarise_latency(what: str, seconds: Sequence[float]) -> dict[str, Any]:
    return {
        "what": what,
        "median s": round(percentile(list(seconds), 0.5), 3),
        "p95 s": round(percentile(list(seconds), 0.95), 3),
        "longest s": round(max(seconds), 3),
    }


async def _measure_rate(fixture: RepliesFixture, running: System, what: str, text: str, number: int) -> dict[str, Any]:
    """Publish *number* webhooks at once; time until each has its route and its events are published."""
    emails = await _add_leads(fixture, number, what)
    before = running.cpu_seconds()
    with timed() as taken:
        sent = await fixture.publish(*(webhook(lead_email=email, reply_text=text) for email in emails))

        async def is_done() -> bool:
            routed = "select count(*) from app.replies where event_id = any ($1) and state = 'routed'"
            waiting = await fixture.db.fetchval("select exists (select from svc_replies.outbox)")
            return not waiting and await fixture.db.fetchval(routed, sent) == number

        await wait_until(is_done, LONGEST_SECONDS)
    spent = running.cpu_seconds()
    return {
        "what": what,
        "a second": round(number / taken.seconds),
        "replies CPU us each": round((spent["replies"] - before["replies"]) / number * 1e6),
        "PostgreSQL CPU us each": round((spent["postgres"] - before["postgres"]) / number * 1e6),
    }


async def _measure_alone(fixture: RepliesFixture, running: System, number: int) -> dict[str, Any]:
    lead, text = await fixture.add_lead("alone@example.com"), b"x" * 300
    before = running.cpu_seconds()["postgres"]
    with timed() as taken:
        for _ in range(number):
            await fixture.db.execute(WRITE_ALONE, uuid4(), lead, text)
    spent = running.cpu_seconds()["postgres"] - before
    return {
        "what": "PostgreSQL alone",
        "a second": round(number / taken.seconds),
        "PostgreSQL CPU us each": round(spent / number * 1e6),
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else REPLIES))
