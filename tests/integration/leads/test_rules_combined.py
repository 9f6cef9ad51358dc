"""Any order of pauses, resumes, opt-outs and flags: a pause comes back to its status, and nothing that forbids contact is lifted."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.commands.leads import queries
from cli.shell.database import Connection
from common.ids import LeadId
from support.databases import Database
from support.feeding import KEYS
from support.leads import LeadFixture

PAUSABLE = ("new", "queued", "active", "replied")
STATEMENTS = {
    "suppress": """insert into app.suppressions (channel, value_hash, hash_key_id, reason)
      select channel, value_hash, 'h1', 'opt_out' from app.lead_contacts where lead_id = $1 on conflict do nothing""",
    "litigator": "update app.leads set litigator = true where id = $1",
    "deceased": "update app.leads set deceased_owner = true where id = $1",
    "opt_out": "select from app.transition_lead(array[$1::uuid], 'unsubscribed', 'test')",
    "new_owner": """insert into app.lead_conflicts (kind, lead_id, column_name, value)
      values ('owner_changed', $1, 'owner_last_name', gen_random_uuid()::text)""",
    "owner_resolved": "update app.lead_conflicts set resolved_at = now(), resolution = 'keep' where lead_id = $1",
}
STEPS = st.lists(st.sampled_from(["pause", "resume", *STATEMENTS]), max_size=8)
READ = """
select
  l.campaign_status::text as status, l.litigator, l.deceased_owner as deceased,
  exists (select from app.lead_contacts c join app.suppressions s using (channel, value_hash) where c.lead_id = l.id) as suppressed,
  exists (select from app.vendor_memberships m where m.lead_id = l.id and m.desired = 'in') as member
from app.leads l
where l.id = $1
"""


class Expected:
    """The rules in Python: the status of a lead, and what forbids contact."""

    def __init__(self, status: str) -> None:
        self.status = status
        self.paused_from = status
        self.forbids = {"litigator": False, "deceased": False, "suppressed": False}
        self.has_new_owner = False
        self.is_member = True

    def apply(self, step: str) -> None:
        """Apply one step."""
        if step == "pause" and self.status in PAUSABLE:
            self.paused_from, self.status = self.status, "paused"
        elif step == "resume" and self.status == "paused" and not self._may_not_resume():
            self.status = self.paused_from
        elif step in ("litigator", "deceased"):
            self.forbids[step] = True
        elif step == "suppress":
            self.forbids["suppressed"] = True
        elif step == "opt_out":
            self.status = "unsubscribed"
        elif step in ("new_owner", "owner_resolved"):
            self.has_new_owner = step == "new_owner"
        self.is_member = self.is_member and self.status in PAUSABLE and not any(self.forbids.values())

    def _may_not_resume(self) -> bool:
        return self.has_new_owner or self.forbids["litigator"] or self.forbids["deceased"]


@pytest.fixture
async def operator(database: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database.dsn("operator"))
    yield connection
    await connection.close()


@pytest.fixture
async def campaign(leads: LeadFixture) -> UUID:
    """A campaign of which each lead becomes a member."""
    broker = await leads.db.fetchval("insert into app.brokers (name) values ('Ruiz') returning id")
    return UUID(
        str(
            await leads.db.fetchval("insert into app.campaigns (broker_id, name) values ($1, 'A') returning id", broker)
        )
    )


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=st.sampled_from(PAUSABLE), steps=STEPS)
async def test_every_order_of_steps_keeps_the_rules(
    leads: LeadFixture, operator: Connection, campaign: UUID, status: str, steps: list[str]
) -> None:
    email = f"{uuid4().hex}@example.com"
    lead = LeadId(await leads.add(status=status, email=email))
    await leads.db.execute(
        """insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash)
        values ($1, $2, 'in', 'in', $3)""",
        lead, campaign, KEYS.hash_contact(email),
    )  # fmt: skip
    expected = Expected(status)
    for step in steps:
        if step == "pause":
            await queries.pause_leads(operator, lead_ids=[lead])
        elif step == "resume":
            await queries.resume_leads(operator, lead_ids=[lead])
        else:
            await leads.db.execute(STATEMENTS[step], lead)
        expected.apply(step)
        [row] = await leads.db.fetch(READ, lead)
        assert dict(row) == {
            "status": expected.status, "member": expected.is_member, **expected.forbids,
        }, steps  # fmt: skip
