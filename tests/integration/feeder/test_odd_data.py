"""Leads, brokers and hours that nobody would think of: fed as the rules say, and nobody is lost."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from feeder.jobs import queries
from feeder.settings import FeederSettings
from support.feeding import Feeder, HandClock, Ranch
from support.instantly import Workspace

TODAY, TOMORROW = date(2026, 11, 16), date(2026, 11, 17)
MANY = """
with made as (
  insert into app.leads (id, observed, source, assigned_broker_id, lead_score, email_verified, campaign_status)
  select gen_random_uuid(), '{}', 'test', $1, $3, true, 'queued' from generate_series(1, $2)
  returning id
)
insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified, verified_at)
select id, 'email', sha256(uuid_send(id)), 'h1', '\\x00', 'test', true, now() from made
"""


async def many(ranch: Ranch, broker: UUID, count: int, score: int = 50) -> None:
    """Leads in line of whom only the hash of an address is known."""
    await ranch.db.execute(MANY, broker, count, score)
    await ranch.refresh()


async def test_a_large_limit_is_fed_in_transactions_of_bounded_size(ranch: Ranch, feeder: Feeder) -> None:
    broker = await ranch.broker(limit=3_000)
    await many(ranch, broker, 3_100)
    await feeder.run("feed")
    assert await ranch.slots(broker, TODAY) == {"reserved": 3_000}
    at_once = "select max(count) from (select count(*) from pipeline.contact_decisions group by at) c"
    assert (await ranch.ask(at_once))[0] <= 1_000, "each holds a lock until the transaction ends"


@pytest.mark.slow
async def test_ten_thousand_who_may_not_be_written_to_stand_before_one_who_may(ranch: Ranch, feeder: Feeder) -> None:
    broker = await ranch.broker(limit=250)
    await many(ranch, broker, 10_000, score=90)
    await ranch.db.execute(
        "insert into app.suppressions (channel, value_hash, hash_key_id, reason) "
        "select 'email', value_hash, 'h1', 'unsubscribed' from app.lead_contacts"
    )
    [last] = await ranch.leads(broker, 1)
    await ranch.db.execute("update app.leads set lead_score = 1 where id = $1", last)
    await ranch.refresh()
    await feeder.run("feed")
    assert await ranch.ask("select lead_id from app.feed_slots") == [last]
    assert await ranch.ask("select count(*) from app.feed_holds where reason = 'suppressed'") == [10_000]


async def test_a_lead_of_whom_nothing_but_an_address_is_known_is_added(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1)
    needed = {"id", "observed", "source", "data_key", "assigned_broker_id"}
    columns = await ranch.ask(
        "select column_name from information_schema.columns where table_schema = 'app' and table_name = 'leads' "
        "and is_nullable = 'YES' and is_generated = 'NEVER'"
    )
    for column in set(columns) - needed:
        await ranch.db.execute(f"update app.leads set {column} = null where id = $1", lead)
    await feeder.run("feed", "reconcile")
    [member] = workspace.members.values()
    assert {name: value for name, value in member["payload"].items() if value is None}.keys() == {
        "property_address", "property_city", "property_state", "est_value", "est_equity", "persona_name",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["{{lead_id}}", "Zoë\r\n\tO'Neil", "李" * 3_000, '"><script>', "{%raw%}", "\u202eevil"]
)
async def test_whatever_somebody_is_called_the_lead_is_added(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, name: str
) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1)
    await ranch.db.execute("update app.leads set owner_first_name = $2, property_city = $2 where id = $1", lead, name)
    await feeder.run("feed", "reconcile")
    [member] = workspace.members.values()
    city = member["payload"]["property_city"]
    assert not set(city) & set("{}<>\r\n\t\u202e")
    assert len(city) <= 200


async def test_a_feed_by_hand_just_before_midnight_loses_nobody_and_exceeds_no_day(
    ranch: Ranch, settings: FeederSettings, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=3)
    await ranch.leads(broker, 9)
    late, early = HandClock(datetime(2026, 11, 17, 7, 59, 30, tzinfo=UTC)), HandClock()
    early.now = datetime(2026, 11, 17, 8, 0, 30, tzinfo=UTC)  # the same moment, by a clock a minute ahead
    async with Feeder(settings, late) as first, Feeder(settings, early) as second:
        await first.run("feed")
        await second.run("reconcile", "feed", "reconcile")
        assert await ranch.slots(broker, TOMORROW) == {"added": 3}
        assert len(workspace.members) == 3, "the slots of the day that is over are not used"
        await first.run("reconcile")
        assert await ranch.slots(broker, TODAY) == {"added": 3}
        late.now = early.now = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
        await second.run("refresh")
        late.forward(minutes=30)
        early.forward(minutes=30)
        await first.run("feed")
        await second.run("feed", "reconcile")
    assert len(workspace.members) == 9
    assert set(workspace.added.values()) == {1}


@pytest.mark.parametrize("status", ["do_not_contact", "unsubscribed", "bounced", "converted", "paused"])
async def test_who_was_put_elsewhere_by_hand_and_is_stopped_is_taken_out_there(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: str
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    await ranch.broker(campaigns=("B",))
    [lead] = await ranch.leads(broker, 1)
    await feeder.run("feed", "reconcile")
    [member] = workspace.members.values()
    member["campaign"] = "B"
    await ranch.db.execute(f"update app.leads set campaign_status = '{status}' where id = $1", lead)
    await feeder.run("reconcile")
    ranch.clock.forward(hours=1)
    workspace.members[member["id"]] = member
    await feeder.run("sweep")
    assert workspace.members == {}


@pytest.mark.parametrize(
    "change",
    [
        "update app.leads set deceased_owner = true where id = $1",
        "update app.leads set litigator = true where id = $1",
        "update app.lead_contacts set litigator = true where lead_id = $1",
    ],
)
async def test_who_may_not_be_written_to_any_more_is_taken_out_at_once(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, change: str
) -> None:
    broker = await ranch.broker()
    leads = await ranch.leads(broker, 2)
    await feeder.run("feed", "reconcile")
    await ranch.db.execute(change, leads[0])
    assert (await queries.unwanted_members(ranch.db))["members"] == 1
    await feeder.run("reconcile")
    assert [member["payload"]["lead_id"] for member in workspace.members.values()] == [str(leads[1])]
