"""An Instantly that keeps the contract in other ways than the sandbox does: pages, cursors, connections."""

from datetime import date

from support.feeding import Feeder, Ranch, settings_on
from support.instantly import Workspace

TODAY = date(2026, 11, 16)


async def test_a_sweep_reads_pages_of_any_size_and_doubts_only_who_is_missing(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    await ranch.leads(broker, 60)
    await feeder.run("feed", "reconcile")
    ids = sorted(workspace.members)
    missing = {ids[place] for place in (0, 13, 14, 20, 59)}
    for member in missing:
        del workspace.members[member]
    workspace.most_on_a_page = 7
    ranch.clock.forward(hours=1)
    await feeder.run("sweep")
    assert await ranch.ask(
        "select count(*) from app.campaigns where sweep_cursor is null and swept_at is not null"
    ) == [1]
    unknown = await ranch.ask("select vendor_lead_id from app.vendor_memberships where actual = 'unknown'")
    assert set(unknown) == missing


async def test_whoever_is_on_the_second_page_of_an_answer_is_not_taken_for_absent(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=20, campaigns=("A",))
    await ranch.leads(broker, 20)
    workspace.mute_after_add, workspace.most_on_a_page = True, 7
    await feeder.run("feed", "reconcile")
    workspace.mute_after_add = False
    ranch.clock.forward(minutes=5)
    await ranch.end_pause()
    await feeder.run("reconcile")
    assert workspace.calls["POST /leads/add"] == 1
    assert await ranch.slots(broker, TODAY) == {"added": 20}


async def test_connections_that_instantly_has_left_lose_no_call(ranch: Ranch, workspace: Workspace) -> None:
    broker = await ranch.broker(limit=12)
    await ranch.leads(broker, 12)
    workspace.connections = set()
    async with Feeder(settings_on(ranch.database, workspace, instantly_bulk=1), ranch.clock) as feeder:
        await feeder.run("feed", "reconcile")
    assert workspace.calls["POST /leads/add"] == 12
    assert workspace.calls["POST /leads/list"] == 0, "nobody had to be asked about"
