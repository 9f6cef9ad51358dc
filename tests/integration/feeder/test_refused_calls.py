"""Refusals, redirects and errors with a successful status, for any operation: no lead is lost, no unwanted member stays."""

from collections.abc import AsyncIterator, Callable
from datetime import date

import pytest
from aiohttp import web

from support.feeding import Feeder, FeedFixture, reconcile_for_minutes
from support.instantly import FakeWorkspace

TODAY = date(2026, 11, 16)
ERROR_BODY = {"statusCode": 500, "error": "Internal Server Error", "message": "x"}


@pytest.fixture
async def other_host() -> AsyncIterator[tuple[str, list[str]]]:
    """Run another host; yield its URL and the keys that it received."""
    seen = list[str]()

    async def record_key(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization", ""))
        return web.json_response({"items": [], "created_leads": [], "id": "x"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", record_key)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    await runner.cleanup()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed_with_the_key(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, other_host: tuple[str, list[str]], status: int
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3, emails=["stop@example.com"])
    await feed_data.db.execute("insert into app.campaigns (broker_id, name) values ($1, 'new')", broker)
    url, seen = other_host

    def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": url + request.path})

    for work in ("feed", "sync_campaigns", "reconcile", "audit_members"):
        await feed_data.end_backoff()
        workspace.intercept = redirect
        await feeder.run_jobs(work)
    workspace.intercept = None
    await reconcile_for_minutes(feed_data, feeder)
    assert await feed_data.count_slots(broker, TODAY) == {"added": 3}
    workspace.intercept = redirect
    await feed_data.suppress_email("stop@example.com")
    await feeder.run_jobs("reconcile")
    assert "stop@example.com" in workspace.list_emails()
    workspace.intercept = None
    await reconcile_for_minutes(feed_data, feeder, 2)
    assert "stop@example.com" not in workspace.list_emails()
    assert seen == []


async def test_retry_after_of_a_server_error_applies_too(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    workspace.add_statuses, workspace.retry_after = [503], "40"
    await feeder.run_jobs("feed", "reconcile")
    [pause] = await feed_data.select_column(
        "select extract(epoch from backoff_until - clock_timestamp()) from pipeline.provider_states"
    )
    assert 38 < pause <= 40


@pytest.mark.parametrize(
    "page", ["<html>404 page not found</html>", "", "{}", '{"message": "no Route matched with those values"}']
)
async def test_a_404_page_of_a_proxy_does_not_count_as_instantlys_answer(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, page: str
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3, emails=["stop@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("top_up")
    await feed_data.suppress_email("stop@example.com")
    workspace.intercept = lambda _: web.Response(status=404, text=page)
    for work in ("reconcile", "audit_members", "reconcile"):
        await feed_data.end_backoff()
        await feeder.run_jobs(work)
    assert await feed_data.select_column("select problem from app.campaigns") == [None]
    workspace.intercept = None
    await reconcile_for_minutes(feed_data, feeder)
    assert "stop@example.com" not in workspace.list_emails()
    assert await feed_data.count_slots(broker, TODAY) == {"added": 4}


async def test_a_removal_with_a_successful_status_and_an_error_is_not_done(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 2, emails=["stop@example.com"])
    await feeder.run_jobs("feed", "reconcile")
    await feed_data.suppress_email("stop@example.com")
    workspace.intercept = lambda request: web.json_response(ERROR_BODY) if request.method == "DELETE" else None
    await feeder.run_jobs("reconcile")
    workspace.intercept = None
    await reconcile_for_minutes(feed_data, feeder, 2)
    assert "stop@example.com" not in workspace.list_emails()


async def test_a_campaign_activated_with_a_successful_status_and_an_error_is_not_synced(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=())
    settings = '{"from": "09:00", "to": "17:00", "timezone": "America/Detroit"}'
    step = '[{"day": 1, "subject": "s", "body": "b"}]'
    await feed_data.db.execute(
        "insert into app.campaigns (broker_id, name, settings, sequence) values ($1, 'new', $2, $3)",
        broker,
        settings,
        step,
    )
    workspace.intercept = lambda request: web.json_response(ERROR_BODY) if request.path.endswith("activate") else None
    await feeder.run_jobs("sync_campaigns")
    assert await feed_data.select_column("select synced_version from app.campaigns") == [0]
    workspace.intercept = None
    await feed_data.end_backoff()
    feed_data.clock.advance(minutes=2)
    await feeder.run_jobs("sync_campaigns")
    assert await feed_data.select_column("select synced_version from app.campaigns") == [1]
    assert [campaign["status"] for campaign in workspace.campaigns.values() if campaign["name"].endswith("]")] == [1]


def _refuse_calls(
    status: int, is_affected: Callable[[web.Request], bool]
) -> Callable[[web.Request], web.Response | None]:
    return lambda request: web.json_response({"error": "x"}, status=status) if is_affected(request) else None


@pytest.mark.parametrize("status", [409, 413, 422])
async def test_an_invalid_bulk_add_is_halved_and_blocks_no_other_campaign(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: int
) -> None:
    bulky, other = await feed_data.add_broker(campaigns=("A",)), await feed_data.add_broker(campaigns=("B",))
    await feed_data.add_leads(bulky, 40)
    await feed_data.add_leads(other, 2)
    limit = 6_000
    workspace.intercept = _refuse_calls(
        status, lambda request: request.path.endswith("/leads/add") and (request.content_length or 0) > limit
    )
    await feeder.run_jobs("feed", "reconcile")
    await reconcile_for_minutes(feed_data, feeder, 3)
    assert len(workspace.list_emails("B")) == 2
    assert await feed_data.count_slots(bulky, TODAY) == {"added": 40}


@pytest.mark.parametrize("status", [400, 422])
async def test_an_invalid_lookup_is_repeated_once_an_hour(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: int
) -> None:
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 1)
    workspace.fails_after_add = True
    await feeder.run_jobs("feed", "reconcile")
    workspace.fails_after_add = False
    workspace.intercept = _refuse_calls(status, lambda request: request.path.endswith("/leads/list"))
    await reconcile_for_minutes(feed_data, feeder, rounds=60)
    assert workspace.calls["POST /leads/list"] == 1
    assert await feed_data.select_column("select actual from app.vendor_memberships") == ["unknown"]
    workspace.intercept = None
    feed_data.clock.advance(hours=1)
    await reconcile_for_minutes(feed_data, feeder, rounds=1)
    assert await feed_data.select_column("select actual from app.vendor_memberships") == ["in"]
    assert await feed_data.count_slots(broker, TODAY) == {"added": 1}


@pytest.mark.parametrize("status", [400, 409])
async def test_an_unmanaged_member_that_cannot_be_removed_does_not_stop_the_audit_of_others(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: int
) -> None:
    first, second = await feed_data.add_broker(campaigns=("A",)), await feed_data.add_broker(campaigns=("B",))
    await feed_data.add_leads(first, 1)
    await feed_data.add_leads(second, 1)
    await feeder.run_jobs("feed", "reconcile")
    for email in ("stuck@example.com", "stop@example.com"):
        await feed_data.suppress_email(email)
    stuck = [workspace.add_member(campaign, {"email": "stuck@example.com"})["id"] for campaign in ("A", "B")]
    for campaign in ("A", "B"):
        workspace.add_member(campaign, {"email": "stop@example.com"})
    workspace.intercept = _refuse_calls(status, lambda request: request.path.rpartition("/")[2] in stuck)
    for _ in range(3):
        feed_data.clock.advance(hours=1)
        await feed_data.end_backoff()
        await feeder.run_jobs("audit_members")
    assert "stop@example.com" not in workspace.list_emails()
    workspace.intercept = None
    feed_data.clock.advance(hours=1)
    await feeder.run_jobs("audit_members")
    assert "stuck@example.com" not in workspace.list_emails()


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_a_campaign_that_cannot_be_listed_does_not_stop_the_audit_of_others(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, status: int
) -> None:
    await feed_data.add_broker(campaigns=("A", "B"))
    await feed_data.suppress_email("stop@example.com")
    for campaign in ("A", "B"):
        workspace.add_member(campaign, {"email": "stop@example.com"})
    refuse = _refuse_calls(status, lambda request: request.path.endswith("/leads/list"))
    workspace.intercept = lambda request: refuse(request) if workspace.calls["POST /leads/list"] == 1 else None
    await feeder.run_jobs("audit_members")
    assert workspace.calls["POST /leads/list"] > 1
    assert len(workspace.members) == 1, "the other campaign is audited all the same"
