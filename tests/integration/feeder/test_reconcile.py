"""Memberships at Instantly come to where they should be, whatever Instantly does, and nobody suppressed stays."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from feeder.settings import FeederSettings
from support.feeding import MONDAY, Feeder, Ranch, settings_on
from support.instantly import Workspace

TODAY = date(2026, 11, 16)
SETTLED = {"seconds": 150}
"""Longer than an add without an answer is given."""


async def memberships(ranch: Ranch) -> list[Any]:
    return sorted(await ranch.ask("select desired || ' ' || actual from app.vendor_memberships"))


async def until_settled(ranch: Ranch, feeder: Feeder, rounds: int = 12) -> None:
    """Let time pass and the reconciler work, for some five minutes."""
    for _ in range(rounds):
        ranch.clock.forward(seconds=30)
        await ranch.end_pause()
        await feeder.run("reconcile")


async def test_who_was_fed_is_added_with_scalars_the_lead_id_and_the_links(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1, emails=["marjorie@example.com"])
    await feeder.run("feed", "reconcile")
    [member] = workspace.members.values()
    variables = member["payload"]
    assert (member["email"], variables["lead_id"]) == ("marjorie@example.com", str(lead))
    assert variables["consent_link"].startswith("http://127.0.0.1/consent?l=")
    assert variables["opt_out_link"].startswith("http://127.0.0.1/consent/opt-out?l=")
    assert not any(isinstance(value, dict | list) for value in variables.values())
    assert await memberships(ranch) == ["in in"]
    assert await ranch.slots(broker, TODAY) == {"added": 1}
    assert await feeder.events("funnel.campaign_added") == 1
    await feeder.run("reconcile", "sweep", "reconcile")
    assert await feeder.events("funnel.campaign_added") == 1
    assert workspace.bulk_sizes == [1]


async def test_adds_are_made_in_bulk_of_the_allowed_size(ranch: Ranch, workspace: Workspace) -> None:
    broker = await ranch.broker(campaigns=("A", "B"))
    await ranch.leads(broker, 25)
    async with Feeder(settings_on(ranch.database, workspace, instantly_bulk=10), ranch.clock) as feeder:
        await feeder.run("feed", "reconcile")
    assert max(workspace.bulk_sizes) <= 10
    assert sum(workspace.bulk_sizes) == len(workspace.members) == 25
    assert 0 < len(workspace.emails("A")) < 25


async def test_partial_success_is_told_apart_and_refused_adds_give_their_slot_back(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=4)
    emails = [f"p{number}@example.com" for number in range(6)]
    leads = await ranch.leads(broker, 6, emails=emails)
    workspace.blocked = {emails[1], emails[2]}
    workspace.add("A", {"email": emails[3]})  # is there already: skipped, and not created
    await feeder.run("feed", "reconcile")
    assert await ranch.slots(broker, TODAY) == {"added": 2, "refused": 2}
    paused = "select id from app.leads where campaign_status = 'paused' order by lead_score desc"
    assert await ranch.ask(paused) == leads[1:3]
    await feeder.run("top_up", "reconcile")
    assert await ranch.slots(broker, TODAY) == {"added": 4, "refused": 2}
    assert workspace.emails() == sorted([emails[0], *emails[3:]])
    assert set(workspace.added.values()) == {1}


async def test_one_request_that_is_malformed_does_not_keep_the_others(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 9, emails=["a@example.com", "malformed@example.com"])
    await feeder.run("feed", "reconcile")
    assert len(workspace.members) == 8
    assert await ranch.slots(broker, TODAY) == {"added": 8, "refused": 1}


async def test_429_without_retry_after_is_waited_out_and_nobody_is_lost(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    workspace.answers = [429, 429, 429]
    await feeder.run("feed", "reconcile", "reconcile", "reconcile")
    assert workspace.calls["POST /leads/add"] == 1, "it is left alone after the first"
    await until_settled(ranch, feeder)
    assert await ranch.slots(broker, TODAY) == {"added": 3}
    assert set(workspace.added.values()) == {1}


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_refused_as_a_whole_everybody_waits_and_the_next_day_has_no_more_than_its_limit(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: int
) -> None:
    broker = await ranch.broker(limit=3)
    leads = await ranch.leads(broker, 9)
    workspace.answers = [status] * 50
    await feeder.run("feed")
    await until_settled(ranch, feeder)
    assert workspace.members == {}
    assert await ranch.slots(broker, TODAY) == {"reserved": 3}, "mended today they would still be added today"
    with pytest.raises(RuntimeError, match=f"refuses us .http_{status}"):
        await feeder.run("feed")
    assert await ranch.ask("select outcome || detail from pipeline.job_runs where job = 'feeder.feed'") == [
        "failedInstantlyRefusesError"
    ]
    workspace.answers = []
    await ranch.end_pause()
    ranch.clock.now = MONDAY + timedelta(days=1, hours=-3)
    await feeder.run("reconcile")
    assert workspace.members == {}, "a slot of Monday is not used on Tuesday"
    ranch.clock.now = MONDAY + timedelta(days=1, minutes=-30)
    await feeder.run("refresh")
    line = "select id from app.leads where campaign_status = 'queued' and added_to_campaign_at is null"
    assert set(await ranch.ask(line)) == set(leads)
    ranch.clock.now = MONDAY + timedelta(days=1)
    with pytest.raises(RuntimeError, match="refuses us"):
        await feeder.run("feed")  # nobody has called since
    await feeder.run("reconcile", "feed")
    assert await ranch.slots(broker, date(2026, 11, 17)) == {"added": 3}
    assert await ranch.slots(broker, TODAY) == {}


async def test_an_add_that_was_done_and_not_answered_is_asked_about_and_not_repeated(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 5)
    workspace.mute_after_add = True
    await feeder.run("feed", "reconcile")
    assert await memberships(ranch) == ["in unknown"] * 5
    workspace.mute_after_add = False
    await until_settled(ranch, feeder)
    assert await memberships(ranch) == ["in in"] * 5
    assert workspace.calls["POST /leads/add"] == 1
    assert await ranch.slots(broker, TODAY) == {"added": 5}
    assert await feeder.events("funnel.campaign_added") == 5


async def test_an_add_that_was_never_done_is_made_again_once_it_has_had_its_time(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 5)
    workspace.answers = [500]
    await feeder.run("feed", "reconcile")
    ranch.clock.forward(seconds=60)
    await feeder.run("reconcile")
    assert workspace.calls["POST /leads/add"] == 1
    await until_settled(ranch, feeder)
    assert workspace.calls["POST /leads/add"] == 2
    assert await ranch.slots(broker, TODAY) == {"added": 5}


async def test_a_timeout_of_a_slow_add_ends_with_everybody_in_once(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 5)
    workspace.slow_add = 1.5
    await feeder.run("feed", "reconcile")
    assert await memberships(ranch) == ["in unknown"] * 5
    await asyncio.sleep(1)
    await until_settled(ranch, feeder)
    assert await memberships(ranch) == ["in in"] * 5
    assert set(workspace.added.values()) == {1}


async def test_an_unsubscribe_that_overtakes_a_slow_bulk_add_leaves_nobody_in_a_campaign(
    ranch: Ranch, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 4, emails=["stop@example.com"])
    workspace.slow_add = 0.5
    async with Feeder(settings_on(ranch.database, workspace, instantly_timeout_seconds=5), ranch.clock) as feeder:
        await feeder.run("feed")
        adding = asyncio.create_task(feeder.run("reconcile"))
        await workspace.adding.wait()
        await ranch.suppress("stop@example.com")
        await adding
    assert workspace.added["stop@example.com"] == 1, "the add came through"
    assert "stop@example.com" not in workspace.emails()
    assert await memberships(ranch) == ["in in"] * 3 + ["out out"]


async def test_the_same_where_the_add_is_answered_too_late(ranch: Ranch, feeder: Feeder, workspace: Workspace) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 4, emails=["stop@example.com"])
    workspace.slow_add = 1.5
    await feeder.run("feed", "reconcile")
    await ranch.suppress("stop@example.com")
    ranch.clock.forward(seconds=30)
    await feeder.run("reconcile")
    await asyncio.sleep(1)
    assert "stop@example.com" in workspace.emails(), "the add came through after we had asked"
    await until_settled(ranch, feeder)
    assert "stop@example.com" not in workspace.emails()
    assert await memberships(ranch) == ["in in"] * 3 + ["out out"]


async def test_an_add_that_comes_through_after_it_was_given_up_is_found_by_the_sweep(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    [lead] = await ranch.leads(broker, 1, emails=["stop@example.com"])
    workspace.answers = [500]
    await feeder.run("feed", "reconcile")
    await ranch.suppress("stop@example.com")
    await until_settled(ranch, feeder)
    assert await memberships(ranch) == ["out out"]
    workspace.add("A", {"email": "stop@example.com", "custom_variables": {"lead_id": str(lead)}})
    await feeder.run("sweep", "reconcile")
    assert workspace.members == {}


async def test_a_suppression_before_the_add_gives_the_slot_back(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=1)
    await ranch.leads(broker, 2, emails=["stop@example.com", "next@example.com"])
    await feeder.run("feed")
    await ranch.suppress("stop@example.com")
    await feeder.run("reconcile", "top_up", "reconcile")
    assert workspace.emails() == ["next@example.com"]
    assert await ranch.slots(broker, TODAY) == {"added": 1, "refused": 1}


async def test_a_suppression_or_a_stop_takes_members_out(ranch: Ranch, feeder: Feeder, workspace: Workspace) -> None:
    broker = await ranch.broker()
    emails = [f"q{number}@example.com" for number in range(5)]
    leads = await ranch.leads(broker, 5, emails=emails)
    await feeder.run("feed", "reconcile")
    await ranch.suppress(emails[0])
    for lead, status in zip(leads[1:4], ("do_not_contact", "converted", "replied"), strict=True):
        await ranch.db.execute(f"update app.leads set campaign_status = '{status}' where id = $1", lead)
    await feeder.run("reconcile")
    assert workspace.emails() == emails[3:]


async def test_a_removal_is_repeated_until_it_is_done_and_a_member_who_is_gone_is_no_error(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 2, emails=["stop@example.com"])
    await feeder.run("feed", "reconcile")
    workspace.members.clear()
    await ranch.suppress("stop@example.com")
    await feeder.run("reconcile")
    assert await memberships(ranch) == ["in in", "out out"]


async def test_the_sweep_takes_out_the_suppressed_whom_no_trigger_saw_and_strangers(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3, emails=["stop@example.com"])
    await feeder.run("feed", "reconcile")
    await ranch.db.execute("alter table app.suppressions disable trigger trg_take_suppressed_out")
    await ranch.suppress("stop@example.com")
    await ranch.suppress("stranger@example.com")
    workspace.add("A", {"email": "stranger@example.com"})
    workspace.add("A", {"email": "friend@example.com"})
    ranch.clock.forward(hours=1)
    await feeder.run("sweep", "reconcile")
    assert "friend@example.com" in workspace.emails()
    assert not {"stop@example.com", "stranger@example.com"} & set(workspace.emails())


async def test_a_member_whom_somebody_took_out_by_hand_is_noticed_and_not_started_again(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 2)
    await feeder.run("feed", "reconcile")
    workspace.members.popitem()
    ranch.clock.forward(hours=1)
    await feeder.run("sweep")
    await until_settled(ranch, feeder)
    assert await memberships(ranch) == ["in in", "in out"]
    assert set(workspace.added.values()) == {1}


async def test_a_campaign_that_is_gone_at_instantly_gets_nobody_more(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 2)
    del workspace.campaigns["A"]
    await feeder.run("feed", "reconcile", "reconcile")
    assert await ranch.ask("select problem from app.campaigns") == ["gone"]
    assert workspace.calls["POST /leads/add"] == 1
    assert await ranch.slots(broker, TODAY) == {"reserved": 2}


async def test_reconcilers_at_the_same_moment_add_nobody_twice(
    ranch: Ranch, settings: FeederSettings, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=("A", "B"))
    await ranch.leads(broker, 60)
    workspace.slow_add = 0.1
    replicas = [Feeder(settings.model_copy(update={"instantly_bulk": 7}), ranch.clock) for _ in range(3)]
    for replica in replicas:
        await replica.__aenter__()
    await replicas[0].run("feed")
    await asyncio.gather(*(replica.run("reconcile") for replica in replicas))
    await replicas[0].run("reconcile")
    for replica in replicas:
        await replica.__aexit__()
    assert set(workspace.added.values()) == {1}
    assert len(workspace.members) == 60


async def test_who_died_between_intent_and_call_leaves_nobody_behind(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    await feeder.run("feed")
    reconciler = _method_owner(feeder, "feeder.reconcile")
    assert await reconciler._memberships.claim_adds() is not None  # and then the process dies
    await feeder.run("reconcile")
    assert workspace.members == {}, "its claim is respected"
    await until_settled(ranch, feeder)
    assert len(workspace.members) == 3
    assert await ranch.slots(broker, TODAY) == {"added": 3}


def _method_owner(feeder: Feeder, job: str) -> Any:
    [work] = [one.work for one in feeder.service.jobs._repeated if one.name == job]
    bound: Callable[[], Any] = work
    return bound.__self__  # type: ignore[attr-defined]
