"""The reconciler brings memberships to their desired state, whatever Instantly does, and no suppressed member stays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any

import pytest

from feeder.settings import FeederSettings
from support.feeding import MONDAY, Feeder, FeedFixture, make_feeder_settings, reconcile_for_minutes
from support.instantly import FakeWorkspace

TODAY = date(2026, 11, 16)
AFTER_LATE_ADDS = {"seconds": 150}
"""Longer than the time in which an add without a response may still arrive."""


async def list_memberships(feed_data: FeedFixture) -> list[Any]:
    return sorted(await feed_data.select_column("select desired || ' ' || actual from app.vendor_memberships"))


async def test_a_fed_lead_is_added_with_scalars_its_id_and_the_links(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1, emails=["marjorie@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    [member] = workspace.members.values()
    variables = member["payload"]
    assert (member["email"], variables["lead_id"]) == ("marjorie@example.com", str(lead))
    assert variables["consent_link"].startswith("http://127.0.0.1/consent?l=")
    assert variables["opt_out_link"].startswith("http://127.0.0.1/consent/opt-out?l=")
    assert not any(isinstance(value, dict | list) for value in variables.values())
    assert await list_memberships(feed_data) == ["in in"]
    assert await feed_data.count_slots(broker, TODAY) == {"added": 1}
    assert await feeder.count_events("funnel.campaign_added") == 1
    await feeder.run_jobs("reconcile", "audit_members", "reconcile")
    assert await feeder.count_events("funnel.campaign_added") == 1
    assert workspace.bulk_sizes == [1]


async def test_adds_are_made_in_bulk_of_the_allowed_size(feed_data: FeedFixture, workspace: FakeWorkspace) -> None:
    broker = await feed_data.add_broker(campaigns=("A", "B"))
    await feed_data.add_leads(broker, 25)
    async with Feeder(
        make_feeder_settings(feed_data.database, workspace, instantly_bulk=10), feed_data.clock
    ) as feeder:
        await feeder.run_jobs("feed", "reconcile")
    assert max(workspace.bulk_sizes) <= 10
    assert sum(workspace.bulk_sizes) == len(workspace.members) == 25
    assert 0 < len(workspace.list_emails("A")) < 25


async def test_a_partial_success_adds_the_created_leads_and_returns_the_slots_of_refused_ones(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=4)
    emails = [f"p{number}@example.com" for number in range(6)]
    leads = await feed_data.add_leads(broker, 6, emails=emails)
    workspace.blocked = {emails[1], emails[2]}
    workspace.add_member("A", {"email": emails[3]})  # is a member already: skipped, not created
    await feeder.run_jobs("feed", "reconcile")
    assert await feed_data.count_slots(broker, TODAY) == {"added": 2, "returned": 2}
    paused = "select id from app.leads where campaign_status = 'paused' order by lead_score desc"
    assert await feed_data.select_column(paused) == leads[1:3]
    await feeder.run_jobs("top_up", "reconcile")
    assert await feed_data.count_slots(broker, TODAY) == {"added": 4, "returned": 2}
    assert workspace.list_emails() == sorted([emails[0], *emails[3:]])
    assert set(workspace.add_counts.values()) == {1}


async def test_one_malformed_lead_does_not_stop_the_others(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 9, emails=["a@example.com", "malformed@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    assert len(workspace.members) == 8
    assert await feed_data.count_slots(broker, TODAY) == {"added": 8, "returned": 1}


async def test_429_without_retry_after_starts_a_backoff_and_loses_no_lead(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    workspace.add_statuses = [429, 429, 429]
    await feeder.run_jobs("feed", "reconcile", "reconcile", "reconcile")
    assert workspace.calls["POST /leads/add"] == 1, "the first 429 starts a backoff"
    await reconcile_for_minutes(feed_data, feeder)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
    assert set(workspace.add_counts.values()) == {1}


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_leads_wait_while_access_is_denied_and_the_next_day_keeps_its_limit(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: int
) -> None:
    broker = await feed_data.add_broker(limit=3)
    leads = await feed_data.add_leads(broker, 9)
    workspace.add_statuses = [status] * 50
    await feeder.run_jobs("feed")
    await reconcile_for_minutes(feed_data, feeder)
    assert workspace.members == {}
    assert await feed_data.count_slots(broker, TODAY) == {"reserved": 3}, (
        "access restored today would still add them today"
    )
    with pytest.raises(RuntimeError, match=f"denies access .http_{status}"):
        await feeder.run_jobs("feed")
    assert await feed_data.select_column(
        "select outcome || detail from pipeline.job_runs where job = 'feeder.feed'"
    ) == ["failedInstantlyAccessDeniedError"]
    workspace.add_statuses = []
    await feed_data.end_backoff()
    feed_data.clock.now = MONDAY + timedelta(days=1, hours=-3)
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}, "a slot of Monday is not used on Tuesday"
    feed_data.clock.now = MONDAY + timedelta(days=1, minutes=-30)
    await feeder.run_jobs("refresh")
    line = "select id from app.leads where campaign_status = 'queued' and added_to_campaign_at is null"
    assert set(await feed_data.select_column(line)) == set(leads)
    feed_data.clock.now = MONDAY + timedelta(days=1)
    with pytest.raises(RuntimeError, match="denies access"):
        await feeder.run_jobs("feed")  # no call was made since
    await feeder.run_jobs("reconcile", "feed")
    assert await feed_data.count_slots(broker, date(2026, 11, 17)) == {"added": 3}
    assert await feed_data.count_slots(broker, TODAY) == {}


async def test_an_executed_add_without_a_response_is_looked_up_and_not_repeated(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 5)
    workspace.fails_after_add = True
    await feeder.run_jobs("feed", "reconcile")
    assert await list_memberships(feed_data) == ["in unknown"] * 5
    workspace.fails_after_add = False
    await reconcile_for_minutes(feed_data, feeder)
    assert await list_memberships(feed_data) == ["in in"] * 5
    assert workspace.calls["POST /leads/add"] == 1
    assert await feed_data.count_slots(broker, TODAY) == {"added": 5}
    assert await feeder.count_events("funnel.campaign_added") == 5


async def test_an_add_that_was_not_executed_is_repeated_once_it_can_no_longer_arrive(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 5)
    workspace.add_statuses = [500]
    await feeder.run_jobs("feed", "reconcile")
    feed_data.clock.advance(seconds=60)
    await feeder.run_jobs("reconcile")
    assert workspace.calls["POST /leads/add"] == 1
    await reconcile_for_minutes(feed_data, feeder)
    assert workspace.calls["POST /leads/add"] == 2
    assert await feed_data.count_slots(broker, TODAY) == {"added": 5}


@pytest.fixture
async def impatient_feeder(feed_data: FeedFixture, workspace: FakeWorkspace) -> AsyncIterator[Feeder]:
    """Feeder that waits half a second for Instantly, which executes an add once the test releases it."""
    workspace.held_adds = asyncio.Event()
    settings = make_feeder_settings(feed_data.database, workspace, instantly_timeout_seconds=0.5)
    async with Feeder(settings, feed_data.clock) as feeder:
        yield feeder


async def release_adds(workspace: FakeWorkspace) -> None:
    assert workspace.held_adds
    workspace.held_adds.set()
    await asyncio.wait_for(workspace.add_executed.wait(), 10)


async def test_all_leads_are_members_once_after_a_slow_add_timed_out(
    feed_data: FeedFixture, impatient_feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 5)
    await impatient_feeder.run_jobs("feed", "reconcile")
    assert await list_memberships(feed_data) == ["in unknown"] * 5
    await release_adds(workspace)
    await reconcile_for_minutes(feed_data, impatient_feeder)
    assert await list_memberships(feed_data) == ["in in"] * 5
    assert set(workspace.add_counts.values()) == {1}


async def test_an_opt_out_during_a_slow_bulk_add_leaves_no_suppressed_member(
    feed_data: FeedFixture, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 4, emails=["stop@example.com"])
    workspace.add_delay_seconds = 0.5
    async with Feeder(
        make_feeder_settings(feed_data.database, workspace, instantly_timeout_seconds=5), feed_data.clock
    ) as feeder:
        await feeder.run_jobs("feed")
        adding = asyncio.create_task(feeder.run_jobs("reconcile"))
        await workspace.add_started.wait()
        await feed_data.suppress_email("stop@example.com")
        await adding
    assert workspace.add_counts["stop@example.com"] == 1, "the add succeeded"
    assert "stop@example.com" not in workspace.list_emails()
    assert await list_memberships(feed_data) == ["in in"] * 3 + ["out out"]


async def test_an_opt_out_before_a_late_add_leaves_no_suppressed_member(
    feed_data: FeedFixture, impatient_feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 4, emails=["stop@example.com"])
    await impatient_feeder.run_jobs("feed", "reconcile")
    await feed_data.suppress_email("stop@example.com")
    feed_data.clock.advance(seconds=30)
    await impatient_feeder.run_jobs("reconcile")
    await release_adds(workspace)
    assert "stop@example.com" in workspace.list_emails(), "the add succeeded after the lookup"
    await reconcile_for_minutes(feed_data, impatient_feeder)
    assert "stop@example.com" not in workspace.list_emails()
    assert await list_memberships(feed_data) == ["in in"] * 3 + ["out out"]


async def test_an_audit_finds_an_add_that_succeeded_after_it_was_given_up(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    [lead] = await feed_data.add_leads(broker, 1, emails=["stop@example.com"])
    workspace.add_statuses = [500]
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.suppress_email("stop@example.com")
    await reconcile_for_minutes(feed_data, feeder)
    assert await list_memberships(feed_data) == ["out out"]
    workspace.add_member("A", {"email": "stop@example.com", "custom_variables": {"lead_id": str(lead)}})
    await feeder.run_jobs("audit_members", "reconcile")
    assert workspace.members == {}


async def test_a_suppression_before_the_add_returns_the_slot(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 2, emails=["stop@example.com", "next@example.com"])
    await feeder.run_jobs("feed")
    await feed_data.suppress_email("stop@example.com")
    await feeder.run_jobs("reconcile", "top_up", "reconcile")
    assert workspace.list_emails() == ["next@example.com"]
    assert await feed_data.count_slots(broker, TODAY) == {"added": 1, "returned": 1}


async def test_a_suppression_or_a_stopped_status_removes_members(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    emails = [f"q{number}@example.com" for number in range(5)]
    leads = await feed_data.add_leads(broker, 5, emails=emails)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.suppress_email(emails[0])
    for lead, status in zip(leads[1:4], ("do_not_contact", "converted", "replied"), strict=True):
        await feed_data.db.execute(f"update app.leads set campaign_status = '{status}' where id = $1", lead)
    await feeder.run_jobs("reconcile")
    assert workspace.list_emails() == emails[3:]


async def test_a_removal_of_a_missing_member_counts_as_done(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 2, emails=["stop@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    workspace.members.clear()
    await feed_data.suppress_email("stop@example.com")
    await feeder.run_jobs("reconcile")
    assert await list_memberships(feed_data) == ["in in", "out out"]


async def test_an_audit_removes_suppressed_members_that_no_trigger_saw_managed_or_not(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3, emails=["stop@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute("alter table app.suppressions disable trigger trg_remove_suppressed_members")
    await feed_data.suppress_email("stop@example.com")
    await feed_data.suppress_email("unknown@example.com")
    workspace.add_member("A", {"email": "unknown@example.com"})
    workspace.add_member("A", {"email": "friend@example.com"})
    feed_data.clock.advance(hours=1)
    await feeder.run_jobs("audit_members", "reconcile")
    assert "friend@example.com" in workspace.list_emails()
    assert not {"stop@example.com", "unknown@example.com"} & set(workspace.list_emails())


async def test_an_audit_notices_a_member_removed_by_hand_and_does_not_add_it_again(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 2)
    await feeder.run_jobs("feed", "reconcile")
    workspace.members.popitem()
    feed_data.clock.advance(hours=1)
    await feeder.run_jobs("audit_members")
    await reconcile_for_minutes(feed_data, feeder)
    assert await list_memberships(feed_data) == ["in in", "in out"]
    assert set(workspace.add_counts.values()) == {1}


async def test_a_campaign_that_is_missing_at_instantly_gets_no_more_leads(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 2)
    del workspace.campaigns["A"]
    await feeder.run_jobs("feed", "reconcile", "reconcile")
    assert await feed_data.select_column("select problem from app.campaigns") == ["missing"]
    assert workspace.calls["POST /leads/add"] == 1
    assert await feed_data.count_slots(broker, TODAY) == {"reserved": 2}


async def test_an_unknown_member_of_a_campaign_that_is_to_be_created_again_is_out_without_a_call(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.db.execute("update app.vendor_memberships set actual = 'unknown', desired = 'out'")
    await feed_data.db.execute("update app.campaigns set vendor_campaign_id = null")
    calls = workspace.calls.copy()
    await feeder.run_jobs("reconcile")
    assert await list_memberships(feed_data) == ["out out"]
    assert workspace.calls == calls


async def test_reconcilers_at_the_same_moment_add_no_lead_twice(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A", "B"))
    await feed_data.add_leads(broker, 60)
    workspace.add_delay_seconds = 0.1
    replicas = [Feeder(settings.model_copy(update={"instantly_bulk": 7}), feed_data.clock) for _ in range(3)]
    for replica in replicas:
        await replica.__aenter__()
    await replicas[0].run_jobs("feed")
    await asyncio.gather(*(replica.run_jobs("reconcile") for replica in replicas))
    await replicas[0].run_jobs("reconcile")
    for replica in replicas:
        await replica.__aexit__()
    assert set(workspace.add_counts.values()) == {1}
    assert len(workspace.members) == 60


async def test_a_process_that_dies_between_claim_and_call_loses_no_lead(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    await feeder.run_jobs("feed")
    reconciler = _owner_of_job(feeder, "feeder.reconcile")
    assert await reconciler._claims.claim_adds() is not None  # then the process dies
    await feeder.run_jobs("reconcile")
    assert workspace.members == {}, "its claim is respected"
    await reconcile_for_minutes(feed_data, feeder)
    assert len(workspace.members) == 3
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}


def _owner_of_job(feeder: Feeder, job: str) -> Any:
    [work] = [one.work for one in feeder.service.jobs._repeated if one.name == job]
    bound: Callable[[], Any] = work
    return bound.__self__  # type: ignore[attr-defined]
