"""Outages of OpenRouter, Instantly and Kafka: no opt-out waits, no answer is sent twice, nothing becomes a dead letter, all is done later."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import aiohttp
import asyncpg
import orjson
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from common.bus import Tx
from common.compliance.email_decision import decide_email
from common.compliance.gate import GateDecision
from common.compliance.links import build_lead_link
from common.events import EmailReplied, InstantlyWebhook, Unsubscribed
from common.ids import LeadId
from common.topics import TOPICS
from common.vendors.instantly import WEBHOOK_SECRET_HEADER
from local_services import KafkaServer, PostgresServer
from sandbox.app import Sandbox
from sandbox.faults import Fault
from support import databases
from support import topics as topic_support
from support.answers import AnswerFixture
from support.feeding import KEYS
from support.installation import SECRETS, Installation, Spawned
from support.replies import RepliesFixture, webhook
from support.topic_reader import read_all_messages
from support.vendors import run_sandbox

pytestmark = pytest.mark.timeout(300)
OUTAGE_SECONDS = 12
"""Stands for an hour: longer than every timeout and several retries of the services in these tests."""
SHORT_WAITS = {
    "OPENROUTER_TIMEOUT_SECONDS": "2",
    "INSTANTLY_TIMEOUT_SECONDS": "3",
    "ANSWER_CHECK_SECONDS": "0.5",
    "ANSWER_RETRY_SECONDS": "1",
    "ANSWER_LOOKUP_SECONDS": "1",
    "REPLIES_POLL_SECONDS": "0.5",
}


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create all topics, and yield their prefix."""
    async with topic_support.created(kafka, topic_prefix, TOPICS, 1):
        yield topic_prefix


@pytest.fixture
async def vendors() -> AsyncIterator[Sandbox]:
    async with run_sandbox() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def add_outage(vendors: Sandbox, *names: str) -> None:
    for name in names:
        vendors.state.faults.add_fault(Fault(vendor=name, kind="server_error"))


async def list_dead_letters(installation: Installation) -> Sequence[object]:
    return await read_all_messages(installation.kafka, f"{installation.prefix}pipeline.dlq")


async def read_slowest_opt_out(db: asyncpg.Connection) -> float:
    """Return the longest time in seconds between a statement and its effect."""
    return float(
        await db.fetchval(
            "select max(extract(epoch from recorded_at - at)) from app.suppressions where lifted_at is null"
        )
    )


async def count_answers(data: AnswerFixture, emails: Sequence[str]) -> list[int]:
    return [len(await data.sent_emails(email)) for email in emails]


async def test_outages_of_the_model_and_of_instantly_delay_answers_and_no_opt_out(
    installation: Installation, vendors: Sandbox, session: aiohttp.ClientSession
) -> None:
    sending = await AnswerFixture.create(installation.database, vendors, session)
    replies = RepliesFixture(sending.db, installation, sending.broker)
    emails = [f"owner{number}@gmail.com" for number in range(9)]
    leads = {email: await sending.add_lead(email, status="active") for email in emails}

    async def write(email: str, text: str) -> None:
        received = await sending.receive(text, email)
        fields = {"lead_email": email, "lead_id": str(leads[email]), "email_id": received["id"]}
        await replies.publish(webhook(reply_text=text, campaign_id=sending.vendor_campaign, **fields))

    add_outage(vendors, "instantly")
    await installation.spawn(
        "replies",
        INSTANTLY_BASE_URL=f"{vendors.url}/instantly",
        INSTANTLY_API_KEY="sandbox-instantly-key",
        OPENROUTER_BASE_URL=f"{vendors.url}/openrouter",
        OPENROUTER_API_KEY="sandbox-openrouter-key",
        **SHORT_WAITS,
    )
    interested, opting_out, asking = emails[:3], emails[3:6], emails[6:]
    for email in interested:
        await write(email, "Yes please, call me.")
    await replies.wait("count(*) = 3 from app.reply_answers")
    add_outage(vendors, "openrouter")
    for email in (*opting_out, interested[0]):
        await write(email, "STOP")
    for email in asking:
        await write(email, "Who are you?")
    await replies.wait("count(*) = 4 from app.active_suppressions where channel = 'email'", seconds=60)
    await replies.wait("count(*) = 10 from app.replies where state = 'routed'", seconds=60)
    await asyncio.sleep(OUTAGE_SECONDS)
    assert await count_answers(sending, emails) == [0] * len(emails)
    vendors.state.faults.clear_faults()

    await replies.wait("not exists (select from app.reply_answers where state not in ('sent', 'refused'))", seconds=120)
    assert await count_answers(sending, emails) == [0, 1, 1] + [0] * 6
    assert await read_slowest_opt_out(sending.db) < 60
    reasons = await sending.db.fetch("select fallback_reason from app.replies where route = 'question'")
    assert len(reasons) == 3
    assert all(row["fallback_reason"] for row in reasons), "rules decided while the model was away"
    await replies.wait("not exists (select from svc_replies.outbox)")
    assert await list_dead_letters(installation) == []


