"""Killed with -9 in the middle of paid calls: no lead is lost, and at most one batch is paid for twice or in vain."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support.installation import Spawned
from support.providers import Providers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Spawn = Callable[..., Awaitable[Spawned]]
Home = dict[str, Any]
LEADS, A_BATCH = 150, 40
REACHABLE = "app.leads where email_verified and phone_verified"
QUICK = {"SKIPTRACE_CALL_SECONDS": "2", "SKIPTRACE_IN_FLIGHT": str(A_BATCH)}


@pytest.fixture
def leads(world: Providers, many_homes: Callable[..., list[Home]]) -> list[Home]:
    """Homes whose owners both providers know."""
    found = many_homes(LEADS)
    for home in found:
        world.people[home["property_address"]] = {
            "phoneNumbers": [
                {"number": home["phones"][0], "type": "Mobile", "tested": True, "reachable": True, "dnc": False}
            ],
            "emails": [{"email": home["emails"][0], "tested": True}],
        }
    return found


def arm(spawned: Spawned, point: str, marker: Path) -> None:
    spawned.kill()
    spawned.program = (
        f"from support.crash import arm; arm({point!r}, {str(marker)!r}); from cli.main import main; main()"
    )
    spawned.start()


async def _until_dead(spawned: Spawned, seconds: float = 60) -> None:
    for _ in range(int(seconds * 10)):
        if not spawned.alive:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"it lives:\n{spawned.log[-3000:]}")


async def _assert_all_accounted_for(funnel: Any) -> None:
    await funnel.until_count(REACHABLE, LEADS, seconds=90)
    await funnel.until(lambda: _told(funnel), LEADS)
    assert await funnel.dead_letters() == 0
    assert await funnel.count("app.skip_trace_requests where outcome = 'asked'") == 0
    assert (
        await funnel.count("(select 1 from app.lead_contacts group by lead_id, channel having count(*) > 1) twice") == 0
    )


async def _told(funnel: Any) -> int:
    return len({event["lead_id"] for event in await funnel.events("lead_verified")})


@pytest.mark.parametrize("policy", ["next_provider", "pay_again"])
async def test_killed_while_a_provider_answers(
    running: Running, spawn: Spawn, funnel: Any, world: Providers, leads: list[Home], policy: str
) -> None:
    killed: list[int] = []

    async def kill_the_asker(_request: web.Request, body: dict[str, Any]) -> None:
        if not killed and len(body["Records"]) > 1:
            killed.append(len(body["Records"]))
            spawned.kill()  # the provider does not notice, does the work and charges for it

    world.melissa.fault = kill_the_asker
    spawned = await spawn("skiptrace", **world.environment(), **QUICK, SKIPTRACE_LANES="1", SKIPTRACE_UNKNOWN=policy)
    async with running("ingest"):
        await funnel.send(*leads)
        await _until_dead(spawned)
        spawned.start()
        await _assert_all_accounted_for(funnel)
    lost = await funnel.db.fetchrow(
        "select count(*), sum(records), sum(cost_cents) from app.skip_trace_requests where outcome = 'unknown'"
    )
    assert tuple(lost) == (1, killed[0], 3 * killed[0])
    assert killed[0] <= A_BATCH
    paid_twice = sum(count - 1 for count in world.melissa.asked.values())
    assert paid_twice == (killed[0] if policy == "pay_again" else 0)
    assert sum(world.batchdata.asked.values()) == (0 if policy == "pay_again" else killed[0])


@pytest.mark.parametrize(
    ("point", "in_vain"),
    [
        ("before a paid call", 0),
        ("behind a paid call", A_BATCH),
        ("behind a kept answer", 0),
        ("before the commit", 0),
        ("after the commit", 0),
        ("before the offsets", 0),
    ],
)
async def test_killed_at_each_step_of_a_call(
    running: Running,
    spawn: Spawn,
    funnel: Any,
    world: Providers,
    leads: list[Home],
    tmp_path: Path,
    point: str,
    in_vain: int,
) -> None:
    spawned = await spawn("skiptrace", **world.environment(), **QUICK, SKIPTRACE_BATCH="60", SKIPTRACE_LANES="1")
    arm(spawned, point, tmp_path / "died")
    async with running("ingest"):
        await funnel.send(*leads)
        await _until_dead(spawned)
        spawned.start()
        await _assert_all_accounted_for(funnel)
    assert (tmp_path / "died").exists()
    assert max(world.melissa.asked.values()) == 1
    paid = sum(world.melissa.asked.values()) + sum(world.batchdata.asked.values())
    assert LEADS <= paid <= LEADS + in_vain


async def test_asked_to_stop_it_waits_for_the_answer_that_it_pays_for(
    running: Running, spawn: Spawn, funnel: Any, world: Providers, home: Home
) -> None:
    asked = asyncio.Event()

    async def note(_request: web.Request, _body: dict[str, Any]) -> None:
        asked.set()

    world.melissa.fault, world.melissa.delay = note, 1.5
    async with running("ingest"):
        spawned = await spawn("skiptrace", **world.environment())
        await funnel.send(home)
        await asyncio.wait_for(asked.wait(), 30)
        assert await asyncio.to_thread(spawned.stop) == 0
        assert await funnel.db.fetchval("select outcome from app.skip_trace_requests") == "answered"
        spawned.start()
        await funnel.until_count(REACHABLE, 1)
    assert sum(world.melissa.asked.values()) == 1
