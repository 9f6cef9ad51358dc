"""Opt-outs at every moment of a feed: the address never stays in a campaign."""

from collections.abc import Callable
from typing import Any

import pytest

from common.vendors.http_client import VendorHttpClient, VendorHttpRequest
from feeder.settings import FeederSettings
from support.feeding import Feeder, FeedFixture
from support.instantly import FakeWorkspace

STOP = "stop@example.com"


def opt_out_at_call(
    feeder: Feeder, feed_data: FeedFixture, method: str, path: str, *, before: bool
) -> Callable[[], bool]:
    """Suppress STOP at the next call of *path*, before it is sent or after its response; return a check that it happened."""
    [client] = [part for part in feeder.service.parts if isinstance(part, VendorHttpClient)]
    send, calls = client.send_request, list[str]()

    async def send_and_suppress(request: VendorHttpRequest) -> Any:
        is_the_call = not calls and request.method == method and f"/api/v2{path}" in request.url
        if is_the_call:
            calls.append(request.url)
        if is_the_call and before:
            await feed_data.suppress_email(STOP)
        try:
            return await send(request)
        finally:
            if is_the_call and not before:
                await feed_data.suppress_email(STOP)

    client.send_request = send_and_suppress  # type: ignore[method-assign,assignment]
    return lambda: bool(calls)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "work"),
    [
        ("POST", "/leads/add", "reconcile"),
        ("POST", "/leads/list", "reconcile"),
        ("POST", "/leads/list", "audit_members"),
        ("DELETE", "/leads/", "reconcile"),
    ],
)
async def test_an_opt_out_during_a_call_leaves_no_suppressed_member(
    feed_data: FeedFixture, feeder: Feeder, workspace: FakeWorkspace, method: str, path: str, work: str, before: bool
) -> None:
    broker = await feed_data.add_broker(campaigns=("A", "B"))
    leads = await feed_data.add_leads(broker, 8, emails=[STOP, "first@example.com"])
    await feeder.run_jobs("feed")
    asks = (path, work) == ("/leads/list", "reconcile")
    if asks:
        workspace.fails_after_add = True
    if path != "/leads/add":
        await feeder.run_jobs("reconcile")
    workspace.fails_after_add = False
    if method == "DELETE":
        await feed_data.suppress_email("first@example.com")
    happened = opt_out_at_call(feeder, feed_data, method, path, before=before)
    for _ in range(8):
        feed_data.clock.advance(seconds=40)
        await feed_data.end_backoff()
        await feeder.run_jobs(work, "reconcile")
    assert happened()
    gone = {STOP, "first@example.com"} if method == "DELETE" else {STOP}
    assert not gone & set(workspace.list_emails())
    assert len(workspace.members) == len(leads) - len(gone)
    assert set(workspace.add_counts.values()) == {1}


async def test_an_opt_out_while_a_bulk_add_is_halved_prevents_the_add(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(campaigns=("A",))
    await feed_data.add_leads(broker, 16, emails=["malformed@example.com", STOP])
    async with Feeder(settings, feed_data.clock) as feeder:
        await feeder.run_jobs("feed")
        happened = opt_out_at_call(feeder, feed_data, "POST", "/leads/add", before=False)
        await feeder.run_jobs("reconcile")
    assert happened()
    assert workspace.add_counts[STOP] == 0
    assert len(workspace.members) == 14
    assert await feed_data.count_slots(broker) == {"added": 14, "returned": 2}
