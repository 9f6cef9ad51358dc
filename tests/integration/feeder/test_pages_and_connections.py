"""Pages, cursors and connections of an Instantly that keeps its contract in other ways than the sandbox."""

from datetime import date

from support.feeding import Feeder, FeedFixture, make_feeder_settings
from support.instantly import FakeWorkspace

TODAY = date(2026, 11, 16)


async def test_an_audit_reads_pages_of_any_size_and_marks_only_missing_members_unknown(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    await feed_data.add_leads(broker, 60)
    await feeder.run_jobs("feed", "reconcile")
    ids = sorted(workspace.members)
    missing = {ids[place] for place in (0, 13, 14, 20, 59)}
    for member in missing:
        del workspace.members[member]
    workspace.largest_page = 7
    feed_data.clock.advance(hours=1)
    await feeder.run_jobs("audit_members")
    assert await feed_data.select_column(
        "select count(*) from app.campaigns where audit_cursor is null and audited_at is not null"
    ) == [1]
    unknown = await feed_data.select_column(
        "select vendor_lead_id from app.vendor_memberships where actual = 'unknown'"
    )
    assert set(unknown) == missing


async def test_a_lead_on_the_second_page_of_a_lookup_counts_as_found(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=20, campaigns=("A",))
    await feed_data.add_leads(broker, 20)
    workspace.fails_after_add, workspace.largest_page = True, 7
    await feeder.run_jobs("feed", "reconcile")
    workspace.fails_after_add = False
    feed_data.clock.advance(minutes=5)
    await feed_data.end_backoff()
    await feeder.run_jobs("reconcile")
    assert workspace.calls["POST /leads/add"] == 1
    assert await feed_data.count_slots(broker, TODAY) == {"added": 20}


async def test_no_call_is_lost_on_a_connection_that_instantly_has_closed(
    feed_data: FeedFixture, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=12)
    await feed_data.add_leads(broker, 12)
    workspace.used_connections = set()
    async with Feeder(make_feeder_settings(feed_data.database, workspace, instantly_bulk=1), feed_data.clock) as feeder:
        await feeder.run_jobs("feed", "reconcile")
    assert workspace.calls["POST /leads/add"] == 12
    assert workspace.calls["POST /leads/list"] == 0, "no lead had to be looked up"
