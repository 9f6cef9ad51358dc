"""Long outages of vendors, flapping and slow vendors, and loss of PostgreSQL or Kafka during calls: leads wait, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from local_services import KafkaServer, PostgresServer
from support import databases
from support import topics as topic_support
from support.installation import Installation, Spawned
from support.killable_system import KillableSystem
from support.verification import (
    SkipTraceScenario,
    VerificationPipeline,
    open_pipeline,
    providers_at,
    read_metric,
    spawn_sandbox,
    url_of,
)

pytestmark = pytest.mark.timeout(240)

VENDORS = ("melissa", "batchdata")


async def read_health(spawned: Spawned, page: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"{spawned.health}/{page}") as answer:
        return answer.status, await answer.text()


async def stop_vendors(pipeline: VerificationPipeline, *vendors: str) -> None:
    for vendor in vendors:
        await pipeline.vendors.add_fault(vendor, "server_error")


async def restore_vendors(pipeline: VerificationPipeline) -> None:
    await pipeline.vendors.call_control_api("DELETE", "faults")


async def assert_service_waits(pipeline: VerificationPipeline, running: Spawned, seconds: float) -> None:
    """Assert that for *seconds* there is no dead letter and no restart, and that the vendors get almost no calls."""
    calls = {vendor: (await pipeline.load_calls(vendor))["total"] for vendor in VENDORS}
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        assert (await read_health(running, "livez"))[0] == 200
        await asyncio.sleep(0.2)
    status, problems = await read_health(running, "readyz")
    assert (status, "vendor_unavailable" in problems) == (503, True)
    assert await pipeline.dead_letters() == []
    for vendor in VENDORS:  # an open circuit permits one probe after each backoff
        assert (await pipeline.load_calls(vendor))["total"] - calls[vendor] <= 20 * seconds


async def test_the_next_provider_is_asked_and_leads_wait_while_both_are_down_or_flapping(
    pipeline: VerificationPipeline, shared_installation: Installation, sandbox: Spawned, scenario: SkipTraceScenario
) -> None:
    running = await shared_installation.spawn("ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox)))
    try:
        await stop_vendors(pipeline, "melissa")
        await pipeline.send(scenario.pick_households(reachable=40))
        await pipeline.wait_for_expected_outcomes()
        assert (await pipeline.count_charged("melissa"), await pipeline.count_charged("batchdata")) == (0, 40)
        assert await read_metric(running, "equity_vendor_circuit_open", vendor="melissa") == 1

        await stop_vendors(pipeline, "batchdata")
        await pipeline.send(scenario.pick_households(reachable=200))
        await pipeline.until(
            "select count(*) = 240 from app.leads where property_address = any ($1)", list(pipeline.households)
        )
        await assert_service_waits(pipeline, running, 6)
        await restore_vendors(pipeline)
        await pipeline.wait_for_expected_outcomes()
        assert (await read_health(running, "readyz"))[0] == 200

        for vendor in VENDORS:
            await pipeline.vendors.add_fault(vendor, "server_error", rate=0.5)
        await pipeline.send(scenario.pick_households(reachable=60))
        await pipeline.wait_for_expected_outcomes(40)
        for vendor in VENDORS:  # both may charge for a lead: one finds, and only the other knows the MAK
            assert (await pipeline.vendors.fetch_charges(vendor))["charged_twice"] == {}
    finally:
        assert running.stop() == 0


async def test_without_fall_back_leads_wait_for_the_provider(
    pipeline: VerificationPipeline, shared_installation: Installation, sandbox: Spawned, scenario: SkipTraceScenario
) -> None:
    running = await shared_installation.spawn(
        "ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), SKIPTRACE_FALL_BACK="false")
    )
    try:
        await stop_vendors(pipeline, "melissa")
        await pipeline.send(scenario.pick_households(reachable=100))
        await pipeline.until(
            "select count(*) = 100 from app.leads where property_address = any ($1)", list(pipeline.households)
        )
        await assert_service_waits(pipeline, running, 3)
        await restore_vendors(pipeline)
        await pipeline.wait_for_expected_outcomes()
        assert (await pipeline.count_charged("melissa"), await pipeline.count_charged("batchdata")) == (100, 0)
    finally:
        assert running.stop() == 0


async def test_a_vendor_that_fails_nine_times_of_ten_causes_no_dead_letters(
    pipeline: VerificationPipeline, shared_installation: Installation, sandbox: Spawned, scenario: SkipTraceScenario
) -> None:
    """It answers sometimes, so each lead fails often at a provider that answers about others."""
    running = await shared_installation.spawn(
        "ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), SKIPTRACE_ORDER="melissa")
    )
    try:
        await pipeline.vendors.add_fault("melissa", "server_error", rate=0.9)
        await pipeline.send(scenario.pick_households(reachable=60))
        often_failed = """
            select count(*) >= 5 from (
              select from app.skip_trace_attempts where outcome = 'failed' group by lead_id having count(*) > 14
            ) leads"""
        await pipeline.until(often_failed)
        assert await pipeline.dead_letters() == []
        await restore_vendors(pipeline)
        await pipeline.wait_for_expected_outcomes()
        assert (await pipeline.vendors.fetch_charges("melissa"))["charged_twice"] == {}
    finally:
        assert running.stop() == 0


async def test_at_a_slow_vendor_hundreds_of_records_are_in_flight(
    pipeline: VerificationPipeline, shared_installation: Installation, sandbox: Spawned, scenario: SkipTraceScenario
) -> None:
    settings = {"SKIPTRACE_IN_FLIGHT": "400", "MELISSA_BATCH": "10", "SKIPTRACE_CALL_SECONDS": "10"}
    running = await shared_installation.spawn(
        "ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), **settings)
    )
    try:
        for latency in (0.3, 3):
            await pipeline.reset()
            await pipeline.vendors.add_fault("melissa", "slow", seconds=latency)
            await pipeline.send(scenario.pick_households(reachable=400))
            await pipeline.wait_for_expected_outcomes(60)
            assert (await pipeline.load_calls("melissa"))["max_concurrent"] >= 10, "calls, of ten leads each"
            assert await pipeline.count_charged("melissa") == 400
    finally:
        assert running.stop() == 0


async def test_two_replicas_together_stay_within_the_published_limits(
    shared_installation: Installation, scenario: SkipTraceScenario
) -> None:
    limits = {"MELISSA_RECORDS_PER_SECOND": "60", "BATCHDATA_REQUESTS_PER_MINUTE": "20"}
    strict = await spawn_sandbox(shared_installation, **{f"SANDBOX_{name}": value for name, value in limits.items()})
    settings = providers_at(url_of(strict), MELISSA_BATCH="20", BATCHDATA_BATCH="20", **limits)
    running = [await shared_installation.spawn("ingest", "recorder", "skiptrace", **settings)]
    running.append(await shared_installation.spawn("skiptrace", **settings))
    async with open_pipeline(shared_installation, strict) as pipeline:
        await pipeline.reset()
        await pipeline.send(scenario.pick_households(reachable=300, deceased=2, unknown=2))
        await pipeline.wait_for_expected_outcomes(60)
        assert (await pipeline.count_charged("melissa")) == 304
        assert (await pipeline.vendors.fetch_charges("melissa"))["charged_twice"] == {}
        for vendor in VENDORS:
            calls = await pipeline.load_calls(vendor)
            refused = sum(found.get("429", 0) for found in calls["operations"].values())
            # A call that arrives a moment late may fall into the vendor's next second. That costs a backoff and no money.
            assert 5 * refused <= calls["total"]
    for one in (*running, strict):
        assert one.stop() == 0


@pytest.fixture
async def killable(
    own_servers: tuple[KafkaServer, PostgresServer], tmp_path: Path, scenario: SkipTraceScenario
) -> AsyncIterator[tuple[KillableSystem, Spawned]]:
    """Ingest, recorder and skiptrace on servers that a test may kill, and the sandbox."""
    kafka, postgres = own_servers
    with databases.create_database() as database:
        prefix = f"f{uuid4().hex[:8]}."
        await topic_support.create(kafka.bootstrap, prefix)
        installation = Installation(kafka.bootstrap, prefix, database, tmp_path)
        try:
            sandbox = await spawn_sandbox(installation)
            settings: dict[str, Any] = {"SKIPTRACE_ORDER": "melissa", "SKIPTRACE_CALL_SECONDS": "15"}
            await installation.spawn("ingest", "recorder", "skiptrace", **providers_at(url_of(sandbox), **settings))
            yield KillableSystem(kafka, postgres, installation, {}), sandbox
        finally:
            installation.close()


@pytest.mark.timeout(600)  # with the start of its servers
async def test_no_response_is_lost_if_a_server_is_killed_during_a_call(
    killable: tuple[KillableSystem, Spawned], scenario: SkipTraceScenario
) -> None:
    system, sandbox = killable
    households: dict[str, Any] = {}
    for server in ("postgres", "kafka"):
        async with open_pipeline(system.installation, sandbox) as pipeline:
            await pipeline.vendors.add_fault("melissa", "slow", seconds=4, times=3)
            new = scenario.pick_households(reachable=40)
            await pipeline.send(new)
            households |= new
            await pipeline.until("select exists (select from app.skip_trace_requests where outcome = 'asked')")
        await system.kill_and_restart(server)
        async with open_pipeline(system.installation, sandbox) as pipeline:
            pipeline.households = households
            await pipeline.wait_for_expected_outcomes(180)
            assert await pipeline.count("app.skip_trace_requests where outcome <> 'answered'") == 0
            assert await pipeline.count_charged("melissa") == len(households)
