"""Scheduled work: outdated contacts are verified again, lost calls counted, raw responses emptied."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from common.service import Service
from skiptrace.app import build
from support.installation import Installation
from support.providers import FakeProviders

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]
GOOD = "app.leads where email_verified and phone_verified"
LONG_AGO = """
update app.lead_contacts set verified_at = verified_at - interval '200 days';
update app.skip_trace_attempts set at = at - interval '200 days', merged_at = merged_at - interval '200 days';
update app.skip_trace_requests
set requested_at = requested_at - interval '200 days', answered_at = answered_at - interval '200 days';
update app.leads set created_at = created_at - interval '200 days';
"""


async def run(service: Service, job: str) -> None:
    jobs: list[Any] = [*service.jobs._daily, *service.jobs._repeated]
    (work,) = [one.work for one in jobs if one.name == f"skiptrace.{job}"]
    await work()


async def test_outdated_contacts_are_verified_again_and_once(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(GOOD, 1)
        await run(services[1], "reverify")
        assert sum(providers.melissa.charged.values()) == 1
        await funnel.db.execute(LONG_AGO)
        providers.melissa_fields[home["property_address"]] = {"Results": "AS01,PS01,PS07,EE04"}
        await run(services[1], "reverify")
        await run(services[1], "reverify")
        await funnel.until_count("app.leads where phone_verified and not email_verified", 1)
        await funnel.until(lambda: _outcomes(funnel), ["both", "phone"])
    assert sum(providers.melissa.charged.values()) == 2


async def test_leads_without_any_request_are_found(
    running: Running,
    installation: Installation,
    funnel: Any,
    providers: FakeProviders,
    many_homes: Callable[..., list[Home]],
) -> None:
    """For example leads whose messages expired after seven days, before a provider had its key."""
    async with running("ingest"):
        await funnel.send(*many_homes(3))
        await funnel.until_count("app.leads", 3)
    await funnel.db.execute("update app.leads set created_at = created_at - interval '2 days'")
    settings: Any = installation.settings("skiptrace", **providers.settings(skiptrace_reverify_per_day=2))
    service = build(settings)
    service.bus.consumer_instances.clear()  # only the job runs
    async with running(service):
        await run(service, "reverify")
    assert sum(providers.melissa.charged.values()) == 2
    assert await funnel.count(GOOD) == 2


async def test_a_request_of_a_lost_process_becomes_unknown_and_is_counted(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(GOOD, 1)
        await funnel.db.execute(
            "update app.skip_trace_requests set outcome = 'asked', response_encrypted = null, lease_until = now() - interval '1 second'"
        )
        await funnel.db.execute("update app.skip_trace_attempts set outcome = null, merged_at = null")
        await run(services[1], "expire_requests")
    assert await funnel.db.fetchval("select outcome from app.skip_trace_requests") == "unknown"
    assert await funnel.db.fetchval("select outcome from app.skip_trace_attempts") == "unknown"


async def test_raw_responses_are_emptied_after_their_retention_and_not_before_they_are_merged(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()) as services:
        await funnel.send(home)
        await funnel.until_count(GOOD, 1)
        await run(services[1], "clean_up")
        assert await funnel.count("app.skip_trace_requests where response_encrypted is not null") == 3
        await funnel.db.execute("update app.skip_trace_requests set requested_at = now() - interval '40 days'")
        await funnel.db.execute("update app.skip_trace_attempts set merged_at = null")
        await run(services[1], "clean_up")
        assert await funnel.count("app.skip_trace_requests where response_encrypted is not null") == 3
        await funnel.db.execute("update app.skip_trace_attempts set merged_at = now()")
        await run(services[1], "clean_up")
    assert (
        await funnel.count(
            "app.skip_trace_requests where response_encrypted is not null or lookups_encrypted is not null"
        )
        == 0
    )


async def test_stored_requests_are_unreadable_without_the_key(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count(GOOD, 1)
    row = await funnel.db.fetchrow("select * from app.skip_trace_requests")
    assert b"Holt" not in row["lookups_encrypted"]
    assert b"7275550142" not in row["response_encrypted"]
    assert "holt" not in str(await funnel.db.fetchval("select melissa_payload from app.leads")).lower()
    for event in await funnel.events("lead_verified"):
        assert "7275550142" not in str(event)


async def test_without_a_key_nothing_is_consumed_and_nothing_lost(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace"):
        await funnel.send(home)
        await funnel.until_count("app.leads", 1)
    async with running("skiptrace", **providers.settings()):
        await funnel.until_count(GOOD, 1)


async def _outcomes(funnel: Any) -> list[str]:
    return sorted(event["outcome"] for event in await funnel.events("lead_verified"))


async def test_leads_with_a_lost_event_are_traced_once_and_charged_once(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    async with running("ingest"):
        await funnel.send(*many_homes(3))
        await funnel.until_count("app.leads", 3)
    await funnel.db.execute("truncate svc_ingest.outbox")
    await funnel.db.execute("update app.leads set created_at = created_at - interval '2 hours'")
    async with running("skiptrace", **providers.settings(skiptrace_recovery_check_seconds=3_600)) as (service,):
        await run(service, "trace_overlooked_leads")
        await run(service, "trace_overlooked_leads")
        await funnel.until_count(GOOD, 3)
    assert sum(providers.melissa.charged.values()) == 3
