"""Refusals, redirects and good statuses with bad news, of any operation: nobody is lost, and nobody stays who must go."""

from collections.abc import AsyncIterator, Callable
from datetime import date

import pytest
from aiohttp import web

from support.feeding import Feeder, Ranch
from support.instantly import Workspace

TODAY = date(2026, 11, 16)
BAD_NEWS = {"statusCode": 500, "error": "Internal Server Error", "message": "x"}


async def settled(ranch: Ranch, feeder: Feeder, rounds: int = 12) -> None:
    for _ in range(rounds):
        ranch.clock.forward(seconds=30)
        await ranch.end_pause()
        await feeder.run("reconcile")


@pytest.fixture
async def elsewhere() -> AsyncIterator[tuple[str, list[str]]]:
    """Another host, and the keys that it was shown."""
    seen = list[str]()

    async def note(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.json_response({"items": [], "created_leads": [], "id": "x"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_the_key(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, elsewhere: tuple[str, list[str]], status: int
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3, emails=["stop@example.com"])
    await ranch.db.execute("insert into app.campaigns (broker_id, name) values ($1, 'new')", broker)
    url, seen = elsewhere

    def away(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": url + request.path})

    for work in ("feed", "sync_campaigns", "reconcile", "sweep"):
        await ranch.end_pause()
        workspace.instead = away
        await feeder.run(work)
    workspace.instead = None
    await settled(ranch, feeder)
    assert await ranch.slots(broker, TODAY) == {"added": 3}
    workspace.instead = away
    await ranch.suppress("stop@example.com")
    await feeder.run("reconcile")
    assert "stop@example.com" in workspace.emails()
    workspace.instead = None
    await settled(ranch, feeder, 2)
    assert "stop@example.com" not in workspace.emails()
    assert seen == []


async def test_retry_after_of_a_fault_of_theirs_is_kept_too(ranch: Ranch, feeder: Feeder, workspace: Workspace) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    workspace.answers, workspace.retry_after = [503], "40"
    await feeder.run("feed", "reconcile")
    [pause] = await ranch.ask(
        "select extract(epoch from paused_until - clock_timestamp()) from pipeline.provider_states"
    )
    assert 38 < pause <= 40


@pytest.mark.parametrize(
    "page", ["<html>404 page not found</html>", "", "{}", '{"message": "no Route matched with those values"}']
)
async def test_a_page_that_is_not_found_is_no_word_of_instantlys(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, page: str
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 3, emails=["stop@example.com"])
    await feeder.run("feed", "reconcile")
    await ranch.leads(broker, 1)
    await feeder.run("top_up")
    await ranch.suppress("stop@example.com")
    workspace.instead = lambda _: web.Response(status=404, text=page)
    for work in ("reconcile", "sweep", "reconcile"):
        await ranch.end_pause()
        await feeder.run(work)
    assert await ranch.ask("select problem from app.campaigns") == [None]
    workspace.instead = None
    await settled(ranch, feeder)
    assert "stop@example.com" not in workspace.emails()
    assert await ranch.slots(broker, TODAY) == {"added": 4}


async def test_a_removal_answered_with_a_good_status_and_an_error_is_not_done(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 2, emails=["stop@example.com"])
    await feeder.run("feed", "reconcile")
    await ranch.suppress("stop@example.com")
    workspace.instead = lambda request: web.json_response(BAD_NEWS) if request.method == "DELETE" else None
    await feeder.run("reconcile")
    workspace.instead = None
    await settled(ranch, feeder, 2)
    assert "stop@example.com" not in workspace.emails()


async def test_a_campaign_switched_with_a_good_status_and_an_error_is_not_synced(
    ranch: Ranch, feeder: Feeder, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=())
    settings = '{"from": "09:00", "to": "17:00", "timezone": "America/Detroit"}'
    step = '[{"day": 1, "subject": "s", "body": "b"}]'
    await ranch.db.execute(
        "insert into app.campaigns (broker_id, name, settings, sequence) values ($1, 'new', $2, $3)",
        broker,
        settings,
        step,
    )
    workspace.instead = lambda request: web.json_response(BAD_NEWS) if request.path.endswith("activate") else None
    await feeder.run("sync_campaigns")
    assert await ranch.ask("select synced_version from app.campaigns") == [0]
    workspace.instead = None
    await ranch.end_pause()
    ranch.clock.forward(minutes=2)
    await feeder.run("sync_campaigns")
    assert await ranch.ask("select synced_version from app.campaigns") == [1]
    assert [campaign["status"] for campaign in workspace.campaigns.values() if campaign["name"].endswith("]")] == [1]


def _refusing(status: int, meant: Callable[[web.Request], bool]) -> Callable[[web.Request], web.Response | None]:
    return lambda request: web.json_response({"error": "x"}, status=status) if meant(request) else None


@pytest.mark.parametrize("status", [409, 413, 422])
async def test_a_bulk_add_that_is_the_requests_fault_is_halved_and_keeps_no_other_campaign(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: int
) -> None:
    bulky, other = await ranch.broker(campaigns=("A",)), await ranch.broker(campaigns=("B",))
    await ranch.leads(bulky, 40)
    await ranch.leads(other, 2)
    limit = 6_000
    workspace.instead = _refusing(
        status, lambda request: request.path.endswith("/leads/add") and (request.content_length or 0) > limit
    )
    await feeder.run("feed", "reconcile")
    await settled(ranch, feeder, 3)
    assert len(workspace.emails("B")) == 2
    assert await ranch.slots(bulky, TODAY) == {"added": 40}


@pytest.mark.parametrize("status", [400, 422])
async def test_an_address_that_cannot_be_asked_about_is_asked_about_once_an_hour(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: int
) -> None:
    broker = await ranch.broker()
    await ranch.leads(broker, 1)
    workspace.mute_after_add = True
    await feeder.run("feed", "reconcile")
    workspace.mute_after_add = False
    workspace.instead = _refusing(status, lambda request: request.path.endswith("/leads/list"))
    await settled(ranch, feeder, rounds=60)
    assert workspace.calls["POST /leads/list"] == 1
    assert await ranch.ask("select actual from app.vendor_memberships") == ["unknown"]
    workspace.instead = None
    ranch.clock.forward(hours=1)
    await settled(ranch, feeder, rounds=1)
    assert await ranch.ask("select actual from app.vendor_memberships") == ["in"]
    assert await ranch.slots(broker, TODAY) == {"added": 1}


@pytest.mark.parametrize("status", [400, 409])
async def test_a_stranger_who_cannot_be_removed_keeps_no_other_campaign_from_its_sweep(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: int
) -> None:
    first, second = await ranch.broker(campaigns=("A",)), await ranch.broker(campaigns=("B",))
    await ranch.leads(first, 1)
    await ranch.leads(second, 1)
    await feeder.run("feed", "reconcile")
    for email in ("stuck@example.com", "stop@example.com"):
        await ranch.suppress(email)
    stuck = [workspace.add(campaign, {"email": "stuck@example.com"})["id"] for campaign in ("A", "B")]
    for campaign in ("A", "B"):
        workspace.add(campaign, {"email": "stop@example.com"})
    workspace.instead = _refusing(status, lambda request: request.path.rpartition("/")[2] in stuck)
    for _ in range(3):
        ranch.clock.forward(hours=1)
        await ranch.end_pause()
        await feeder.run("sweep")
    assert "stop@example.com" not in workspace.emails()
    workspace.instead = None
    ranch.clock.forward(hours=1)
    await feeder.run("sweep")
    assert "stuck@example.com" not in workspace.emails()


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_campaign_that_cannot_be_listed_keeps_no_other_from_its_sweep(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, status: int
) -> None:
    await ranch.broker(campaigns=("A", "B"))
    await ranch.suppress("stop@example.com")
    for campaign in ("A", "B"):
        workspace.add(campaign, {"email": "stop@example.com"})
    refusing = _refusing(status, lambda request: request.path.endswith("/leads/list"))
    workspace.instead = lambda request: refusing(request) if workspace.calls["POST /leads/list"] == 1 else None
    await feeder.run("sweep")
    assert workspace.calls["POST /leads/list"] > 1
    assert len(workspace.members) == 1, "the other campaign is swept all the same"
