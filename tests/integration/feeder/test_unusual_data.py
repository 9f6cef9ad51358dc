"""Unusual leads, brokers and hours: they are fed by the rules, and no lead is lost."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from feeder import queries
from feeder.settings import FeederSettings
from support.feeding import Feeder, FeedFixture, ManualClock
from support.instantly import FakeWorkspace

TODAY, TOMORROW = date(2026, 11, 16), date(2026, 11, 17)
INSERT_BARE_LEADS = """
with made as (
  insert into app.leads (id, observed, source, assigned_broker_id, lead_score, email_verified, campaign_status)
  select gen_random_uuid(), '{}', 'test', $1, $3, true, 'queued' from generate_series(1, $2)
  returning id
)
insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified, verified_at)
select id, 'email', sha256(uuid_send(id)), 'h1', '\\x00', 'test', true, now() from made
"""


async def add_bare_leads(feed_data: FeedFixture, broker: UUID, count: int, score: int = 50) -> None:
    """Add queued leads with nothing but the hash of an address."""
    await feed_data.db.execute(INSERT_BARE_LEADS, broker, count, score)
    await feed_data.refresh_snapshot()


async def test_a_large_limit_is_fed_in_transactions_of_bounded_size(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=3_000)
    await add_bare_leads(feed_data, broker, 3_100)
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker, TODAY) == {"reserved": 3_000}
    largest_transaction = "select max(count) from (select count(*) from pipeline.contact_decisions group by at) c"
    assert (await feed_data.select_column(largest_transaction))[0] <= 1_000, (
        "each holds a lock until the transaction ends"
    )


async def test_an_eligible_lead_behind_ten_thousand_suppressed_ones_is_fed(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=250)
    await add_bare_leads(feed_data, broker, 10_000, score=90)
    await feed_data.db.execute(
        "insert into app.suppressions (channel, value_hash, hash_key_id, reason) "
        "select 'email', value_hash, 'h1', 'opt_out' from app.lead_contacts"
    )
    [last] = await feed_data.add_leads(broker, 1)
    await feed_data.db.execute("update app.leads set lead_score = 1 where id = $1", last)
    await feed_data.refresh_snapshot()
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [last]
    assert await feed_data.select_column("select count(*) from app.feed_skips where reason = 'suppressed'") == [10_000]


async def test_a_lead_with_nothing_but_an_address_is_added(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1)
    needed = {"id", "observed", "source", "data_key", "assigned_broker_id"}
    columns = await feed_data.select_column(
        "select column_name from information_schema.columns where table_schema = 'app' and table_name = 'leads' "
        "and is_nullable = 'YES' and is_generated = 'NEVER'"
    )
    for column in set(columns) - needed:
        await feed_data.db.execute(f"update app.leads set {column} = null where id = $1", lead)
    await feeder.run_jobs("feed", "reconcile")
    [member] = workspace.members.values()
    assert {name: value for name, value in member["payload"].items() if value is None}.keys() == {
        "property_address", "property_city", "property_state", "est_value", "est_equity", "persona_name",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["{{lead_id}}", "Zoë\r\n\tO'Neil", "李" * 3_000, '"><script>', "{%raw%}", "\u202eevil"]
)
async def test_a_lead_with_any_owner_name_is_added(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, name: str
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1)
    await feed_data.db.execute(
        "update app.leads set owner_first_name = $2, property_city = $2 where id = $1", lead, name
    )
    await feeder.run_jobs("feed", "reconcile")
    [member] = workspace.members.values()
    city = member["payload"]["property_city"]
    assert not set(city) & set("{}<>\r\n\t\u202e")
    assert len(city) <= 200


async def test_a_manual_feed_just_before_midnight_loses_no_lead_and_exceeds_no_limit(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=3)
    await feed_data.add_leads(broker, 9)
    slow, fast = ManualClock(datetime(2026, 11, 17, 7, 59, 30, tzinfo=UTC)), ManualClock()
    fast.now = datetime(2026, 11, 17, 8, 0, 30, tzinfo=UTC)  # the same moment on a clock that is a minute fast
    async with Feeder(settings, slow) as first, Feeder(settings, fast) as second:
        await first.run_jobs("feed")
        await second.run_jobs("reconcile", "feed", "reconcile")
        assert await feed_data.count_slots(broker, TOMORROW) == {"added": 3}
        assert len(workspace.members) == 3, "slots of a past day are not used"
        await first.run_jobs("reconcile")
        assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
        slow.now = fast.now = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
        await second.run_jobs("refresh")
        slow.advance(minutes=30)
        fast.advance(minutes=30)
        await first.run_jobs("feed")
        await second.run_jobs("feed", "reconcile")
    assert len(workspace.members) == 9
    assert set(workspace.add_counts.values()) == {1}


@pytest.mark.parametrize("status", ["do_not_contact", "unsubscribed", "bounced", "converted", "paused"])
async def test_an_audit_removes_a_stopped_lead_from_a_campaign_that_a_person_moved_it_to(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: str
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    await feed_data.add_broker(campaigns=("B",))
    [lead] = await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed", "reconcile")
    [member] = workspace.members.values()
    member["campaign"] = "B"
    await feed_data.db.execute(f"update app.leads set campaign_status = '{status}' where id = $1", lead)
    await feeder.run_jobs("reconcile")
    feed_data.clock.advance(hours=1)
    workspace.members[member["id"]] = member
    await feeder.run_jobs("audit_members")
    assert workspace.members == {}


@pytest.mark.parametrize(
    "change",
    [
        "update app.leads set deceased_owner = true where id = $1",
        "update app.leads set litigator = true where id = $1",
        "update app.lead_contacts set litigator = true where lead_id = $1",
    ],
)
async def test_a_member_that_becomes_ineligible_is_removed_at_once(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, change: str
) -> None:
    broker = await feed_data.add_broker()
    leads = await feed_data.add_leads(broker, 2)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute(change, leads[0])
    assert (await queries.count_unwanted_members(feed_data.db)).members == 1
    await feeder.run_jobs("reconcile")
    assert [member["payload"]["lead_id"] for member in workspace.members.values()] == [str(leads[1])]
