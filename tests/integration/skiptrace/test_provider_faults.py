"""What becomes of single calls that fail; every fault of the contracts is in `tests/faults/test_vendor_faults.py`."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from skiptrace import ledger
from skiptrace.app import build
from skiptrace.rules.waterfall import MAX_UNKNOWN_RESPONSES
from skiptrace.trace.tracer import Tracer
from support.providers import Providers, status, times

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]
ALL_VERIFIED = "app.leads where email_verified and phone_verified"


async def _assert_nothing_was_lost(funnel: Any, leads: int) -> None:
    assert await funnel.count(ALL_VERIFIED) == leads
    assert len(await funnel.events("lead_verified")) == leads
    assert await funnel.dead_letters() == 0
    assert await funnel.count("app.skip_trace_requests where outcome = 'asked'") == 0


async def test_retry_after_is_kept(running: Running, funnel: Any, world: Providers, home: Home) -> None:
    at: list[float] = []
    inner = times(1, status(429, **{"Retry-After": "3"}))

    async def noting(request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        at.append(asyncio.get_running_loop().time())
        return await inner(request, body)

    world.melissa.fault = noting
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
    assert at[1] - at[0] >= 3


async def test_nobody_listening_is_an_outage_that_costs_nothing(
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    async with running(
        "ingest", "skiptrace", **world.settings(melissa_url="http://127.0.0.1:9", skiptrace_order="melissa")
    ):
        await funnel.send(home)
        await funnel.until_count("app.leads", 1)
        await asyncio.sleep(3)
    assert await funnel.count("app.skip_trace_requests where outcome <> 'failed' or cost_cents > 0") == 0
    async with running("skiptrace", **world.settings()):
        await funnel.until_count(ALL_VERIFIED, 1)
    await _assert_nothing_was_lost(funnel, 1)


@pytest.mark.parametrize(("policy", "paid"), [("next_provider", 1), ("pay_again", 2)])
async def test_a_timeout_is_unknown_and_the_policy_decides(
    running: Running, funnel: Any, world: Providers, home: Home, policy: str, paid: int
) -> None:
    """The provider did the work and nobody heard of it: paid once for nothing, and counted as that."""
    world.people[home["property_address"]] = {
        "phoneNumbers": [{"number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "dnc": False}],
        "emails": [{"email": "marjorie.holt@example.com", "tested": True}],
    }
    slow = [2.0]

    async def first_is_slow(_request: web.Request, body: dict[str, Any]) -> None:
        world.melissa.delay, slow[0] = slow[0], 0.0

    world.melissa.fault = first_is_slow
    settings = world.settings(skiptrace_call_seconds=1, skiptrace_unknown=policy)
    async with running("ingest", "skiptrace", **settings):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
    assert sum(world.melissa.asked.values()) == paid
    assert sum(world.batchdata.asked.values()) == 2 - paid
    unknown = await funnel.db.fetchrow(
        "select outcome, cost_cents, detail from app.skip_trace_requests order by requested_at"
    )
    assert tuple(unknown) == ("unknown", 3, "timeout")
    await _assert_nothing_was_lost(funnel, 1)


@pytest.mark.parametrize("body", ['{"TransmissionResults": " ", "Records": [', "<html>", "[]"])
async def test_an_answer_that_cannot_be_read_is_kept_and_not_paid_again(
    running: Running, funnel: Any, world: Providers, home: Home, body: str
) -> None:
    world.people[home["property_address"]] = {"emails": [{"email": "marjorie.holt@example.com", "tested": True}]}
    world.melissa.fault = times(1, status(200, body))
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where email_verified", 1)
    assert len(world.melissa.calls) == 1
    kept = await funnel.db.fetchrow(
        "select outcome, answer_sealed is not null from app.skip_trace_requests where provider = 'melissa'"
    )
    assert tuple(kept) == ("unknown", True)
    assert await funnel.dead_letters() == 0


async def test_a_lead_at_which_a_healthy_provider_always_fails_becomes_a_dead_letter_and_no_other(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(400)
    poison = leads[0]["property_address"]

    async def stumbles(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        has_it = any(record["AddressLine1"] == poison for record in body["Records"])
        return web.Response(status=500) if has_it else None

    world.melissa.fault = stumbles
    async with running("ingest", "skiptrace", **world.settings(skiptrace_order="melissa")):
        sent = 0
        while not await funnel.dead_letters():
            await funnel.send(*leads[sent : sent + 5])
            sent += 5
            assert sent < len(leads)
            await funnel.until_count("app.leads", sent)
        await funnel.until_count(ALL_VERIFIED, sent - 1)
    assert await funnel.dead_letters() == 1
    assert set(world.melissa.asked.values()) == {1}


async def test_with_pay_again_a_record_that_loses_every_answer_costs_the_others_little_and_is_given_up(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(30)
    poison = leads[7]["property_address"]

    async def breaks_off(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        if all(record["AddressLine1"] != poison for record in body["Records"]):
            return None
        world.melissa.asked.update(record["RecordID"] for record in body["Records"])
        return web.Response(text='{"TransmissionResults": " ", "Records": [', content_type="application/json")

    world.melissa.fault = breaks_off
    settings = world.settings(skiptrace_order="melissa", skiptrace_unknown="pay_again")
    async with running("ingest", "skiptrace", **settings):
        await funnel.send(*leads)
        await funnel.until_count(ALL_VERIFIED, 29, seconds=60)
        await funnel.until(lambda: _count_events(funnel, "lead_unverifiable"), 1, seconds=60)
    paid = world.melissa.asked.most_common()
    assert paid[0][1] == MAX_UNKNOWN_RESPONSES
    assert paid[1][1] <= 9, "lost in requests of 100, 100, 100, 50, 25, 12, 6 and 3 at the most, and then answered"
    unknown = await funnel.db.fetchval("select sum(records) from app.skip_trace_requests where outcome = 'unknown'")
    assert world.melissa.asked.total() == 29 + unknown
    assert await funnel.dead_letters() == 0


@pytest.mark.parametrize("kept", ["of a provider that is asked no more", "that nobody can read any more"])
async def test_a_stored_answer_that_nobody_merged_holds_up_no_lead(
    running: Running, funnel: Any, world: Providers, home: Home, kept: str
) -> None:
    """Settings change with a restart, and a restart is when answers are stored and not merged."""
    async with running("ingest", "skiptrace", **world.settings(skiptrace_order="melissa")):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
        await funnel.until(lambda: _count_events(funnel, "lead_verified"), 1)
    await funnel.db.execute("update app.skip_trace_attempts set merged_at = null, outcome = null")
    await funnel.db.execute("update app.lead_contacts set verified = null, verified_at = null, codes = '{}'")
    if kept == "that nobody can read any more":
        await funnel.db.execute("update app.skip_trace_requests set answer_sealed = '\\x00'")
    world.people[home["property_address"]] = {"emails": [{"email": "m.holt@example.com", "tested": True}]}
    async with running("ingest", "skiptrace", **world.settings(skiptrace_order="batchdata")):
        await funnel.send(home | {"est_value": 500_000})
        await funnel.until(lambda: _count_events(funnel, "lead_verified"), 2)
    assert await funnel.count("app.skip_trace_attempts where merged_at is null") == 0
    read = kept == "of a provider that is asked no more"
    assert await funnel.count(ALL_VERIFIED) == read
    assert len(world.batchdata.calls) == (not read)


async def test_one_record_that_a_provider_refuses_does_not_stop_the_others(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(30)
    poison = leads[7]["property_address"]

    async def picky(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        refused = any(record["AddressLine1"] == poison for record in body["Records"])
        return web.Response(status=400, text="{}") if refused else None

    world.melissa.fault = picky
    async with running("ingest", "skiptrace", **world.settings(skiptrace_order="melissa")):
        await funnel.send(*leads)
        await funnel.until_count(ALL_VERIFIED, 29, seconds=60)
        await funnel.until(lambda: _count_events(funnel, "lead_unverifiable"), 1)
    assert set(world.melissa.asked.values()) == {1}
    assert await funnel.dead_letters() == 0


async def test_no_call_begins_after_a_batchs_deadline_however_long_it_waited_for_room(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    """A rebalance waits for a batch no longer than the deadline and one call (docs/hazards.md, S8)."""
    async with running("ingest"):
        await funnel.send(*many_homes(60))
        await funnel.until_count("app.leads", 60)
    service = build(funnel.installation.settings("skiptrace", **world.settings(skiptrace_in_flight=20)))
    service.bus.lanes.clear()  # only the tracer is at work
    begun: list[float] = []

    async def noting(_request: web.Request, _body: dict[str, Any]) -> None:
        begun.append(time.monotonic())

    world.melissa.fault, world.melissa.delay = noting, 1.0
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    async with running(service):
        ids = [row["id"] for row in await funnel.db.fetch("select id from app.leads")]
        deadline = time.monotonic() + 0.9
        traced = await tracer.trace_leads(ids, deadline)
    assert len(begun) == 1
    assert begun[0] < deadline
    assert len(traced.done) + len(traced.waiting) == 60


async def test_a_call_that_was_written_down_when_the_stop_came_is_made_and_its_answer_kept(
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    service = build(funnel.installation.settings("skiptrace", **world.settings()))
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    written, plain = asyncio.Event(), tracer._ledger.open

    async def slowly(*arguments: Any, **named: Any) -> Any:
        asking = await plain(*arguments, **named)
        written.set()
        await asyncio.sleep(0.3)
        return asking

    tracer._ledger.open = slowly  # type: ignore[method-assign]
    async with running("ingest", service):
        await funnel.send(home)
        await asyncio.wait_for(written.wait(), 30)
    assert await funnel.db.fetchval("select outcome from app.skip_trace_requests") == "answered"


async def test_a_record_that_is_left_out_of_an_answer_is_asked_about_again(
    running: Running, funnel: Any, world: Providers, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(20)
    plain, forgotten = world.melissa.answer, leads[3]["property_address"]

    def forgets(body: dict[str, Any]) -> dict[str, Any]:
        answer = plain(body)
        if len(answer["Records"]) > 1:
            answer["Records"] = [one for one in answer["Records"] if one["AddressLine1"] != forgotten]
        return answer

    world.melissa.answer = forgets
    async with running("ingest"):
        await funnel.send(*leads)
        await funnel.until_count("app.leads", 20)
    async with running("skiptrace", **world.settings(skiptrace_order="melissa")):
        await funnel.until_count(ALL_VERIFIED, 20)
    assert sorted(world.melissa.asked.values())[-2:] == [1, 2]


async def test_a_lead_that_another_traced_and_merged_while_this_one_waited_for_its_turn_is_not_paid_again(
    running: Running, funnel: Any, world: Providers, home: Home
) -> None:
    """As in a rebalance, or when the daily job and an event come to the same lead."""
    async with running("ingest"):
        await funnel.send(home)
        await funnel.until_count("app.leads", 1)
    service = build(funnel.installation.settings("skiptrace", **world.settings(skiptrace_order="melissa")))
    service.bus.lanes.clear()
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    (reverify,) = [one.work for one in service.jobs._daily if one.name == "skiptrace.reverify"]
    turns: Any = tracer._turns
    plain = turns.take
    await funnel.db.execute("update app.leads set created_at = now() - interval '2 days'")

    async def slowly(*arguments: Any) -> Any:
        turns.take = plain
        await reverify()
        return await plain(*arguments)

    turns.take = slowly
    async with running(service):
        ids = [row["id"] for row in await funnel.db.fetch("select id from app.leads")]
        await tracer.trace_leads(ids, time.monotonic() + 10)
    assert await funnel.count(ALL_VERIFIED) == 1
    assert world.melissa.asked.total() == 1


async def _count_events(funnel: Any, name: str) -> int:
    return len(await funnel.events(name))


async def test_an_answer_is_kept_though_its_session_stood_still_for_longer_than_it_may_wait(
    running: Running, funnel: Any, world: Providers, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "PATIENCE", 0)
    blocked = await asyncpg.connect(funnel.installation.database.superuser_dsn)
    waiting = (
        "pg_stat_activity where datname = current_database() and usename = 'svc_skiptrace' and wait_event_type = 'Lock'"
    )

    async def stand(_request: web.Request, _body: dict[str, Any]) -> None:
        await blocked.execute("begin; select from app.skip_trace_requests for update")

    world.melissa.fault = stand
    async with running("ingest", "skiptrace", **world.settings()):
        await funnel.send(home)
        await funnel.until_count(waiting, 1)
        await funnel.db.execute(f"select pg_terminate_backend(pid) from {waiting}")
        await blocked.execute("rollback")
        await funnel.until_count(ALL_VERIFIED, 1)
    await blocked.close()
    await _assert_nothing_was_lost(funnel, 1)
