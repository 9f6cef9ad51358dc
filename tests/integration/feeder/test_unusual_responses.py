"""Undocumented responses of Instantly: no lead is lost, added twice, or taken for another one."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from feeder.settings import FeederSettings
from support.feeding import Feeder, FeedFixture, ManualClock, make_feeder_settings, reconcile_for_minutes
from support.instantly import FakeWorkspace

TODAY = date(2026, 11, 16)
Corrupt = Callable[[dict[str, Any]], Any]


def _change_entries(change: Callable[[list[dict[str, Any]]], Any]) -> Corrupt:
    return lambda body: body | {"created_leads": change(body["created_leads"])}


@pytest.mark.parametrize(
    "corrupt",
    [
        lambda _: b"<html>Please log in</html>",
        lambda _: b"",
        lambda _: b"[]",
        lambda _: {},
        _change_entries(lambda _: None),
        _change_entries(lambda _: []),
        _change_entries(lambda entries: entries[1:]),
        _change_entries(lambda entries: [entry | {"index": 0} for entry in entries]),
        _change_entries(lambda entries: [entry | {"index": -1 - entry["index"]} for entry in entries]),
        _change_entries(lambda entries: [entry | {"index": entry["index"] + 3} for entry in entries]),
        _change_entries(lambda entries: [entry | {"index": str(entry["index"])} for entry in entries]),
        _change_entries(lambda entries: [entry | {"index": (entry["index"] + 1) % 3} for entry in entries]),
        _change_entries(lambda entries: [entry | {"id": None} for entry in entries]),
        _change_entries(lambda entries: [entry | {"id": 7} for entry in entries]),
        _change_entries(lambda entries: [entry | {"id": {"uuid": entry["id"]}} for entry in entries]),
        _change_entries(lambda entries: [entry | {"id": f"{entry['id']}\u0000"} for entry in entries]),
        _change_entries(lambda entries: [{"index": entry["index"]} for entry in entries]),
        _change_entries(lambda entries: [*entries, None, 7]),
        _change_entries(
            lambda entries: [entry | {"email": entry["email"].upper(), "new": {"x": []}} for entry in entries]
        ),
    ],
)
async def test_any_response_to_an_add_ends_with_all_leads_as_members_once_under_the_right_id(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, corrupt: Corrupt
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    workspace.corrupt_add = corrupt
    await feeder.run_jobs("feed", "reconcile")
    workspace.corrupt_add = None
    await reconcile_for_minutes(feed_data, feeder)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
    assert set(workspace.add_counts.values()) == {1}
    kept = await feed_data.db.fetch("select lead_id::text, vendor_lead_id from app.vendor_memberships")
    assert {tuple(row) for row in kept} == {(m["payload"]["lead_id"], m["id"]) for m in workspace.members.values()}
    assert await feeder.count_events("funnel.campaign_added") == 3


@pytest.mark.parametrize("corrupt", [lambda _: b"<html>", lambda _: {}, lambda _: {"items": None}, lambda _: b""])
async def test_an_unreadable_list_proves_no_absence(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, corrupt: Corrupt
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    workspace.fails_after_add, workspace.corrupt_list = True, corrupt
    await feeder.run_jobs("feed", "reconcile")
    await reconcile_for_minutes(feed_data, feeder)
    assert await feed_data.select_column("select distinct actual from app.vendor_memberships") == ["unknown"]
    workspace.corrupt_list = None
    await reconcile_for_minutes(feed_data, feeder, 4)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
    assert workspace.calls["POST /leads/add"] == 1


async def test_members_of_another_campaign_in_a_list_do_not_count(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    await feed_data.add_leads(broker, 3)
    workspace.fails_after_add = True
    workspace.corrupt_list = lambda body: {"items": [item | {"campaign": "B", "id": "x"} for item in body["items"]]}
    await feeder.run_jobs("feed", "reconcile")
    feed_data.clock.advance(seconds=30)
    await feed_data.end_backoff()
    await feeder.run_jobs("reconcile", "audit_members")
    assert await feed_data.select_column("select distinct actual from app.vendor_memberships") == ["unknown"]
    workspace.fails_after_add, workspace.corrupt_list = False, None
    await reconcile_for_minutes(feed_data, feeder, 4)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}


@pytest.mark.parametrize(
    "changes", [{"id": "a\u0000b"}, {"id": 7}, {"id": ["x"]}, {"payload": [1]}, {"email": 5}, {"email": None}]
)
async def test_an_unusual_item_of_a_list_does_not_stop_the_audit_of_others(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, changes: dict[str, Any]
) -> None:
    await feed_data.add_broker()
    await feed_data.suppress_email("stop@example.com")
    unmanaged = workspace.add_member("A", {"email": "stop@example.com"})
    workspace.corrupt_list = lambda body: body | {"items": [unmanaged | changes, "x", None, *body["items"]]}
    await feeder.run_jobs("audit_members")
    assert workspace.members == {}


async def test_addresses_that_instantly_spells_differently_are_matched_by_the_lead_id(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    emails = ["marjorie+home@example.com", "josé@bücher.example", "holt@example.com"]
    await feed_data.add_leads(broker, 3, emails=emails)

    def respell(body: dict[str, Any]) -> dict[str, Any]:
        spelling = {"josé@bücher.example": "josé@xn--bcher-kva.example", "holt@example.com": "Holt@Example.com"}
        return body | {
            "items": [item | {"email": spelling.get(item["email"], item["email"])} for item in body["items"]]
        }

    workspace.corrupt_list, workspace.fails_after_add = respell, True
    await feeder.run_jobs("feed", "reconcile")
    await reconcile_for_minutes(feed_data, feeder)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
    assert sorted(workspace.add_counts.values()) == [1, 1, 1]


async def test_the_reason_of_a_refusal_is_stored_if_the_counts_give_it(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3, emails=["blocked@example.com"])
    workspace.blocked = {"blocked@example.com"}
    await feeder.run_jobs("feed", "reconcile")
    problem = "select problem from app.vendor_memberships where problem is not null"
    assert await feed_data.select_column(problem) == ["refused: in_blocklist"]
    assert await feed_data.select_column("select count(*) from app.suppressions") == [0], "a block list is no opt-out"
    assert await feed_data.count_slots(broker, TODAY) == {"added": 2, "returned": 1}


async def test_no_lead_is_refused_when_instantly_rejects_every_lead(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 5)
    workspace.malformed_prefix = ""
    await feeder.run_jobs("feed", "reconcile")
    assert await feed_data.select_column("select distinct campaign_status::text from app.leads") == ["active"]
    assert await feed_data.select_column("select problem from app.campaigns") == ["rejects every add (400)"]
    calls = workspace.calls["POST /leads/add"]
    await reconcile_for_minutes(feed_data, feeder, 3)
    assert workspace.calls["POST /leads/add"] == calls, "a person has to look first"


async def test_a_lead_is_fed_again_when_its_campaign_is_deleted_between_add_and_lookup(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    [lead] = await feed_data.add_leads(broker, 1)

    def delete_campaign(body: dict[str, Any]) -> dict[str, Any]:
        workspace.campaigns.pop("A")
        workspace.members.clear()
        return body | {"created_leads": [], "leads_uploaded": 0}

    workspace.corrupt_add = delete_campaign
    await feeder.run_jobs("feed", "reconcile")
    workspace.corrupt_add = None
    assert await feed_data.select_column("select problem from app.campaigns") == ["missing"]
    assert await feed_data.select_column("select campaign_status::text from app.leads") == ["active"]
    await feed_data.db.execute("update app.campaigns set vendor_campaign_id = 'B', problem = null")
    feed_data.clock.advance(days=1)
    await feeder.run_jobs("refresh", "feed", "reconcile")
    assert [member["payload"]["lead_id"] for member in workspace.members.values()] == [str(lead)]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("17", 16, 17), ("999999999", 3_599, 3_600), ("-5", 0, 2), ("Mon, 21 Oct 2015 07:28:00 GMT", 0, 2), ("no", 0, 2)],
)
async def test_retry_after_applies_to_all_replicas_within_bounds(
    feed_data: FeedFixture,
    settings: FeederSettings,
    feeder: Feeder,
    workspace: FakeWorkspace,
    header: str,
    least: int,
    most: int,
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    workspace.add_statuses, workspace.retry_after = [429], header
    await feeder.run_jobs("feed", "reconcile")
    [pause] = await feed_data.select_column(
        "select extract(epoch from backoff_until - clock_timestamp()) from pipeline.provider_states"
    )
    assert least - 1 <= pause <= most
    if least:
        async with Feeder(settings, ManualClock()) as other:
            await other.run_jobs("reconcile")
        assert workspace.calls["POST /leads/add"] == 1


async def test_no_removal_is_lost_when_instantly_answers_429_in_between(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    emails = [f"stop{number}@example.com" for number in range(30)]
    await feed_data.add_leads(broker, 30, emails=emails)
    await feeder.run_jobs("feed", "reconcile")
    for email in emails[:25]:
        await feed_data.suppress_email(email)
    workspace.removal_statuses = [429] * 8
    await feeder.run_jobs("reconcile")
    assert len(workspace.members) > 5
    await reconcile_for_minutes(feed_data, feeder)
    assert workspace.list_emails() == sorted(emails[25:])


async def test_an_invalid_removal_blocks_neither_other_removals_nor_adds(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=4)
    await feed_data.add_leads(broker, 4, emails=["a@example.com", "b@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    for email in ("a@example.com", "b@example.com"):
        await feed_data.suppress_email(email)
    await feed_data.db.execute("update app.brokers set daily_limit = 6")
    await feed_data.add_leads(broker, 2, emails=["new@example.com"])
    workspace.removal_statuses = [400]
    await feeder.run_jobs("top_up", "reconcile")
    assert "new@example.com" in workspace.list_emails()
    assert len({"a@example.com", "b@example.com"} & set(workspace.list_emails())) == 1
    feed_data.clock.advance(hours=2)
    await feeder.run_jobs("reconcile")
    assert not {"a@example.com", "b@example.com"} & set(workspace.list_emails())


async def test_all_replicas_share_one_rate(feed_data: FeedFixture, workspace: FakeWorkspace) -> None:
    broker = await feed_data.add_broker()
    emails = [f"stop{number}@example.com" for number in range(12)]
    await feed_data.add_leads(broker, 12, emails=emails)
    await feed_data.db.execute("create table public.grants (at timestamptz)")
    await feed_data.db.execute(
        "create function public.store_grant() returns trigger language plpgsql security definer as "
        "$$ begin insert into public.grants values (new.at); return null; end $$"
    )
    await feed_data.db.execute(
        "create trigger store_grant after insert on pipeline.provider_permits for each row execute function public.store_grant()"
    )
    slow = make_feeder_settings(
        feed_data.database, workspace, instantly_requests_per_second=6, instantly_timeout_seconds=10
    )
    async with Feeder(slow, feed_data.clock) as first, Feeder(slow, feed_data.clock) as second:
        await first.run_jobs("feed", "reconcile")
        for email in emails:
            await feed_data.suppress_email(email)
        await asyncio.gather(first.run_jobs("reconcile"), second.run_jobs("reconcile", "audit_members"))
    assert workspace.members == {}
    in_any_second = "select max((select count(*) from grants k where k.at > o.at - interval '1 second' and k.at <= o.at)) from grants o"
    assert (await feed_data.select_column(in_any_second))[0] <= 6