@pytest.fixture
async def on_own_kafka(
    own_servers: tuple[KafkaServer, PostgresServer], tmp_path: Path
) -> AsyncIterator[tuple[KafkaServer, Installation]]:
    kafka, _ = own_servers
    prefix = f"o{uuid4().hex[:8]}."
    with databases.create_database() as database:
        await topic_support.create(kafka.bootstrap, prefix)
        installation = Installation(kafka.bootstrap, prefix, database, tmp_path)
        try:
            yield kafka, installation
        finally:
            installation.close()


async def assert_alive(session: aiohttp.ClientSession, services: Sequence[Spawned], seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        for service in services:
            async with session.get(f"{service.health}/livez") as response:
                assert response.status == 200
        await asyncio.sleep(0.5)


async def test_an_outage_of_kafka_delays_events_and_replies_and_no_opt_out_on_a_page(
    on_own_kafka: tuple[KafkaServer, Installation], session: aiohttp.ClientSession
) -> None:
    kafka, installation = on_own_kafka
    db = await asyncpg.connect(installation.database.superuser_dsn)
    broker = await db.fetchval("insert into app.brokers (name) values ('Palmetto Home Equity') returning id")
    replies = RepliesFixture(db, installation, broker)
    emails = [f"owner{number}@example.com" for number in range(8)]
    leads = [await replies.add_lead(email) for email in emails]
    services = [await installation.spawn("replies", **SHORT_WAITS), await installation.spawn("consent")]
    for email, lead in zip(emails[:3], leads, strict=False):
        await replies.publish(webhook(reply_text="STOP", lead_email=email, lead_id=str(lead)))

    await asyncio.to_thread(kafka.kill)
    form = f"http://127.0.0.1:{services[1].environment['CONSENT_PORT']}/consent"
    for lead, page in zip(leads[3:7], ["opt-out", "opt-out", "withdraw", "withdraw"], strict=True):
        async with session.post(
            build_lead_link(f"{form}/{page}", SECRETS["FORM_LINK_SECRET"].encode(), lead)
        ) as response:
            assert response.status == 200
    suppressed = "select count(*) from app.active_suppressions where channel = 'email' and lead_id = any ($1)"
    assert await db.fetchval(suppressed, leads[3:5]) == 2
    withdrawn = (
        "select count(distinct lead_id) from app.lead_consent_audit where action = 'withdrawn' and lead_id = any ($1)"
    )
    assert await db.fetchval(withdrawn, leads[5:7]) == 2
    await assert_alive(session, services, OUTAGE_SECONDS)
    await asyncio.to_thread(kafka.start)

    await replies.publish(webhook(reply_text="STOP", lead_email=emails[7], lead_id=str(leads[7])))
    stopped = [KEYS.hash_contact(email) for email in (*emails[:5], emails[7])]
    await replies.wait(
        "count(*) = 6 from app.active_suppressions where channel = 'email' and value_hash = any ($1)",
        stopped,
        seconds=120,
    )
    for service in ("replies", "consent"):
        await replies.wait(f"not exists (select from svc_{service}.outbox)", seconds=60)
    assert await list_dead_letters(installation) == []
    messages = await read_all_messages(installation.kafka, installation.prefix + Unsubscribed.topic)
    ids_by_effect = defaultdict[tuple[str, int], set[bytes]](set)
    for message in messages:
        body = orjson.loads(message.value)
        ids_by_effect[body["lead_id"], body["suppression_id"]].add(dict(message.headers)["ce_id"])
    assert {len(ids) for ids in ids_by_effect.values()} == {1}, "one event for each lead and suppression"
    assert {lead for lead, _ in ids_by_effect} >= {str(lead) for lead in (*leads[:5], leads[7])}
    await db.close()


async def decide_answer(db: asyncpg.Connection, lead: LeadId, email: str) -> GateDecision:
    """Return the gate's decision about an answer to the lead now, and keep no trace of it."""
    transaction = db.transaction()
    await transaction.start()
    try:
        return await decide_email(Tx(db, "replies"), lead, KEYS.hash_contact(email), "answer", datetime.now(UTC))
    finally:
        await transaction.rollback()


async def list_bodies(installation: Installation, topic: str) -> list[dict[str, str]]:
    messages = await read_all_messages(installation.kafka, installation.prefix + topic)
    return [orjson.loads(message.value) for message in messages]


async def wait_until_consumed(installation: Installation, topic: str, group: str, messages: int) -> None:
    """Wait until the topic has *messages* messages and the group has committed the offsets behind all of them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=installation.kafka)
    await admin.start()
    try:
        async with asyncio.timeout(120):
            while True:
                with suppress(KafkaError):  # the group has no coordinator for a moment after the start
                    offsets = await admin.list_consumer_group_offsets(installation.prefix + group)
                    if sum(found.offset for found in offsets.values() if found.offset > 0) >= messages:
                        break
                await asyncio.sleep(0.1)
    finally:
        await admin.close()
    assert len(await read_all_messages(installation.kafka, installation.prefix + topic)) == messages


async def test_an_outage_of_kafka_delays_no_opt_out_that_reached_the_gateway(
    on_own_kafka: tuple[KafkaServer, Installation], session: aiohttp.ClientSession
) -> None:
    kafka, installation = on_own_kafka
    db = await asyncpg.connect(installation.database.superuser_dsn)
    broker = await db.fetchval("insert into app.brokers (name) values ('Palmetto Home Equity') returning id")
    replies = RepliesFixture(db, installation, broker)
    stopping, unsubscribing, bouncing, interested = emails = [f"owner{number}@example.com" for number in range(4)]
    leads = {email: await replies.add_lead(email) for email in emails}
    gateway = await installation.spawn("gateway", INSTANTLY_WEBHOOK_SECRETS="webhook-secret")
    service = await installation.spawn("replies", **SHORT_WAITS)
    assert (await decide_answer(db, leads[stopping], stopping)).is_allowed

    async def post(event_type: str, email: str, **fields: str) -> None:
        body = webhook(event_type, lead_email=email, lead_id=str(leads[email]), **fields)
        headers = {WEBHOOK_SECRET_HEADER: "webhook-secret"}
        for _ in range(2):  # Instantly may repeat a webhook
            async with session.post(f"{gateway.gateway}/v1/webhooks/instantly", json=body, headers=headers) as response:
                assert response.status == 200

    await asyncio.to_thread(kafka.kill)
    await post("reply_received", stopping, reply_text="STOP")
    await post("lead_unsubscribed", unsubscribing)
    await post("email_bounced", bouncing)
    await post("reply_received", interested, reply_text="Yes please, call me.")
    stopped = [KEYS.hash_contact(email) for email in (stopping, unsubscribing, bouncing)]
    suppressed = "count(*) = 3 from app.active_suppressions where channel = 'email' and value_hash = any ($1)"
    await replies.wait(suppressed, stopped, seconds=120)
    assert "suppressed" in (await decide_answer(db, leads[stopping], stopping)).reasons
    assert await db.fetchval("select count(*) from svc_gateway.outbox") == 4, "Kafka has none of them"
    await replies.wait("count(*) = 2 from app.replies where state = 'routed'", seconds=60)
    await post("lead_interested", interested)
    await replies.wait("count(*) = 1 from app.reply_answers", seconds=60)
    await assert_alive(session, [gateway, service], OUTAGE_SECONDS)
    await asyncio.to_thread(kafka.start)

    await replies.wait("not exists (select from svc_gateway.outbox)", seconds=120)
    await wait_until_consumed(installation, InstantlyWebhook.topic, "replies.record_webhooks", 5)
    await replies.wait("not exists (select from svc_replies.outbox)", seconds=60)
    counted = (
        "select array[(select count(*) from app.replies), (select count(*) from app.reply_answers),"
        " (select count(*) from app.instantly_events)]"
    )
    assert await db.fetchval(counted) == [2, 1, 3]
    assert await list_dead_letters(installation) == []
    assert sorted([body["lead_id"] for body in await list_bodies(installation, EmailReplied.topic)]) == sorted(
        [str(leads[stopping]), str(leads[interested])]
    )
    effects = [
        (body["lead_id"], body["suppression_id"]) for body in await list_bodies(installation, Unsubscribed.topic)
    ]
    assert len(effects) == len({*effects}), "one event for each lead and suppression"
    assert {lead for lead, _ in effects} == {str(leads[stopping]), str(leads[unsubscribing])}
    await db.close()
