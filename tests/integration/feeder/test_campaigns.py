"""Synchronisation of campaigns: each campaign of the file is created once at Instantly, and updated."""

from typing import Any

import pytest
from aiohttp import web

from support.commandline import Equity
from support.feeding import Feeder, FeedFixture
from support.installation import SECRETS
from support.instantly import FakeWorkspace


@pytest.fixture
def equity(feed_data: FeedFixture) -> Equity:
    environment = {
        "DATABASE_DIRECT_URL": feed_data.database.superuser_dsn,
        "POSTAL_ADDRESS": "1 Test St, Tampa, FL 33602",
    }
    return Equity(environment | SECRETS)


@pytest.fixture
async def empty_workspace(workspace: FakeWorkspace, feed_data: FeedFixture) -> FakeWorkspace:
    workspace.campaigns.clear()
    await feed_data.add_broker(campaigns=())
    return workspace


async def sync_at_instantly(feeder: Feeder, feed_data: FeedFixture, minutes: int = 0) -> None:
    feed_data.clock.advance(minutes=minutes)
    await feeder.run_jobs("sync_campaigns")


async def test_campaigns_are_created_with_their_steps_and_activated(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    assert (await equity.soon("campaigns", "sync", "--json")).ok().json["created"] == 45
    await sync_at_instantly(feeder, feed_data)
    assert len(empty_workspace.campaigns) == 45
    campaign = next(iter(empty_workspace.campaigns.values()))
    steps = campaign["sequences"][0]["steps"]
    assert [step["delay"] for step in steps] == [2, 2, 2, 0], "to the next email: days 1, 3, 5, 7"
    assert (campaign["status"], campaign["insert_unsubscribe_header"], campaign["stop_on_reply"]) == (1, True, True)
    assert campaign["campaign_schedule"]["schedules"][0]["days"] == {str(day): 0 < day < 6 for day in range(7)}
    listed = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert {row["state"] for row in listed} == {"no senders"}
    assert "email_list" not in campaign, "accounts that a person set at Instantly stay"


async def test_a_second_sync_changes_nothing_and_a_changed_file_updates_instantly(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    again = (await equity.soon("campaigns", "sync", "--json")).ok().json
    assert again == {"created": 0, "updated": 0, "unchanged": 45, "retired": 0, "kept": 0}
    changed = (await equity.soon("campaigns", "sync", "--json", POSTAL_ADDRESS="2 New St, Tampa, FL 33602")).ok().json
    assert changed["updated"] == 45
    await sync_at_instantly(feeder, feed_data)
    assert len(empty_workspace.campaigns) == 45
    assert all("2 New St" in str(campaign["sequences"]) for campaign in empty_workspace.campaigns.values())


async def test_a_campaign_whose_creation_had_no_response_is_found_by_its_name(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    empty_workspace.add_statuses = [500] * 3
    for _ in range(10):  # three rounds meet an error; a round on a busy machine may also exceed the timeout of a call
        await sync_at_instantly(feeder, feed_data, minutes=2)
        await feed_data.end_backoff()
    assert len(empty_workspace.campaigns) == 45
    assert await feed_data.select_column(
        "select count(distinct vendor_campaign_id) from app.campaigns where problem is null"
    ) == [45]


async def test_a_campaign_that_an_audit_finds_missing_is_created_again(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    empty_workspace.campaigns.popitem()
    await feeder.run_jobs("audit_members")
    assert await feed_data.select_column("select count(*) from app.campaigns where problem = 'missing'") == [1]
    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    assert len(empty_workspace.campaigns) == 45


async def test_a_campaign_that_an_update_finds_missing_is_created_again(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    empty_workspace.campaigns.popitem()
    for number in (2, 3):
        (await equity.soon("campaigns", "sync", POSTAL_ADDRESS=f"{number} New St, Tampa, FL 33602")).ok()
        await sync_at_instantly(feeder, feed_data, minutes=2)
        assert len(empty_workspace.campaigns) == 42 + number
        asked = empty_workspace.calls.total()
        await sync_at_instantly(feeder, feed_data, minutes=2)
        assert empty_workspace.calls.total() == asked, "a missing campaign waits"
    assert await feed_data.select_column("select count(*) from app.campaigns where problem is null") == [45]


async def test_a_campaign_whose_creation_had_no_response_is_found_after_its_broker_was_renamed(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    empty_workspace.add_statuses = [500]
    await sync_at_instantly(feeder, feed_data)
    assert len(empty_workspace.campaigns) >= 1
    await feed_data.db.execute("update app.brokers set name = 'Another name'")
    await feed_data.end_backoff()
    await sync_at_instantly(feeder, feed_data, minutes=2)
    assert len(empty_workspace.campaigns) == 45


async def test_a_cursor_with_special_characters_leads_to_the_next_page(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
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
    empty_workspace.intercept = pages
    await sync_at_instantly(feeder, feed_data)
    assert asked == [None, cursor]


async def test_a_campaign_that_left_the_file_pauses_with_the_option_retire(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity, tmp_path: Any
) -> None:
    from feeder.campaign_file.reader import DEFAULT_FILE

    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    few = tmp_path / "few.yaml"
    few.write_text(DEFAULT_FILE.read_text().replace("personas: all", "personas: [1, 2]"))
    kept = (await equity.soon("campaigns", "sync", few)).ok()
    assert "43 campaigns go on that are not in the file. `--retire` pauses them." in kept.err
    for retired in (43, 0):
        ended = (await equity.soon("campaigns", "sync", few, "--retire", "--json")).ok().json
        assert (ended["unchanged"], ended["retired"], ended["kept"]) == (2, retired, 0)
    await sync_at_instantly(feeder, feed_data)
    assert sorted(campaign["status"] for campaign in empty_workspace.campaigns.values()) == [1] * 2 + [2] * 43


async def test_personas_may_swap_names_or_get_other_ids(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity, tmp_path: Any
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
    assert await feed_data.select_column("select count(*) from app.campaigns") == [45]


async def test_sending_accounts_reach_instantly_and_missing_ones_cause_a_warning(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity, tmp_path: Any
) -> None:
    from feeder.campaign_file.reader import DEFAULT_FILE

    warned = (await equity.soon("campaigns", "sync", "--check")).ok()
    assert "no account sends for 45 campaigns" in warned.err
    with_senders = tmp_path / "with.yaml"
    text = DEFAULT_FILE.read_text()
    with_senders.write_text(
        text.replace("    brokers: all\n", "    brokers: all\n    senders: [Dana@outreach.example]\n")
    )
    synced = (await equity.soon("campaigns", "sync", with_senders)).ok()
    assert "WARNING" not in synced.err
    await sync_at_instantly(feeder, feed_data)
    assert {tuple(campaign["email_list"]) for campaign in empty_workspace.campaigns.values()} == {
        ("dana@outreach.example",)
    }
    listed = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert {row["state"] for row in listed} == {"sends"}
    with_senders.write_text(text.replace("    brokers: all\n", "    brokers: all\n    senders: [dana]\n"))
    refused = await equity.soon("campaigns", "sync", with_senders)
    assert (refused.code, "'dana' is no email account" in refused.err) == (2, True)


async def test_denied_access_is_shown_beside_each_campaign(
    feeder: Feeder, feed_data: FeedFixture, workspace: FakeWorkspace, equity: Equity
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1)
    workspace.add_statuses = [402]
    await feeder.run_jobs("feed", "reconcile")
    [listed] = (await equity.soon("campaigns", "list", "--json")).ok().json
    assert (listed["problem"], listed["waiting"]) == ("Instantly denies access: http_402", 1)


async def test_an_update_during_a_backoff_leaves_campaigns_ready_for_the_feed(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    await sync_at_instantly(feeder, feed_data)
    (await equity.soon("campaigns", "sync", POSTAL_ADDRESS="2 New St, Tampa, FL 33602")).ok()
    await feed_data.db.execute("update pipeline.provider_states set backoff_until = now() + interval '1 hour'")
    await sync_at_instantly(feeder, feed_data)
    assert await feed_data.select_column("select count(*) from app.campaigns where problem is null") == [45]


async def test_without_a_postal_address_no_campaign_is_created(feed_data: FeedFixture, equity: Equity) -> None:
    for blank in ("", "  "):
        ran = await equity.soon("campaigns", "sync", POSTAL_ADDRESS=blank)
        assert (ran.code, "POSTAL_ADDRESS" in ran.err) == (2, True)
    assert await feed_data.select_column("select count(*) from app.campaigns") == [0]
    assert (await equity.soon("campaigns", "sync", "--check", POSTAL_ADDRESS="")).code == 0


async def test_campaigns_of_a_disabled_broker_pause_until_it_is_enabled(
    feeder: Feeder, feed_data: FeedFixture, empty_workspace: FakeWorkspace, equity: Equity
) -> None:
    (await equity.soon("campaigns", "sync")).ok()
    [broker] = await feed_data.select_column("select name from app.brokers")
    await feed_data.db.execute(
        "update app.campaigns set active = false where name = (select min(name) from app.campaigns)"
    )
    await sync_at_instantly(feeder, feed_data)
    for command, sending in (("disable", 0), ("disable", 0), ("enable", 44)):
        (await equity.soon("brokers", command, broker)).ok()
        await sync_at_instantly(feeder, feed_data)
        assert sum(campaign["status"] == 1 for campaign in empty_workspace.campaigns.values()) == sending
        states = [row["state"] for row in (await equity.soon("campaigns", "list", "--json")).ok().json]
        assert states.count("pauses") == 45 - sending
