"""Campaigns come to Instantly as the file says, once, and are brought up to date."""

from typing import Any

import pytest
from aiohttp import web

from support.commandline import Equity
from support.feeding import Feeder, Ranch
from support.installation import SECRETS
from support.instantly import Workspace


@pytest.fixture
def equity(ranch: Ranch) -> Equity:
    environment = {"DATABASE_DIRECT_URL": ranch.database.superuser_dsn, "POSTAL_ADDRESS": "1 Test St, Tampa, FL 33602"}
    return Equity(environment | SECRETS)


@pytest.fixture
async def empty(workspace: Workspace, ranch: Ranch) -> Workspace:
    workspace.campaigns.clear()
    await ranch.broker(campaigns=())
    return workspace


async def synced(feeder: Feeder, ranch: Ranch, minutes: int = 0) -> None:
    ranch.clock.forward(minutes=minutes)
    await feeder.run("sync_campaigns")


async def test_campaigns_are_created_with_their_steps_and_set_to_send(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    assert (await equity.soon("campaigns", "sync", "--json")).ok().json["created"] == 45
    await synced(feeder, ranch)
    assert len(empty.campaigns) == 45
    campaign = next(iter(empty.campaigns.values()))
    steps = campaign["sequences"][0]["steps"]
    assert [step["delay"] for step in steps] == [2, 2, 2, 0], "to the next email: days 1, 3, 5, 7"
    assert (campaign["status"], campaign["insert_unsubscribe_header"], campaign["stop_on_reply"]) == (1, True, True)
    assert campaign["campaign_schedule"]["schedules"][0]["days"] == {str(day): 0 < day < 6 for day in range(7)}
    listed = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert {row["state"] for row in listed} == {"no senders"}
    assert "email_list" not in campaign, "accounts set by hand at Instantly stay"


async def test_a_second_sync_changes_nothing_and_a_change_is_brought_to_instantly(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    again = (await equity.soon("campaigns", "sync", "--json")).ok().json
    assert again == {"created": 0, "updated": 0, "unchanged": 45, "retired": 0, "kept": 0}
    changed = (await equity.soon("campaigns", "sync", "--json", POSTAL_ADDRESS="2 New St, Tampa, FL 33602")).ok().json
    assert changed["updated"] == 45
    await synced(feeder, ranch)
    assert len(empty.campaigns) == 45
    assert all("2 New St" in str(campaign["sequences"]) for campaign in empty.campaigns.values())


async def test_a_creation_without_an_answer_is_found_by_its_name(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    empty.answers = [500] * 3
    for _ in range(4):
        await synced(feeder, ranch, minutes=2)
        await ranch.end_pause()
    assert len(empty.campaigns) == 45
    assert await ranch.ask("select count(distinct vendor_campaign_id) from app.campaigns where problem is null") == [45]


async def test_a_campaign_that_is_gone_is_made_anew(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    empty.campaigns.popitem()
    await feeder.run("sweep")
    assert await ranch.ask("select count(*) from app.campaigns where problem = 'gone'") == [1]
    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    assert len(empty.campaigns) == 45


async def test_a_campaign_that_is_found_gone_by_a_change_is_made_anew_too(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    empty.campaigns.popitem()
    for number in (2, 3):
        (await equity.soon("campaigns", "sync", POSTAL_ADDRESS=f"{number} New St, Tampa, FL 33602")).ok()
        await synced(feeder, ranch, minutes=2)
        assert len(empty.campaigns) == 42 + number
        asked = empty.calls.total()
        await synced(feeder, ranch, minutes=2)
        assert empty.calls.total() == asked, "one that is gone waits"
    assert await ranch.ask("select count(*) from app.campaigns where problem is null") == [45]


async def test_a_creation_without_an_answer_is_found_though_its_broker_is_called_otherwise_since(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    empty.answers = [500]
    await synced(feeder, ranch)
    assert len(empty.campaigns) >= 1
    await ranch.db.execute("update app.brokers set name = 'Another name'")
    await ranch.end_pause()
    await synced(feeder, ranch, minutes=2)
    assert len(empty.campaigns) == 45


async def test_a_cursor_of_any_letters_leads_to_the_next_page(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    cursor = "2026-11-16T14:00:00+00:00&limit=1#/ü="
    asked = list[str | None]()

    def pages(request: web.Request) -> web.Response | None:
        if (request.method, request.path) != ("GET", "/api/v2/campaigns"):
            return None
        asked.append(request.query.get("starting_after"))
        return web.json_response(
            {"items": [{"id": "x", "name": "x"}], "next_starting_after": cursor if len(asked) == 1 else None}
        )

    (await equity.soon("campaigns", "sync")).ok()
    empty.instead = pages
    await synced(feeder, ranch)
    assert asked == [None, cursor]


async def test_a_campaign_that_left_the_file_pauses_where_that_is_asked_for(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity, tmp_path: Any
) -> None:
    from feeder.campaign_file.reader import DEFAULT_FILE

    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    few = tmp_path / "few.yaml"
    few.write_text(DEFAULT_FILE.read_text().replace("personas: all", "personas: [1, 2]"))
    kept = (await equity.soon("campaigns", "sync", few)).ok()
    assert "43 campaigns go on that are not in the file. `--retire` pauses them." in kept.err
    for retired in (43, 0):
        ended = (await equity.soon("campaigns", "sync", few, "--retire", "--json")).ok().json
        assert (ended["unchanged"], ended["retired"], ended["kept"]) == (2, retired, 0)
    await synced(feeder, ranch)
    assert sorted(campaign["status"] for campaign in empty.campaigns.values()) == [1] * 2 + [2] * 43


async def test_personas_may_swap_names_or_get_other_ids(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity, tmp_path: Any
) -> None:
    from feeder.campaign_file.reader import DEFAULT_FILE

    text, changed = DEFAULT_FILE.read_text(), tmp_path / "changed.yaml"
    (await equity.soon("campaigns", "sync")).ok()
    changed.write_text(
        text.replace("id: 1, name: Carlos", "id: 1, name: Priya").replace("2, name: Priya", "2, name: Carlos")
    )
    swapped = (await equity.soon("campaigns", "sync", changed, "--json")).ok().json
    assert swapped == {"created": 0, "updated": 2, "unchanged": 43, "retired": 0, "kept": 0}
    changed.write_text(text.replace("id: 1, name: Carlos", "id: 46, name: Carlos"))
    renumbered = (await equity.soon("campaigns", "sync", changed, "--json")).ok().json
    assert renumbered == {"created": 0, "updated": 2, "unchanged": 43, "retired": 0, "kept": 0}
    assert await ranch.ask("select count(*) from app.campaigns") == [45]


async def test_accounts_that_send_are_brought_along_and_their_lack_is_told(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity, tmp_path: Any
) -> None:
    from feeder.campaign_file.reader import DEFAULT_FILE

    warned = (await equity.soon("campaigns", "sync", "--check")).ok()
    assert "no account sends for 45 campaigns" in warned.err
    with_senders = tmp_path / "with.yaml"
    text = DEFAULT_FILE.read_text()
    with_senders.write_text(
        text.replace("    brokers: all\n", "    brokers: all\n    senders: [Dana@outreach.example]\n")
    )
    told = (await equity.soon("campaigns", "sync", with_senders)).ok()
    assert "WARNING" not in told.err
    await synced(feeder, ranch)
    assert {tuple(campaign["email_list"]) for campaign in empty.campaigns.values()} == {("dana@outreach.example",)}
    listed = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert {row["state"] for row in listed} == {"sends"}
    with_senders.write_text(text.replace("    brokers: all\n", "    brokers: all\n    senders: [dana]\n"))
    refused = await equity.soon("campaigns", "sync", with_senders)
    assert (refused.code, "'dana' is no email account" in refused.err) == (2, True)


async def test_a_workspace_that_refuses_us_is_told_beside_each_campaign(
    feeder: Feeder, ranch: Ranch, workspace: Workspace, equity: Equity
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 1)
    workspace.answers = [402]
    await feeder.run("feed", "reconcile")
    [listed] = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert (listed["problem"], listed["waiting"]) == ("Instantly refuses us: http_402", 1)


async def test_a_change_that_meets_a_pause_keeps_nobody_from_being_fed(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await synced(feeder, ranch)
    (await equity.soon("campaigns", "sync", POSTAL_ADDRESS="2 New St, Tampa, FL 33602")).ok()
    await ranch.db.execute("update pipeline.provider_states set paused_until = now() + interval '1 hour'")
    await synced(feeder, ranch)
    assert await ranch.ask("select count(*) from app.campaigns where problem is null") == [45]


async def test_without_a_postal_address_nothing_is_made(ranch: Ranch, equity: Equity) -> None:
    for blank in ("", "  "):
        ran = await equity.soon("campaigns", "sync", POSTAL_ADDRESS=blank)
        assert (ran.code, "POSTAL_ADDRESS" in ran.err) == (2, True)
    assert await ranch.ask("select count(*) from app.campaigns") == [0]
    assert (await equity.soon("campaigns", "sync", "--check", POSTAL_ADDRESS="")).code == 0


async def test_campaigns_of_a_disabled_broker_pause_and_go_on_when_they_are_enabled(
    feeder: Feeder, ranch: Ranch, empty: Workspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    [broker] = await ranch.ask("select name from app.brokers")
    await ranch.db.execute("update app.campaigns set active = false where name = (select min(name) from app.campaigns)")
    await synced(feeder, ranch)
    for command, sending in (("disable", 0), ("disable", 0), ("enable", 44)):
        (await equity.soon("brokers", command, broker)).ok()
        await synced(feeder, ranch)
        assert sum(campaign["status"] == 1 for campaign in empty.campaigns.values()) == sending
        states = [row["state"] for row in (await equity.soon("campaigns", "list", "--json")).ok().json]
        assert states.count("pauses") == 45 - sending
