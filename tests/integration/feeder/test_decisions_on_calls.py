"""People who sign a consent to calls, withdraw it or opt out of calls leave their campaigns, in any order, also during the feed."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from common.ids import BrokerId, LeadId
from support.consents import NUMBER, ConsentFixture, at
from support.databases import Database
from support.feeding import KEYS, Feeder, FeedFixture
from support.instantly import FakeWorkspace

LEADS, PEOPLE_AT_ONCE = 400, 4


class Person(ConsentFixture):
    """Person of one lead, who decides on calls."""

    async def withdraw(self, lead: LeadId, minutes: float) -> None:
        """Withdraw every consent, as the withdrawal page and `equity consent withdraw` do."""
        await self.consent.execute(
            "select * from app.withdraw_consent($1, 'link', null, null, $2, $3)", lead, at(minutes), b"w" * 32
        )


@pytest.fixture
async def broker(feed_data: FeedFixture) -> BrokerId:
    return await feed_data.add_broker(limit=LEADS)


@pytest.fixture
async def person(database: Database, feed_data: FeedFixture, broker: BrokerId) -> AsyncIterator[Person]:
    await feed_data.db.execute(
        "insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')"
    )
    consent = await asyncpg.connect(database.dsn("consent"))
    yield Person(feed_data.db, consent, broker)
    await consent.close()


async def add_number(feed_data: FeedFixture, lead: LeadId, number: str = NUMBER) -> None:
    await feed_data.db.execute(
        """insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source)
        values ($1, 'phone', $2, 'h1', '', 'test')""",
        lead, KEYS.hash_contact(number),
    )  # fmt: skip


async def decide(person: Person, lead: LeadId, decision: str) -> None:
    for step in decision.split(" then "):
        match step:
            case "sign":
                await person.sign(lead, 1)
            case "withdraw":
                await person.withdraw(lead, 2)
            case "opt out":
                await person.opt_out(NUMBER, 2)


DECISIONS = [
    "sign",
    "withdraw",
    "opt out",
    "sign then withdraw",
    "withdraw then sign",
    "opt out then sign",
    "withdraw then withdraw",
]


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_person_who_decided_on_calls_leaves_the_campaign_and_others_stay(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, person: Person, decision: str
) -> None:
    emails = ["decided@example.com", "other@example.com"]
    lead, _ = await feed_data.add_leads(person.broker, 2, emails=emails)
    await add_number(feed_data, lead)
    await feeder.run_jobs("feed", "reconcile")
    assert workspace.list_emails() == emails
    await decide(person, lead, decision)
    await feeder.run_jobs("reconcile", "reconcile")
    assert workspace.list_emails() == emails[1:]
    assert await feed_data.select_column("select desired || ' ' || actual from app.vendor_memberships order by 1") == [
        "in in",
        "out out",
    ]


@pytest.mark.parametrize("decision", DECISIONS)
async def test_a_person_who_decided_before_the_feed_is_not_fed(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, person: Person, decision: str
) -> None:
    [lead] = await feed_data.add_leads(person.broker, 1)
    await add_number(feed_data, lead)
    await decide(person, lead, decision)
    await feeder.run_jobs("feed", "reconcile")
    assert workspace.bulk_sizes == []
    assert await feed_data.select_column("select reason from app.feed_skips") == ["decided_on_calls"]


@pytest.mark.parametrize("decision", ["sign", "withdraw", "opt out"])
async def test_a_person_who_decides_while_the_add_is_under_way_is_removed_after_it(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, person: Person, decision: str
) -> None:
    [lead] = await feed_data.add_leads(person.broker, 1)
    await add_number(feed_data, lead)
    await feeder.run_jobs("feed")
    workspace.add_delay_seconds = 1
    adding = asyncio.create_task(feeder.run_jobs("reconcile"))
    while await feed_data.select_column("select actual from app.vendor_memberships") != ["unknown"]:
        await asyncio.sleep(0.01)
    await decide(person, lead, decision)
    await adding
    await feeder.run_jobs("reconcile")
    assert workspace.list_emails() == []


@pytest.mark.parametrize("reason", ["wrong_person", "registry", "operator"])
async def test_a_number_that_others_forbid_ends_no_campaign_of_emails(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, person: Person, reason: Any
) -> None:
    [lead] = await feed_data.add_leads(person.broker, 1)
    await add_number(feed_data, lead)
    await feeder.run_jobs("feed", "reconcile")
    await person.opt_out(NUMBER, 2, reason=reason)
    await feeder.run_jobs("reconcile")
    assert len(workspace.list_emails()) == 1


async def test_the_audit_finds_a_decision_that_no_trigger_saw(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, person: Person
) -> None:
    [lead] = await feed_data.add_leads(person.broker, 1)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute("alter table app.lead_consent_audit disable trigger trg_remove_decided_members")
    await person.sign(lead, 1)
    feed_data.clock.advance(hours=1)
    await feeder.run_jobs("audit_members", "reconcile")
    assert workspace.list_emails() == []


async def test_no_person_who_decides_during_the_feed_stays_in_a_campaign(
    database: Database, feed_data: FeedFixture, feeder: Feeder, person: Person
) -> None:
    leads = await feed_data.add_leads(person.broker, LEADS, refresh=False)
    for number, lead in enumerate(leads):
        await add_number(feed_data, lead, f"+1727{number:07}")
    await feed_data.refresh_snapshot()
    random.Random(7).shuffle(leads)
    begun = asyncio.Event()

    async def decide_all(first: int) -> None:
        connection = await asyncpg.connect(database.dsn("consent"))
        for lead in leads[first::PEOPLE_AT_ONCE]:
            if lead.int % 2:
                await connection.execute(
                    "select app.withdraw_consent($1, 'link', null, null, now(), sha256($2))", lead, lead.bytes
                )
            else:
                await connection.execute(
                    """select app.opt_out('phone', c.value_hash, 'h1', 'opt_out', null, now(), sha256(c.value_hash))
                    from app.lead_contacts c where c.lead_id = $1 and c.channel = 'phone'""",
                    lead,
                )
            begun.set()
        await connection.close()

    deciding = [asyncio.create_task(decide_all(first)) for first in range(PEOPLE_AT_ONCE)]
    await begun.wait()
    await feeder.run_jobs("feed")
    await asyncio.gather(*deciding)
    assert await feed_data.select_column("select count(*) from app.vendor_memberships where desired = 'in'") == [0]
