"""Answers of Instantly that no contract names: nobody is lost, doubled, or taken for somebody else."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from feeder.settings import FeederSettings
from support.feeding import Feeder, HandClock, Ranch, settings_on
from support.instantly import Workspace

TODAY = date(2026, 11, 16)
Spoil = Callable[[dict[str, Any]], Any]


async def settled(ranch: Ranch, feeder: Feeder, rounds: int = 12) -> None:
    for _ in range(rounds):
        ranch.clock.forward(seconds=30)
        await ranch.end_pause()
        await feeder.run("reconcile")


def _entries(change: Callable[[list[dict[str, Any]]], Any]) -> Spoil:
    return lambda body: body | {"created_leads": change(body["created_leads"])}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"<html>Please log in</html>",
        lambda _: b"",
        lambda _: b"[]",
        lambda _: {},
        _entries(lambda _: None),
        _entries(lambda _: []),
        _entries(lambda entries: entries[1:]),
        _entries(lambda entries: [entry | {"index": 0} for entry in entries]),
        _entries(lambda entries: [entry | {"index": -1 - entry["index"]} for entry in entries]),
        _entries(lambda entries: [entry | {"index": entry["index"] + 3} for entry in entries]),
        _entries(lambda entries: [entry | {"index": str(entry["index"])} for entry in entries]),
        _entries(lambda entries: [entry | {"index": (entry["index"] + 1) % 3} for entry in entries]),
        _entries(lambda entries: [entry | {"id": None} for entry in entries]),
        _entries(lambda entries: [entry | {"id": 7} for entry in entries]),
        _entries(lambda entries: [entry | {"id": {"uuid": entry["id"]}} for entry in entries]),
        _entries(lambda entries: [entry | {"id": f"{entry['id']}\u0000"} for entry in entries]),
        _entries(lambda entries: [{"index": entry["index"]} for entry in entries]),
        _entries(lambda entries: [*entries, None, 7]),
        _entries(lambda entries: [entry | {"email": entry["email"].upper(), "new": {"x": []}} for entry in entries]),
    ],
)
async def test_whatever_an_add_answers_everybody_is_in_once_under_the_right_id(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, spoil: Spoil
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    workspace.spoil_add = spoil
    await feeder.run("feed", "reconcile")
    workspace.spoil_add = None
    await settled(ranch, feeder)
    assert await ranch.slots(broker, TODAY) == {"added": 3}
    assert set(workspace.added.values()) == {1}
    kept = await ranch.db.fetch("select lead_id::text, vendor_lead_id from app.vendor_memberships")
    assert {tuple(row) for row in kept} == {(m["payload"]["lead_id"], m["id"]) for m in workspace.members.values()}
    assert await feeder.events("funnel.campaign_added") == 3


@pytest.mark.parametrize("spoil", [lambda _: b"<html>", lambda _: {}, lambda _: {"items": None}, lambda _: b""])
async def test_a_list_that_says_nothing_proves_no_absence(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, spoil: Spoil
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    workspace.mute_after_add, workspace.spoil_list = True, spoil
    await feeder.run("feed", "reconcile")
    await settled(ranch, feeder)
    assert await ranch.ask("select distinct actual from app.vendor_memberships") == ["unknown"]
    workspace.spoil_list = None
    await settled(ranch, feeder, 4)
    assert await ranch.slots(broker, TODAY) == {"added": 3}
    assert workspace.calls["POST /leads/add"] == 1


async def test_members_of_another_campaign_that_a_list_names_are_not_this_ones(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    await ranch.leads(broker, 3)
    workspace.mute_after_add = True
    workspace.spoil_list = lambda body: {"items": [item | {"campaign": "B", "id": "x"} for item in body["items"]]}
    await feeder.run("feed", "reconcile")
    ranch.clock.forward(seconds=30)
    await ranch.end_pause()
    await feeder.run("reconcile", "sweep")
    assert await ranch.ask("select distinct actual from app.vendor_memberships") == ["unknown"]
    workspace.mute_after_add, workspace.spoil_list = False, None
    await settled(ranch, feeder, 4)
    assert await ranch.slots(broker, TODAY) == {"added": 3}


@pytest.mark.parametrize(
    "odd", [{"id": "a\u0000b"}, {"id": 7}, {"id": ["x"]}, {"payload": [1]}, {"email": 5}, {"email": None}]
)
async def test_an_odd_item_of_a_list_keeps_the_sweep_from_nobody_else(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, odd: dict[str, Any]
) -> None:
    await ranch.broker()
    await ranch.suppress("stop@example.com")
    stranger = workspace.add("A", {"email": "stop@example.com"})
    workspace.spoil_list = lambda body: body | {"items": [stranger | odd, "x", None, *body["items"]]}
    await feeder.run("sweep")
    assert workspace.members == {}


async def test_addresses_that_instantly_writes_otherwise_are_found_by_the_leads_id(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    emails = ["marjorie+home@example.com", "josé@bücher.example", "holt@example.com"]
    await ranch.leads(broker, 3, emails=emails)

    def otherwise(body: dict[str, Any]) -> dict[str, Any]:
        written = {"josé@bücher.example": "josé@xn--bcher-kva.example", "holt@example.com": "Holt@Example.com"}
        return body | {"items": [item | {"email": written.get(item["email"], item["email"])} for item in body["items"]]}

    workspace.spoil_list, workspace.mute_after_add = otherwise, True
    await feeder.run("feed", "reconcile")
    await settled(ranch, feeder)
    assert await ranch.slots(broker, TODAY) == {"added": 3}
    assert sorted(workspace.added.values()) == [1, 1, 1]


async def test_the_reason_of_a_refusal_is_kept_where_the_counts_tell_it(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3, emails=["blocked@example.com"])
    workspace.blocked = {"blocked@example.com"}
    await feeder.run("feed", "reconcile")
    problem = "select problem from app.vendor_memberships where problem is not null"
    assert await ranch.ask(problem) == ["refused: in_blocklist"]
    assert await ranch.ask("select count(*) from app.suppressions") == [0], "a block list is no opt-out"
    assert await ranch.slots(broker, TODAY) == {"added": 2, "refused": 1}


async def test_instantly_that_takes_offence_at_everybody_is_not_the_leads_fault(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 5)
    workspace.malformed = ""
    await feeder.run("feed", "reconcile")
    assert await ranch.ask("select distinct campaign_status::text from app.leads") == ["active"]
    assert await ranch.ask("select problem from app.campaigns") == ["rejects every add (400)"]
    calls = workspace.calls["POST /leads/add"]
    await settled(ranch, feeder, 3)
    assert workspace.calls["POST /leads/add"] == calls, "somebody has to look first"


async def test_a_campaign_that_is_deleted_between_add_and_question_costs_nobody_the_turn(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    [lead] = await ranch.leads(broker, 1)

    def deleted(body: dict[str, Any]) -> dict[str, Any]:
        workspace.campaigns.pop("A")
        workspace.members.clear()
        return body | {"created_leads": [], "leads_uploaded": 0}

    workspace.spoil_add = deleted
    await feeder.run("feed", "reconcile")
    workspace.spoil_add = None
    assert await ranch.ask("select problem from app.campaigns") == ["gone"]
    assert await ranch.ask("select campaign_status::text from app.leads") == ["active"]
    await ranch.db.execute("update app.campaigns set vendor_campaign_id = 'B', problem = null")
    ranch.clock.forward(days=1)
    await feeder.run("refresh", "feed", "reconcile")
    assert [member["payload"]["lead_id"] for member in workspace.members.values()] == [str(lead)]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("17", 16, 17), ("999999999", 3_599, 3_600), ("-5", 0, 2), ("Mon, 21 Oct 2015 07:28:00 GMT", 0, 2), ("no", 0, 2)],
)
async def test_retry_after_is_kept_within_bounds_and_for_all_replicas(
    ranch: Ranch, settings: FeederSettings, feeder: Feeder, workspace: Workspace, header: str, least: int, most: int
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    workspace.answers, workspace.retry_after = [429], header
    await feeder.run("feed", "reconcile")
    [pause] = await ranch.ask(
        "select extract(epoch from paused_until - clock_timestamp()) from pipeline.provider_states"
    )
    assert least - 1 <= pause <= most
    if least:
        async with Feeder(settings, HandClock()) as other:
            await other.run("reconcile")
        assert workspace.calls["POST /leads/add"] == 1


async def test_429_in_the_middle_of_removals_loses_none_of_them(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    emails = [f"stop{number}@example.com" for number in range(30)]
    await ranch.leads(broker, 30, emails=emails)
    await feeder.run("feed", "reconcile")
    for email in emails[:25]:
        await ranch.suppress(email)
    workspace.removal_answers = [429] * 8
    await feeder.run("reconcile")
    assert len(workspace.members) > 5
    await settled(ranch, feeder)
    assert workspace.emails() == sorted(emails[25:])


async def test_a_removal_that_instantly_calls_invalid_keeps_neither_others_nor_adds(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(limit=4)
    await ranch.leads(broker, 4, emails=["a@example.com", "b@example.com"])
    await feeder.run("feed", "reconcile")
    for email in ("a@example.com", "b@example.com"):
        await ranch.suppress(email)
    await ranch.db.execute("update app.brokers set daily_limit = 6")
    await ranch.leads(broker, 2, emails=["new@example.com"])
    workspace.removal_answers = [400]
    await feeder.run("top_up", "reconcile")
    assert "new@example.com" in workspace.emails()
    assert len({"a@example.com", "b@example.com"} & set(workspace.emails())) == 1
    ranch.clock.forward(hours=2)
    await feeder.run("reconcile")
    assert not {"a@example.com", "b@example.com"} & set(workspace.emails())


async def test_the_rate_is_one_for_all_replicas(ranch: Ranch, workspace: Workspace) -> None:
    broker = await ranch.broker()
    emails = [f"stop{number}@example.com" for number in range(12)]
    await ranch.leads(broker, 12, emails=emails)
    await ranch.db.execute("create table public.kept (at timestamptz)")
    await ranch.db.execute(
        "create function public.keep() returns trigger language plpgsql security definer as "
        "$$ begin insert into public.kept values (new.at); return null; end $$"
    )
    await ranch.db.execute(
        "create trigger keep after insert on pipeline.provider_grants for each row execute function public.keep()"
    )
    slow = settings_on(ranch.database, workspace, instantly_requests_per_second=6, instantly_timeout_seconds=10)
    async with Feeder(slow, ranch.clock) as first, Feeder(slow, ranch.clock) as second:
        await first.run("feed", "reconcile")
        for email in emails:
            await ranch.suppress(email)
        await asyncio.gather(first.run("reconcile"), second.run("reconcile", "sweep"))
    assert workspace.members == {}
    in_any_second = (
        "select max((select count(*) from kept k where k.at > o.at - interval '1 second' and k.at <= o.at)) from kept o"
    )
    assert (await ranch.ask(in_any_second))[0] <= 6
