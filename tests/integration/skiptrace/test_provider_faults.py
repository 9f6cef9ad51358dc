"""Single failed calls. `tests/faults/test_vendor_faults.py` has every fault of the vendors."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from aiohttp import web

from skiptrace.app import build
from skiptrace.rules.waterfall import MAX_UNKNOWN_RESPONSES
from skiptrace.trace import request_log
from skiptrace.trace.tracer import Tracer
from support.providers import FakeProviders, first_calls, status

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]
ALL_VERIFIED = "app.leads where email_verified and phone_verified"


async def _assert_nothing_was_lost(funnel: Any, leads: int) -> None:
    assert await funnel.count(ALL_VERIFIED) == leads
    assert len(await funnel.events("lead_verified")) == leads
    assert await funnel.dead_letters() == 0
    assert await funnel.count("app.skip_trace_requests where outcome = 'asked'") == 0


async def test_retry_after_is_respected(running: Running, funnel: Any, providers: FakeProviders, home: Home) -> None:
    called_at: list[float] = []
    inner = first_calls(1, status(429, **{"Retry-After": "3"}))

    async def record_call(request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        called_at.append(asyncio.get_running_loop().time())
        return await inner(request, body)

    providers.melissa.fault = record_call
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
    assert called_at[1] - called_at[0] >= 3


async def test_an_unreachable_provider_is_an_outage_that_costs_nothing(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running(
        "ingest", "skiptrace", **providers.settings(melissa_url="http://127.0.0.1:9", skiptrace_order="melissa")
    ):
        await funnel.send(home)
        await funnel.until_count("app.leads", 1)
        await asyncio.sleep(3)
    assert await funnel.count("app.skip_trace_requests where outcome <> 'failed' or cost_cents > 0") == 0
    async with running("skiptrace", **providers.settings()):
        await funnel.until_count(ALL_VERIFIED, 1)
    await _assert_nothing_was_lost(funnel, 1)


@pytest.mark.parametrize(("policy", "paid"), [("next_provider", 1), ("pay_again", 2)])
async def test_a_timeout_is_unknown_and_the_policy_decides(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, policy: str, paid: int
) -> None:
    """The provider did the work and its response was lost: charged once for nothing, and counted as unknown."""
    providers.people[home["property_address"]] = {
        "phoneNumbers": [{"number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "dnc": False}],
        "emails": [{"email": "marjorie.holt@example.com", "tested": True}],
    }
    slow = [2.0]

    async def first_is_slow(_request: web.Request, body: dict[str, Any]) -> None:
        providers.melissa.delay, slow[0] = slow[0], 0.0

    providers.melissa.fault = first_is_slow
    settings = providers.settings(skiptrace_call_seconds=1, skiptrace_unknown=policy)
    async with running("ingest", "skiptrace", **settings):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
    assert sum(providers.melissa.charged.values()) == paid
    assert sum(providers.batchdata.charged.values()) == 2 - paid
    unknown = await funnel.db.fetchrow(
        "select outcome, cost_cents, detail from app.skip_trace_requests order by requested_at"
    )
    assert tuple(unknown) == ("unknown", 3, "timeout")
    await _assert_nothing_was_lost(funnel, 1)


@pytest.mark.parametrize("body", ['{"TransmissionResults": " ", "Records": [', "<html>", "[]"])
async def test_an_unreadable_response_is_stored_and_not_paid_again(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, body: str
) -> None:
    providers.people[home["property_address"]] = {"emails": [{"email": "marjorie.holt@example.com", "tested": True}]}
    providers.melissa.fault = first_calls(1, status(200, body))
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where email_verified", 1)
    assert len(providers.melissa.calls) == 1
    stored = await funnel.db.fetchrow(
        "select outcome, response_encrypted is not null from app.skip_trace_requests where provider = 'melissa'"
    )
    assert tuple(stored) == ("unknown", True)
    assert await funnel.dead_letters() == 0


async def test_only_the_lead_about_which_an_available_provider_always_fails_becomes_a_dead_letter(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(400)
    poison = leads[0]["property_address"]

    async def fail_for_one(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        is_included = any(record["AddressLine1"] == poison for record in body["Records"])
        return web.Response(status=500) if is_included else None

    providers.melissa.fault = fail_for_one
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_order="melissa")):
        sent = 0
        while not await funnel.dead_letters():
            await funnel.send(*leads[sent : sent + 5])
            sent += 5
            assert sent < len(leads)
            await funnel.until_count("app.leads", sent)
        await funnel.until_count(ALL_VERIFIED, sent - 1)
    assert await funnel.dead_letters() == 1
    assert set(providers.melissa.charged.values()) == {1}


async def test_with_pay_again_a_record_that_loses_every_response_ends_alone_and_is_not_asked_forever(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(30)
    poison = leads[7]["property_address"]

    async def truncate_for_one(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        if all(record["AddressLine1"] != poison for record in body["Records"]):
            return None
        providers.melissa.charged.update(record["RecordID"] for record in body["Records"])
        return web.Response(text='{"TransmissionResults": " ", "Records": [', content_type="application/json")

    providers.melissa.fault = truncate_for_one
    settings = providers.settings(skiptrace_order="melissa", skiptrace_unknown="pay_again")
    async with running("ingest", "skiptrace", **settings):
        await funnel.send(*leads)
        await funnel.until_count(ALL_VERIFIED, 29, seconds=60)
        await funnel.until(lambda: _count_events(funnel, "lead_unverifiable"), 1, seconds=60)
    paid = providers.melissa.charged.most_common()
    assert paid[0][1] == MAX_UNKNOWN_RESPONSES
    assert paid[1][1] <= 9, "lost in requests of at most 100, 100, 100, 50, 25, 12, 6 and 3 records, and then answered"
    unknown = await funnel.db.fetchval("select sum(records) from app.skip_trace_requests where outcome = 'unknown'")
    assert providers.melissa.charged.total() == 29 + unknown
    assert await funnel.dead_letters() == 0


@pytest.mark.parametrize("stored", ["of a provider that is not asked any more", "that is unreadable"])
async def test_an_unmerged_response_delays_no_lead(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, stored: str
) -> None:
    """Settings change with a restart, and a restart leaves responses that are stored and not merged."""
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_order="melissa")):
        await funnel.send(home)
        await funnel.until_count(ALL_VERIFIED, 1)
        await funnel.until(lambda: _count_events(funnel, "lead_verified"), 1)
    await funnel.db.execute("update app.skip_trace_attempts set merged_at = null, outcome = null")
    await funnel.db.execute("update app.lead_contacts set verified = null, verified_at = null, codes = '{}'")
    if stored == "that is unreadable":
        await funnel.db.execute("update app.skip_trace_requests set response_encrypted = '\\x00'")
    providers.people[home["property_address"]] = {"emails": [{"email": "m.holt@example.com", "tested": True}]}
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_order="batchdata")):
        await funnel.send(home | {"est_value": 500_000})
        await funnel.until(lambda: _count_events(funnel, "lead_verified"), 2)
    assert await funnel.count("app.skip_trace_attempts where merged_at is null") == 0
    is_readable = stored == "of a provider that is not asked any more"
    assert await funnel.count(ALL_VERIFIED) == is_readable
    assert len(providers.batchdata.calls) == (not is_readable)


async def test_one_rejected_record_does_not_stop_the_others(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(30)
    poison = leads[7]["property_address"]

    async def reject_one(_request: web.Request, body: dict[str, Any]) -> web.StreamResponse | None:
        is_rejected = any(record["AddressLine1"] == poison for record in body["Records"])
        return web.Response(status=400, text="{}") if is_rejected else None

    providers.melissa.fault = reject_one
    async with running("ingest", "skiptrace", **providers.settings(skiptrace_order="melissa")):
        await funnel.send(*leads)
        await funnel.until_count(ALL_VERIFIED, 29, seconds=60)
        await funnel.until(lambda: _count_events(funnel, "lead_unverifiable"), 1)
    assert set(providers.melissa.charged.values()) == {1}
    assert await funnel.dead_letters() == 0


async def test_no_call_starts_after_a_batchs_deadline_even_after_a_long_wait_for_other_calls(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    """A rebalance waits for a batch until its deadline and one call at most (docs/hazards.md, S8)."""
    async with running("ingest"):
        await funnel.send(*many_homes(60))
        await funnel.until_count("app.leads", 60)
    service = build(funnel.installation.settings("skiptrace", **providers.settings(skiptrace_in_flight=20)))
    service.bus.consumer_instances.clear()  # only the tracer runs
    started: list[float] = []

    async def record_call(_request: web.Request, _body: dict[str, Any]) -> None:
        started.append(time.monotonic())

    providers.melissa.fault, providers.melissa.delay = record_call, 1.0
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    async with running(service):
        ids = [row["id"] for row in await funnel.db.fetch("select id from app.leads")]
        deadline = time.monotonic() + 0.9
        traced = await tracer.trace_leads(ids, deadline)
    assert len(started) == 1
    assert started[0] < deadline
    assert len(traced.done) + len(traced.waiting) == 60


async def test_a_request_that_is_logged_before_a_stop_is_sent_and_its_response_stored(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    service = build(funnel.installation.settings("skiptrace", **providers.settings()))
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    logged, open_request = asyncio.Event(), tracer._request_log.open_request

    async def slowly(*arguments: Any, **named: Any) -> Any:
        request = await open_request(*arguments, **named)
        logged.set()
        await asyncio.sleep(0.3)
        return request

    tracer._request_log.open_request = slowly  # type: ignore[method-assign]
    async with running("ingest", service):
        await funnel.send(home)
        await asyncio.wait_for(logged.wait(), 30)
    assert await funnel.db.fetchval("select outcome from app.skip_trace_requests") == "answered"


async def test_a_record_without_a_response_is_asked_about_again(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    leads = many_homes(20)
    answer_all, left_out = providers.melissa.answer, leads[3]["property_address"]

    def leave_one_out(body: dict[str, Any]) -> dict[str, Any]:
        answer = answer_all(body)
        if len(answer["Records"]) > 1:
            answer["Records"] = [one for one in answer["Records"] if one["AddressLine1"] != left_out]
        return answer

    providers.melissa.answer = leave_one_out
    async with running("ingest"):
        await funnel.send(*leads)
        await funnel.until_count("app.leads", 20)
    async with running("skiptrace", **providers.settings(skiptrace_order="melissa")):
        await funnel.until_count(ALL_VERIFIED, 20)
    assert sorted(providers.melissa.charged.values())[-2:] == [1, 2]


async def test_a_lead_that_was_traced_and_merged_during_the_wait_for_a_permit_is_not_paid_again(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    """For example in a rebalance, or if the daily job and an event concern the same lead."""
    async with running("ingest"):
        await funnel.send(home)
        await funnel.until_count("app.leads", 1)
    service = build(funnel.installation.settings("skiptrace", **providers.settings(skiptrace_order="melissa")))
    service.bus.consumer_instances.clear()
    (tracer,) = [part for part in service.parts if isinstance(part, Tracer)]
    (reverify,) = [one.work for one in service.jobs._daily if one.name == "skiptrace.reverify"]
    throttle: Any = tracer._throttle
    acquire_permit = throttle.acquire_permit
    await funnel.db.execute("update app.leads set created_at = now() - interval '2 days'")

    async def slowly(*arguments: Any) -> Any:
        throttle.acquire_permit = acquire_permit
        await reverify()
        return await acquire_permit(*arguments)

    throttle.acquire_permit = slowly
    async with running(service):
        ids = [row["id"] for row in await funnel.db.fetch("select id from app.leads")]
        await tracer.trace_leads(ids, time.monotonic() + 10)
    assert await funnel.count(ALL_VERIFIED) == 1
    assert providers.melissa.charged.total() == 1


async def _count_events(funnel: Any, name: str) -> int:
    return len(await funnel.events(name))


async def test_a_response_is_stored_even_if_its_session_hangs_for_longer_than_the_time_limit(
    running: Running, funnel: Any, providers: FakeProviders, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "STORE_TIMEOUT_SECONDS", 0)
    blocked = await asyncpg.connect(funnel.installation.database.superuser_dsn)
    waiting = (
        "pg_stat_activity where datname = current_database() and usename = 'svc_skiptrace' and wait_event_type = 'Lock'"
    )

    async def lock_request(_request: web.Request, _body: dict[str, Any]) -> None:
        await blocked.execute("begin; select from app.skip_trace_requests for update")

    providers.melissa.fault = lock_request
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count(waiting, 1)
        await funnel.db.execute(f"select pg_terminate_backend(pid) from {waiting}")
        await blocked.execute("rollback")
        await funnel.until_count(ALL_VERIFIED, 1)
    await blocked.close()
    await _assert_nothing_was_lost(funnel, 1)
