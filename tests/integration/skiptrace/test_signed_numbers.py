"""Numbers that a person signs, from the form through ingest to a verification, on real Kafka and PostgreSQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from common.compliance.consent_facts import read_consent_facts
from common.compliance.gate import ContactFacts, decide_contact
from common.events import ConsentGranted, ConsentRevoked, Unsubscribed
from common.ids import BrokerId, LeadId, new_id
from common.service import Service
from common.topics import TOPICS
from support import topics as topic_support
from support.consent_forms import FormVisitor, offer_form
from support.consents import NUMBER, OTHER_NUMBER, ConsentFixture
from support.feeding import KEYS
from support.providers import FakeProviders
from support.topic_reader import read_all_messages

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create the topics of the three services, and yield their prefix."""
    names = {event.topic for event in (ConsentGranted, ConsentRevoked, Unsubscribed)}
    used = {*topic_support.USED_TOPICS, *(topic for topic in TOPICS if topic.name in names)}
    async with topic_support.created(kafka, topic_prefix, used, 1):
        yield topic_prefix


@pytest.fixture
async def consents(funnel: Any) -> AsyncIterator[ConsentFixture]:
    """A broker with a published text."""
    broker = BrokerId(new_id())
    await funnel.db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    connection = await asyncpg.connect(funnel.installation.database.dsn("consent"))
    data = ConsentFixture(funnel.db, connection, broker)
    await offer_form(data)
    yield data
    await connection.close()


@pytest.fixture
async def services(running: Running, providers: FakeProviders) -> AsyncIterator[list[Any]]:
    """Run ingest and skiptrace."""
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        yield services


@pytest.fixture
async def visitor(running: Running, session: aiohttp.ClientSession) -> AsyncIterator[FormVisitor]:
    """Yield a person at the form."""
    async with running("consent", consent_port=0) as (service,):
        yield FormVisitor(f"http://127.0.0.1:{service.parts[-1].port}/consent", session)


async def add_traced_lead(funnel: Any, consents: ConsentFixture, home: Home) -> LeadId:
    """Send *home* to ingest and wait until its lead is verified."""
    await funnel.send(home | {"broker_id": str(consents.broker)})
    await funnel.until_count("app.leads where email_verified and phone_verified", 1)
    await funnel.until_quiet()
    return LeadId(await funnel.db.fetchval("select id from app.leads"))


async def trace_signed_numbers(skiptrace: Service) -> None:
    jobs: list[Any] = list(skiptrace.jobs._repeated)
    [work] = [job.work for job in jobs if job.name == "skiptrace.trace_signed_numbers"]
    await work()


async def read_contact(funnel: Any, number: str) -> asyncpg.Record:
    row: asyncpg.Record | None = await funnel.db.fetchrow(
        """select source, verified, dnc_checked_at is not null and litigator_checked_at is not null as checked
        from app.lead_contacts where value_hash = $1""",
        KEYS.hash_contact(number),
    )
    assert row
    return row


async def test_a_new_number_becomes_a_candidate_of_the_signer_and_is_verified_and_checked(
    funnel: Any, consents: ConsentFixture, services: list[Any], visitor: FormVisitor, home: Home
) -> None:
    lead = await add_traced_lead(funnel, consents, home)
    assert (await visitor.sign(lead, number=OTHER_NUMBER)).status == 200
    checked = "app.lead_contacts where channel = 'phone' and verified and litigator_checked_at is not null"
    await funnel.until_count(checked, 2)
    assert tuple(await read_contact(funnel, OTHER_NUMBER)) == ("consent_form", True, True)
    assert await funnel.count("app.leads") == 1
    [granted] = await consents.audit(lead)
    assert granted["value_hash"] == KEYS.hash_contact(OTHER_NUMBER)
    assert await funnel.dead_letters() == 0


async def test_a_known_number_without_a_verification_is_verified_once_it_is_signed(
    funnel: Any, consents: ConsentFixture, services: list[Any], visitor: FormVisitor, providers: FakeProviders, home: Home
) -> None:  # fmt: skip
    lead = await add_traced_lead(funnel, consents, home | {"phones": [NUMBER, OTHER_NUMBER]})
    await trace_signed_numbers(services[1])
    assert (await read_contact(funnel, OTHER_NUMBER))["verified"] is None
    asked = sum(providers.melissa.charged.values())
    assert (await visitor.sign(lead, number=OTHER_NUMBER)).status == 200
    await trace_signed_numbers(services[1])
    assert tuple(await read_contact(funnel, OTHER_NUMBER))[1:] == (True, True)
    await trace_signed_numbers(services[1])
    assert sum(providers.melissa.charged.values()) == asked + 1


