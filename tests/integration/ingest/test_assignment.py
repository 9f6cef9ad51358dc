"""Leads that arrived before their broker's territory are assigned once it is added, by the rule of intake."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr

from common.ids import new_id
from ingest.app import build
from ingest.settings import IngestSettings
from ingest.territories import assignment
from ingest.territories.assignment import LeadAssignment
from support.databases import Database
from support.installation import SECRETS

AREAS = [
    ("FL", "Pinellas", "33701"),
    ("FL", "Pinellas", "33702"),
    ("FL", "Hillsborough", "33601"),
    ("GA", None, "30301"),
]


class AssignmentFixture:
    """Leads without a broker, and the job that assigns them, on a database without Kafka."""

    def __init__(self, db: asyncpg.Connection, job: LeadAssignment) -> None:
        self.db = db
        self.job = job

    async def add_broker(self, name: str, *areas: tuple[str, str | None, str | None]) -> UUID:
        broker: UUID = await self.db.fetchval("insert into app.brokers (name) values ($1) returning id", name)
        for area in areas:
            await self.db.execute(
                "insert into app.territories (broker_id, state, county, zip) values ($1, $2, $3, $4)", broker, *area
            )
        return broker

    async def add_lead(self, area: tuple[str, str | None, str], assignable: list[UUID] | None = None) -> UUID:
        lead = new_id()
        await self.db.execute(
            """insert into app.leads (id, property_state, county, property_zip, observed, source, assignable_broker_ids)
            values ($1, $2, $3, $4, '{}', 'test', $5)""",
            lead, *area, assignable,
        )  # fmt: skip
        return lead

    async def brokers_of(self, leads: list[UUID]) -> list[UUID | None]:
        rows = await self.db.fetch("select id, assigned_broker_id from app.leads where id = any ($1)", leads)
        found = {row["id"]: row["assigned_broker_id"] for row in rows}
        return [found[lead] for lead in leads]

    async def count_events(self) -> int:
        return int(
            await self.db.fetchval("select count(*) from svc_ingest.outbox where topic = 'funnel.dedupe_success'")
        )


@pytest.fixture
async def assignment_fixture(database: Database) -> AsyncIterator[AssignmentFixture]:
    values: dict[str, Any] = {name.lower(): value for name, value in SECRETS.items()}
    settings = IngestSettings(**values, database_url=SecretStr(database.dsn("ingest")), health_port=0)
    service = build(settings)
    await service.database.start()
    db = await asyncpg.connect(database.superuser_dsn)
    yield AssignmentFixture(db, LeadAssignment(service.bus))
    await db.close()
    await service.database.stop()


async def test_each_lead_gets_the_broker_of_its_most_specific_territory_and_one_event(
    assignment_fixture: AssignmentFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignment, "ASSIGNMENT_PAGE_SIZE", 2)
    leads = [await assignment_fixture.add_lead(area) for area in AREAS]
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of(leads) == [None] * 4
    wide, county, narrow = [
        await assignment_fixture.add_broker(name, area)
        for name, area in (("a", ("FL", None, None)), ("b", ("FL", "Pinellas", None)), ("c", ("FL", None, "33701")))
    ]
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of(leads) == [narrow, county, wide, None]
    assert await assignment_fixture.count_events() == 3
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.count_events() == 3
    assert await assignment_fixture.db.fetchval("select lead_version from app.leads where id = $1", leads[0]) == 2


async def test_a_lead_goes_only_to_a_broker_that_its_senders_allow(assignment_fixture: AssignmentFixture) -> None:
    ours, other = (
        await assignment_fixture.add_broker("ours"),
        await assignment_fixture.add_broker("other", ("FL", None, None)),
    )
    leads = [
        await assignment_fixture.add_lead(AREAS[0], [ours]),
        await assignment_fixture.add_lead(AREAS[0], [ours, other]),
        await assignment_fixture.add_lead(AREAS[0], []),
    ]
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of(leads) == [None, other, None]


async def test_a_disabled_broker_gets_no_lead_until_it_is_enabled(assignment_fixture: AssignmentFixture) -> None:
    broker = await assignment_fixture.add_broker("a", ("FL", None, None))
    await assignment_fixture.db.execute("update app.brokers set active = false where id = $1", broker)
    leads = [await assignment_fixture.add_lead(AREAS[0])]
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of(leads) == [None]
    await assignment_fixture.db.execute("update app.brokers set active = true where id = $1", broker)
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of(leads) == [broker]


async def test_a_lead_in_flight_is_assigned_by_the_second_and_last_pass(assignment_fixture: AssignmentFixture) -> None:
    broker = await assignment_fixture.add_broker("a", ("FL", None, None))
    await assignment_fixture.job.assign_leads()
    late = await assignment_fixture.add_lead(AREAS[0])
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of([late]) == [None], "the second pass waits for records in flight"
    await assignment_fixture.db.execute(
        "update pipeline.territory_passes set seen_at = seen_at - interval '121 seconds'"
    )
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of([late]) == [broker]
    assert await assignment_fixture.db.fetchval("select is_final from pipeline.territory_passes")


async def test_an_assigned_lead_stays_with_its_broker(assignment_fixture: AssignmentFixture) -> None:
    first = await assignment_fixture.add_broker("first", ("FL", None, None))
    lead = await assignment_fixture.add_lead(AREAS[0])
    await assignment_fixture.job.assign_leads()
    await assignment_fixture.add_broker("second", ("FL", None, "33701"))
    await assignment_fixture.job.assign_leads()
    assert await assignment_fixture.brokers_of([lead]) == [first]
