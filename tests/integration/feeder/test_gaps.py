"""Somebody opts out at every moment of a feed: in no gap is the address left in a campaign."""

from collections.abc import Callable
from typing import Any

import pytest

from feeder.settings import FeederSettings
from feeder.vendors.instantly import Instantly
from support.feeding import Feeder, Ranch
from support.instantly import Workspace

STOP = "stop@example.com"


def opts_out_at(feeder: Feeder, ranch: Ranch, method: str, path: str, *, before: bool) -> Callable[[], bool]:
    """Let STOP opt out at the next call of *path*, before it is sent or when it is answered; tells whether it did."""
    [vendor] = [part for part in feeder.service.parts if isinstance(part, Instantly)]
    send, done = vendor._send, list[str]()

    async def overtaken(to_method: str, to: str, body: Any) -> Any:
        hit = not done and (method, True) == (to_method, to.startswith(path))
        if hit:
            done.append(to)
        if hit and before:
            await ranch.suppress(STOP)
        try:
            return await send(to_method, to, body)
        finally:
            if hit and not before:
                await ranch.suppress(STOP)

    vendor._send = overtaken  # type: ignore[method-assign,assignment]
    return lambda: bool(done)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("method", "path", "work"),
    [
        ("POST", "/leads/add", "reconcile"),
        ("POST", "/leads/list", "reconcile"),
        ("POST", "/leads/list", "sweep"),
        ("DELETE", "/leads/", "reconcile"),
    ],
)
async def test_an_opt_out_at_a_call_leaves_nobody_in_a_campaign(
    ranch: Ranch, feeder: Feeder, workspace: Workspace, method: str, path: str, work: str, before: bool
) -> None:
    broker = await ranch.broker(campaigns=("A", "B"))
    leads = await ranch.leads(broker, 8, emails=[STOP, "first@example.com"])
    await feeder.run("feed")
    asks = (path, work) == ("/leads/list", "reconcile")
    if asks:
        workspace.mute_after_add = True
    if path != "/leads/add":
        await feeder.run("reconcile")
    workspace.mute_after_add = False
    if method == "DELETE":
        await ranch.suppress("first@example.com")
    happened = opts_out_at(feeder, ranch, method, path, before=before)
    for _ in range(8):
        ranch.clock.forward(seconds=40)
        await ranch.end_pause()
        await feeder.run(work, "reconcile")
    assert happened()
    gone = {STOP, "first@example.com"} if method == "DELETE" else {STOP}
    assert not gone & set(workspace.emails())
    assert len(workspace.members) == len(leads) - len(gone)
    assert set(workspace.added.values()) == {1}


async def test_who_opts_out_while_a_bulk_add_is_halved_is_not_added(
    ranch: Ranch, settings: FeederSettings, workspace: Workspace
) -> None:
    broker = await ranch.broker(campaigns=("A",))
    await ranch.leads(broker, 16, emails=["malformed@example.com", STOP])
    async with Feeder(settings, ranch.clock) as feeder:
        await feeder.run("feed")
        happened = opts_out_at(feeder, ranch, "POST", "/leads/add", before=False)
        await feeder.run("reconcile")
    assert happened()
    assert workspace.added[STOP] == 0
    assert len(workspace.members) == 14
    assert await ranch.slots(broker) == {"added": 14, "refused": 2}