async def test_a_verified_number_is_bound_and_no_provider_is_asked(
    funnel: Any, consents: ConsentFixture, services: list[Any], visitor: FormVisitor, providers: FakeProviders, home: Home
) -> None:  # fmt: skip
    lead = await add_traced_lead(funnel, consents, home)
    asked = sum(providers.melissa.charged.values())
    assert (await visitor.sign(lead, number="(727) 555-0142")).status == 200
    await trace_signed_numbers(services[1])
    await funnel.until_quiet()
    [granted] = await consents.audit(lead)
    assert granted["value_hash"] == KEYS.hash_contact(NUMBER)
    assert await funnel.count("app.lead_contacts where channel = 'phone'") == 1
    assert sum(providers.melissa.charged.values()) == asked


async def test_a_signature_that_waits_for_kafka_during_a_withdrawal_enables_nothing_when_it_arrives(
    funnel: Any, consents: ConsentFixture, services: list[Any], running: Running, session: aiohttp.ClientSession, home: Home
) -> None:  # fmt: skip
    lead = await add_traced_lead(funnel, consents, home)
    async with running("consent", consent_port=0, kafka_bootstrap_servers="127.0.0.1:9") as (service,):
        visitor = FormVisitor(f"http://127.0.0.1:{service.parts[-1].port}/consent", session)
        assert (await visitor.sign(lead, number=OTHER_NUMBER)).status == 200
        await withdraw(visitor, lead)
    before = await read_permissions(funnel, consents, lead)
    assert before["consent"] is False
    asked = len(await consents.audit(lead))

    async with running("consent", "recorder", consent_port=0):
        await funnel.until_count("app.pipeline_events where event_type ~ '^consent_'", asked)
        await funnel.until_count("app.lead_contacts where source = 'consent_form'", 1)
        [grant] = await read_all_messages(funnel.installation.kafka, funnel.installation.prefix + ConsentGranted.topic)
        await send_again(funnel, grant)
        await funnel.until_quiet()
    assert await read_permissions(funnel, consents, lead) == before
    await trace_signed_numbers(services[1])
    assert await read_permissions(funnel, consents, lead) == before
    assert await funnel.dead_letters() == 0


async def read_permissions(funnel: Any, consents: ConsentFixture, lead: LeadId) -> dict[str, Any]:
    """Return what permits calls: consent of the lead, its proof, suppressions, and the gate's reason against each number."""
    row = await funnel.db.fetchrow(
        "select consent, consented_at, consent_method, campaign_status::text from app.leads where id = $1", lead
    )
    facts = dict(row)
    for number in (NUMBER, OTHER_NUMBER):
        value_hash = KEYS.hash_contact(number)
        found = (await read_consent_facts(consents.consent, {lead: value_hash}))[lead]
        call = ContactFacts(
            channel="phone", purpose="campaign", value_hash=value_hash, seller=consents.broker,
            consents=tuple(found.consents), withdrawals=tuple(found.withdrawals), owner_changes=tuple(found.owner_changes),
        )  # fmt: skip
        refusals = {reason for reason in decide_contact(call, datetime.now(UTC)).reasons if "consent" in reason}
        assert refusals
        facts[number] = (refusals, await consents.active(number))
    return facts | {"proof": await consents.audit(lead)}


async def send_again(funnel: Any, message: Any) -> None:
    """Send a message again at the end of its topic."""
    producer = AIOKafkaProducer(bootstrap_servers=funnel.installation.kafka)
    await producer.start()
    await producer.send_and_wait(message.topic, message.value, key=message.key, headers=list(message.headers))
    await producer.stop()


async def withdraw(visitor: FormVisitor, lead: LeadId) -> None:
    """Press the button of the withdrawal page."""
    link = visitor.link(lead).replace("/consent?", "/consent/withdraw?")
    assert (await visitor.request("POST", link)).status == 200


async def test_a_withdrawal_ends_the_verification_of_a_signed_number(
    funnel: Any, consents: ConsentFixture, services: list[Any], visitor: FormVisitor, providers: FakeProviders, home: Home
) -> None:  # fmt: skip
    lead = await add_traced_lead(funnel, consents, home | {"phones": [NUMBER, OTHER_NUMBER]})
    await visitor.sign(lead, number=OTHER_NUMBER)
    await withdraw(visitor, lead)
    asked = sum(providers.melissa.charged.values())
    await trace_signed_numbers(services[1])
    assert (await read_contact(funnel, OTHER_NUMBER))["verified"] is None
    assert sum(providers.melissa.charged.values()) == asked
